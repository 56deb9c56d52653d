// SPDX-License-Identifier: BSD-3-Clause
// Publishes frames that a GStreamer application makes itself: video_writer TAG [FRAMES]
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

constexpr int width = 1280;
constexpr int height = 720;
constexpr int frames_per_second = 30;

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
    interrupted = 1;
}

void on_readers_changed(GstElement* sink, GParamSpec*, gpointer) {
    guint readers = 0;
    g_object_get(sink, "num-readers", &readers, nullptr);
    std::printf("readers: %u\n", readers);
}

/// A grey frame, one shade lighter than the one before.
GstBuffer* make_frame(const GstVideoInfo& info, std::uint64_t step) {
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
    gst_buffer_memset(buffer, 0, static_cast<guint8>(step), GST_VIDEO_INFO_SIZE(&info));
    return buffer;
}

/// Waits for the end of stream to arrive, or for the error that came instead.
bool finished(GstElement* pipeline) {
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
        bus, 5 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    if (message != nullptr && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        g_autoptr(GError) error = nullptr;
        gst_message_parse_error(message, &error, nullptr);
        std::fprintf(stderr, "%s\n", error->message);
        return false;
    }
    return message != nullptr;
}

int publish(GstElement* pipeline, GstAppSrc* source, std::uint64_t frames) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, width, height);
    info.fps_n = frames_per_second;
    g_autoptr(GstCaps) caps = gst_video_info_to_caps(&info);
    gst_app_src_set_caps(source, caps);

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    auto next = std::chrono::steady_clock::now();
    for (std::uint64_t step = 0; step < frames && !interrupted; ++step) {
        if (gst_app_src_push_buffer(source, make_frame(info, step)) != GST_FLOW_OK) {
            break;
        }
        next += std::chrono::nanoseconds{std::chrono::seconds{1}} / frames_per_second;
        std::this_thread::sleep_until(next);
    }
    gst_app_src_end_of_stream(source);
    const bool complete = finished(pipeline);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    return complete ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
    gst_init(&argc, &argv);
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: video_writer TAG [FRAMES]\n");
        return 2;
    }
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);

    g_autoptr(GError) error = nullptr;
    g_autoptr(GstElement) pipeline = gst_parse_launch(
        "appsrc name=source is-live=true do-timestamp=true format=time ! ndshsink name=sink", &error);
    if (error != nullptr) {
        std::fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    g_autoptr(GstElement) source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
    g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    g_object_set(sink, "tag", argv[1], nullptr);
    g_signal_connect(sink, "notify::num-readers", G_CALLBACK(on_readers_changed), nullptr);
    return publish(pipeline, GST_APP_SRC(source),
                   argc == 3 ? std::strtoull(argv[2], nullptr, 10) : UINT64_MAX);
}
