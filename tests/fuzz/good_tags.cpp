// SPDX-License-Identifier: BSD-3-Clause
// Tags as real writers make them.
#include "good_tags.hpp"

#include "folder.hpp"
#include "sandbox.hpp"

#include <ndsharray/ndsharray.hpp>

#include <cstdio>
#include <filesystem>
#include <vector>

namespace ndsharray::fuzz {
namespace {

using namespace std::chrono_literals;

struct GoodTag {
    ArraySpec spec;
    unsigned frames = 1;
    WriterOptions options{};
    bool ends = false;
    bool only_compat = false;  // as if the Python package had written it
};

ArraySpec gray() {
    const std::uint64_t shape[] = {20, 30};
    return ArraySpec::contiguous(DType::UInt8, shape);
}

/// Rows with padding, three dimensions, more than a byte each.
ArraySpec padded() {
    const std::uint64_t shape[] = {5, 7, 3};
    const std::int64_t strides[] = {96, 12, 4};
    return ArraySpec::strided(DType::Float32, shape, strides, 512);
}

GoodTag good_tag(unsigned which) {
    WriterOptions options;
    options.slots = 3;
    switch (which) {
        case 0:
            return {gray(), 1, options};
        case 1:
            options.metadata_capacity = 100;
            options.slots = 4;
            return {padded(), 6, options};
        case 2:
            options.backpressure = true;
            return {gray(), 2, options, true};
        case 3:
            return {gray(), 0, options};
        case 4:
            options.compat = true;
            return {gray(), 2, options};
        default:
            options.compat = true;
            return {gray(), 1, options, false, true};
    }
}

}  // namespace

void with_good_tag(unsigned which, const std::function<void(const std::string&)>& look) {
    const GoodTag tag = good_tag(which);
    Writer writer(tag_name, tag.options);
    const std::vector<std::byte> metadata(8, std::byte{1});
    for (unsigned i = 0; i < tag.frames; ++i) {
        writer.configure(tag.spec, {{"caps", "video/x-raw"}, {"k", ""}});
        WritableFrame frame = writer.acquire(0s);
        require(writer.publish(std::move(frame), {}, metadata) == i + 1, "a good tag can be made");
        pass_time(40ms);
    }
    if (tag.ends)
        writer.end_of_stream();
    if (tag.only_compat)
        for (const auto& file : std::filesystem::directory_iterator(directory()))
            if (file.path().filename().string().starts_with("ndsh."))
                std::filesystem::remove(file.path());
    look(tag.only_compat ? std::string() : writer.segment_name());
}

}  // namespace ndsharray::fuzz
