// SPDX-License-Identifier: BSD-3-Clause
// Reads the video under a tag into a GStreamer application: video_reader TAG [FRAMES]
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "report.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
    interrupted = 1;
}

/// A counter of the source's `stats` property.
std::uint64_t counter(GstElement* source, const char* name) {
    g_autoptr(GstStructure) stats = nullptr;
    g_object_get(source, "stats", &stats, nullptr);
    guint64 value = 0;
    gst_structure_get_uint64(stats, name, &value);
    return value;
}

/// Mean of the bytes in the first plane, row by row: rows may be padded.
double mean_byte(GstSample* sample, const GstVideoInfo& info) {
    GstVideoFrame frame;
    if (!gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) {
        return 0.0;
    }
    const auto width = static_cast<std::size_t>(GST_VIDEO_FRAME_COMP_WIDTH(&frame, 0)) *
                       static_cast<std::size_t>(GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, 0));
    const auto height = static_cast<std::size_t>(GST_VIDEO_FRAME_COMP_HEIGHT(&frame, 0));
    const auto* row = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0));
    std::uint64_t sum = 0;
    for (std::size_t y = 0; y < height; ++y, row += GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0)) {
        for (std::size_t x = 0; x < width; ++x) {
            sum += row[x];
        }
    }
    gst_video_frame_unmap(&frame);
    return static_cast<double>(sum) / static_cast<double>(width * height);
}

/// Prints the error that ended the stream, if one did.
bool failed(GstElement* pipeline) {
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    if (message == nullptr) {
        return false;
    }
    g_autoptr(GError) error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    std::fprintf(stderr, "%s\n", error->message);
    return true;
}

void describe(const GstVideoInfo& info) {
    std::printf("%dx%d %s at %d/%d frames/s\n", info.width, info.height, info.finfo->name, info.fps_n,
                info.fps_d);
}

/// Reads until `frames` have arrived, the stream ends, or Ctrl-C.
Report read(GstElement* pipeline, std::uint64_t frames) {
    g_autoptr(GstElement) source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
    g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    g_autoptr(GstCaps) caps = nullptr;
    GstVideoInfo info;
    gst_video_info_init(&info);
    Report report;

    while (!interrupted && report.frames() < frames && !gst_app_sink_is_eos(GST_APP_SINK(sink)) &&
           !failed(pipeline)) {
        g_autoptr(GstSample) sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), 200 * GST_MSECOND);
        if (sample == nullptr) {
            continue;
        }
        // From the moment the frame was published to the moment ndshsrc had it.
        const std::chrono::nanoseconds latency(counter(source, "latency-ns"));
        if (gst_caps_replace(&caps, gst_sample_get_caps(sample)) && gst_video_info_from_caps(&info, caps)) {
            describe(info);
        }
        report.add(latency, mean_byte(sample, info));
    }
    report.finish(counter(source, "missed"));
    return report;
}

}  // namespace

int main(int argc, char** argv) {
    gst_init(&argc, &argv);
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: video_reader TAG [FRAMES]\n");
        return 2;
    }
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);

    // Frames that this program is too slow for are skipped in shared memory (`missed`), not queued here.
    g_autoptr(GError) error = nullptr;
    g_autoptr(GstElement) pipeline =
        gst_parse_launch("ndshsrc name=source ! appsink name=sink sync=false max-buffers=1", &error);
    if (error != nullptr) {
        std::fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    gst_child_proxy_set(GST_CHILD_PROXY(pipeline), "source::tag", argv[1], nullptr);

    std::printf("waiting for %s\n", argv[1]);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    const Report report = read(pipeline, argc == 3 ? std::strtoull(argv[2], nullptr, 10) : UINT64_MAX);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    return report.frames() > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
