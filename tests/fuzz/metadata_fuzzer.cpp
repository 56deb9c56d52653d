// SPDX-License-Identifier: BSD-3-Clause
// The bytes beside a frame's pixels, as another process may write them, against what makes metas of them.
//
// An input is the format and the size of a picture, then such bytes.
#include <metadata/decoder.hpp>
#include <metadata/structure_bytes.hpp>
#include <owned.hpp>
#include <video/crop.hpp>

#include "promise.hpp"
#include "script.hpp"

#include <sanitizer/lsan_interface.h>

#include <array>
#include <span>
#include <string>
#include <vector>

namespace ndsharray::fuzz {
namespace {

using gst::MetadataDecoder;
using gst::Owned;

constexpr const char* custom_meta = "NdshFuzzed";

/// Names stay until the process ends, and GLib leaks a table now and then when there are more. So all are
/// made beforehand: short ones, and as many others as the decoder takes before it refuses new ones.
void make_all_names() {
    for (char first = 'A'; first <= 'z'; ++first)
        for (char second = '-'; second <= 'z'; ++second)
            g_quark_from_string(std::string{first, second}.c_str());
    for (const char* usual : {custom_meta, "detection", "face", "timestamp/x-unix"})
        g_quark_from_string(usual);
    std::vector<std::byte> area(64);
    try {
        for (unsigned i = 0;; ++i) {
            gst::ByteWriter writer(area);
            writer.put_text("name" + std::to_string(i));
            gst::ByteReader reader(writer.written());
            gst::read_quark(reader);
        }
    } catch (const gst::DamagedBytes&) {
    }
}

GstVideoInfo picture(Script& script) {
    constexpr std::array formats{GST_VIDEO_FORMAT_GRAY8, GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_RGB};
    GstVideoInfo info;
    gst_video_info_set_format(&info, formats.at(script.below(formats.size())), 1U + script.below(64),
                              1U + script.below(64));
    return info;
}

/// What elements believe of a buffer without asking.
void check(GstBuffer* buffer, const GstVideoInfo& info) {
    if (const GstVideoCropMeta* crop = gst_buffer_get_video_crop_meta(buffer))
        require(std::uint64_t{crop->x} + crop->width <= static_cast<std::uint64_t>(info.width) &&
                    std::uint64_t{crop->y} + crop->height <= static_cast<std::uint64_t>(info.height),
                "a crop is within its picture");
    if (const GstVideoTimeCodeMeta* code = gst_buffer_get_video_time_code_meta(buffer)) {
        require(gst_video_time_code_is_valid(&code->tc), "a time code is one");
        gst_video_time_code_nsec_since_daily_jam(&code->tc);
        g_free(gst_video_time_code_to_string(&code->tc));
    }
    gpointer state = nullptr;
    while (const GstMeta* meta =
               gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
        const auto* region = reinterpret_cast<const GstVideoRegionOfInterestMeta*>(meta);
        for (const GList* param = region->params; param != nullptr; param = param->next)
            g_free(gst_structure_to_string(static_cast<const GstStructure*>(param->data)));
    }
}

void run(Script script) {
    const GstVideoInfo info = picture(script);
    static MetadataDecoder decoder;
    decoder.restart();
    const auto bytes = std::as_bytes(script.bytes(2 * gst::most_metadata));
    decoder.take(bytes);
    const Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, info.size, nullptr));
    const auto orientation = decoder.attach(buffer.get(), info);
    require(!orientation || *orientation <= GST_VIDEO_ORIENTATION_UR_LL, "an orientation is one of eight");
    check(buffer.get(), info);
    const Owned<GstBuffer> copy(gst_buffer_copy(buffer.get()));
    check(copy.get(), info);
}

}  // namespace
}  // namespace ndsharray::fuzz

/// From before GLib is loaded until the first input: its first table of names is among those that it leaks.
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)() = [] { __lsan_disable(); };

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    gst_init(nullptr, nullptr);
    const gchar* no_tags[] = {nullptr};
    gst_meta_register_custom(ndsharray::fuzz::custom_meta, no_tags, nullptr, nullptr, nullptr);
    ndsharray::fuzz::make_all_names();
    __lsan_enable();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
    ndsharray::fuzz::run(ndsharray::fuzz::Script(data, bytes));
    return 0;
}
