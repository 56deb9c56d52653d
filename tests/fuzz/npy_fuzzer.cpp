// SPDX-License-Identifier: BSD-3-Clause
// The start of a file that may be a .npy file, against what reads its header.
#include <npy.hpp>

#include "promise.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ndsharray::fuzz {
namespace {

void run(std::string_view file) {
    // A file is no longer than its start, unless that ends where we look.
    cli::NpyContent content;
    try {
        content = cli::parse_npy_header(file.substr(0, cli::npy_header_look), file.size());
    } catch (const std::runtime_error& error) {
        require(std::string_view(error.what()).size() > 10, "an error has a sentence");
        return;
    }
    require(content.frame.problem().empty(), "a frame is an array that can be");
    require(content.frames > 0 && content.frame.bytes > 0, "there is a frame");
    require(content.data_offset <= file.size() &&
                content.frames <= (file.size() - content.data_offset) / content.frame.bytes,
            "all frames are in the file");
    std::vector<std::byte> frame(static_cast<std::size_t>(content.frame.bytes));
    std::copy_n(reinterpret_cast<const std::byte*>(file.data()) + content.data_offset, frame.size(),
                frame.begin());
    cli::swap_bytes(frame.data(), content.frame);

    // What is written for it reads the same.
    const std::string header = cli::make_npy_header(content.frame, content.frames);
    const auto again = cli::parse_npy_header(header, header.size() + content.frames * content.frame.bytes);
    require(again.frame == content.frame && again.frames == content.frames,
            "a header that was written again says the same");
}

}  // namespace
}  // namespace ndsharray::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
    ndsharray::fuzz::run({reinterpret_cast<const char*>(data), bytes});
    return 0;
}
