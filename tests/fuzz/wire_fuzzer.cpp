// SPDX-License-Identifier: BSD-3-Clause
// A message that may be one of ndsh mirror, against what decodes it on both sides.
#include <wire.hpp>

#include "promise.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ndsharray::fuzz {
namespace {

void run(std::span<const std::byte> bytes) {
    mirror::Message message;
    try {
        message = mirror::decode(bytes);
    } catch (const mirror::WireError& error) {
        require(std::string_view(error.what()).size() > 10, "an error has a sentence");
        return;
    }
    if (const auto* const layout = std::get_if<mirror::Layout>(&message)) {
        require(layout->spec.problem().empty(), "a layout is of an array that can be");
        require(layout->spec.bytes <= mirror::max_array_bytes, "an array is not too large");
    }
    if (const auto* const frame = std::get_if<mirror::FrameHead>(&message))
        require(frame->bytes <= mirror::max_array_bytes && frame->info.number <= mirror::max_frame_number,
                "numbers of a frame are within their bounds");
    if (const auto* const data = std::get_if<mirror::Data>(&message))
        require(data->raw_bytes <= mirror::max_chunk_bytes, "a part is not too large");

    const std::string written = mirror::encode(message);
    const mirror::Message again = mirror::decode(std::as_bytes(std::span(written)));
    require(mirror::encode(again) == written, "a message that was written again says the same");
}

}  // namespace
}  // namespace ndsharray::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
    ndsharray::fuzz::run(std::as_bytes(std::span(data, bytes)));
    return 0;
}
