// SPDX-License-Identifier: BSD-3-Clause
// Video frames with known pixels: making them, pushing them into an appsrc, pulling them from an appsink.
#include "frames.hpp"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace ndsharray::test {
namespace {

struct Rows {
    std::size_t bytes = 0, count = 0;
};

/// All tiles of a plane. Some planes have room for more, which nothing describes.
Rows tiles(const GstVideoFrame& frame, guint plane) {
    const bool last = plane + 1 == GST_VIDEO_FRAME_N_PLANES(&frame);
    const gsize end = last ? frame.info.size : GST_VIDEO_FRAME_PLANE_OFFSET(&frame, plane + 1);
    std::size_t bytes = end - GST_VIDEO_FRAME_PLANE_OFFSET(&frame, plane);
#if GST_CHECK_VERSION(1, 22, 0)
    const auto counts = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
    const auto count =
        static_cast<std::size_t>(GST_VIDEO_TILE_X_TILES(counts) * GST_VIDEO_TILE_Y_TILES(counts));
    bytes = std::min(bytes, count * frame.info.finfo->tile_info[plane].size);
#endif
    return {bytes, 1};
}

/// What of a plane is picture.
Rows visible_rows(const GstVideoFrame& frame, guint plane) {
    const GstVideoFormatInfo* format = frame.info.finfo;
    if (GST_VIDEO_FORMAT_INFO_IS_TILED(format))
        return tiles(frame, plane);
    if (GST_VIDEO_FORMAT_INFO_HAS_PALETTE(format) && plane == 1)
        return {std::size_t{256} * 4, 1};
    const auto stride = static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane));
    Rows rows;
    for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(&frame); ++c) {
        if (static_cast<guint>(GST_VIDEO_FRAME_COMP_PLANE(&frame, c)) != plane)
            continue;
        const auto bytes = static_cast<std::size_t>(GST_VIDEO_FRAME_COMP_WIDTH(&frame, c)) *
                           static_cast<std::size_t>(GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, c));
        rows.bytes = std::max(rows.bytes, bytes == 0 ? stride : bytes);  // 0: pixels share bytes
        rows.count = std::max(rows.count, static_cast<std::size_t>(GST_VIDEO_FRAME_COMP_HEIGHT(&frame, c)));
    }
    rows.bytes = std::min(rows.bytes, stride);
    return rows;
}

}  // namespace

std::string caps_text(const std::string& format, int width, int height) {
    return "video/x-raw,format=" + format + ",width=" + std::to_string(width) +
           ",height=" + std::to_string(height) + ",framerate=30/1";
}

GstVideoInfo video_info(const std::string& caps) {
    const Held<GstCaps> parsed(gst_caps_from_string(caps.c_str()));
    GstVideoInfo info;
    if (!parsed || !gst_video_info_from_caps(&info, parsed.get()))
        throw std::runtime_error("no raw video: " + caps);
    return info;
}

Held<GstBuffer> random_frame(const GstVideoInfo& info, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> bytes(info.size);
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::uint8_t>(random()); });
    Held<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, bytes.size(), nullptr));
    gst_buffer_fill(buffer.get(), 0, bytes.data(), bytes.size());
    return buffer;
}

std::vector<std::uint8_t> pixels(GstBuffer* buffer, const GstVideoInfo& info) {
    std::vector<std::uint8_t> result;
    GstVideoFrame frame;
    if (!gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ))
        return result;
    result.reserve(frame.info.size);
    for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame); ++plane) {
        const Rows rows = visible_rows(frame, plane);
        const auto* row = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
        for (std::size_t y = 0; y < rows.count; ++y, row += GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane))
            result.insert(result.end(), row, row + rows.bytes);
    }
    gst_video_frame_unmap(&frame);
    return result;
}

bool push(GstElement* appsrc, const std::string& caps, Held<GstBuffer> buffer) {
    const Held<GstCaps> parsed(gst_caps_from_string(caps.c_str()));
    gst_app_src_set_caps(GST_APP_SRC(appsrc), parsed.get());
    // Given away: a buffer that a sample has as well is copied by the base class, without some of its metas.
    return gst_app_src_push_buffer(GST_APP_SRC(appsrc), buffer.release()) == GST_FLOW_OK;
}

bool push_random(GstElement* appsrc, const std::string& caps, unsigned first, unsigned count) {
    const GstVideoInfo info = video_info(caps);
    for (unsigned i = first; i < first + count; ++i) {
        Held<GstBuffer> buffer = random_frame(info, i);
        GST_BUFFER_OFFSET(buffer.get()) = i;
        GST_BUFFER_PTS(buffer.get()) = i * frame_length;
        GST_BUFFER_DURATION(buffer.get()) = frame_length;
        if (!push(appsrc, caps, std::move(buffer)))
            return false;
    }
    return true;
}

void end(GstElement* appsrc) {
    gst_app_src_end_of_stream(GST_APP_SRC(appsrc));
}

GstVideoInfo Sample::info() const {
    GstVideoInfo info;
    if (!caps() || !gst_video_info_from_caps(&info, caps()))
        throw std::runtime_error("a sample without video caps");
    return info;
}

GstClockTime Sample::running_time() const {
    return gst_segment_to_running_time(gst_sample_get_segment(sample_.get()), GST_FORMAT_TIME, pts());
}

bool Sample::is_random_frame(const std::string& expected) const {
    const Held<GstCaps> parsed(gst_caps_from_string(expected.c_str()));
    if (!sample_ || !gst_caps_is_subset(caps(), parsed.get()))
        return false;
    const GstVideoInfo own = info();
    return pixels() == test::pixels(random_frame(own, static_cast<unsigned>(offset())).get(), own);
}

std::string Sample::checksum() const {
    const auto bytes = pixels();
    const Held<char> text(g_compute_checksum_for_data(G_CHECKSUM_SHA1, bytes.data(), bytes.size()));
    return text.get();
}

Sample pull(GstElement* appsink, std::chrono::nanoseconds timeout) {
    return Sample(
        gst_app_sink_try_pull_sample(GST_APP_SINK(appsink), static_cast<GstClockTime>(timeout.count())));
}

bool is_at_end(GstElement* appsink) {
    return gst_app_sink_is_eos(GST_APP_SINK(appsink));
}

void take_video_meta(GstElement* sink) {
    const Held<GstPad> pad(gst_element_get_static_pad(sink, "sink"));
    const auto answer = [](GstPad*, GstPadProbeInfo* info, gpointer) {
        GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
        if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
            return GST_PAD_PROBE_OK;
        gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
        return GST_PAD_PROBE_HANDLED;
    };
    gst_pad_add_probe(
        pad.get(),
        static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PUSH), answer,
        nullptr, nullptr);
}

std::string mapped_file(const void* address) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::istringstream words(line);
        std::uintptr_t begin = 0, end = 0;
        char dash = 0;
        std::string permissions, offset, device, inode, path;
        words >> std::hex >> begin >> dash >> end >> permissions >> offset >> device >> inode >> path;
        if (wanted >= begin && wanted < end)
            return path.starts_with('/') ? path : "";
    }
    return "";
}

std::string mapped_file(GstBuffer* buffer) {
    GstMapInfo map;
    if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
        return "";
    const std::string file = mapped_file(map.data);
    gst_buffer_unmap(buffer, &map);
    return file;
}

}  // namespace ndsharray::test
