// SPDX-License-Identifier: BSD-3-Clause
// Encoders as ndsh-serve sets them up.
#include <support/wait.hpp>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <tuple>

#include "owned.hpp"
#include "serve/encoder.hpp"

namespace ndsharray::serve {
namespace {

constexpr unsigned width = 320, height = 240;

/// One encoder behind an appsrc, whose frames say how often they come, or do not (0).
class Encoding {
  public:
    Encoding(const std::string& element, int fps)
        : encoder_({.element = element}),
          pipeline_(gst_parse_launch(("appsrc name=in format=time ! videoconvert ! " +
                                      encoder_.launch(width, height) + " ! appsink name=out sync=false")
                                         .c_str(),
                                     nullptr)),
          in_(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "in")),
          out_(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "out")) {
        const gst::Owned<GstPad> pad(gst_element_get_static_pad(in_.get(), "src"));
        Encoder::give_rate(pad.get());
        const std::string caps = "video/x-raw,format=RGB,width=" + std::to_string(width) +
                                 ",height=" + std::to_string(height) + ",framerate=" + std::to_string(fps) +
                                 "/1";
        g_object_set(in_.get(), "caps", gst::Owned<GstCaps>(gst_caps_from_string(caps.c_str())).get(),
                     nullptr);
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    }
    ~Encoding() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
    Encoding(const Encoding&) = delete;
    Encoding& operator=(const Encoding&) = delete;

    void put(unsigned number) {
        GstBuffer* buffer = gst_buffer_new_allocate(nullptr, std::size_t{3} * width * height, nullptr);
        gst_buffer_memset(buffer, 0, static_cast<guint8>(number * 20), gst_buffer_get_size(buffer));
        GST_BUFFER_PTS(buffer) = number * (GST_SECOND / 30);
        gst_app_src_push_buffer(GST_APP_SRC(in_.get()), buffer);
    }

    /// Whether a frame comes, though nothing is put in.
    bool gives() {
        const auto most = std::chrono::nanoseconds(test::patience).count();
        return gst::Owned<GstSample>(gst_app_sink_try_pull_sample(
                   GST_APP_SINK(out_.get()), static_cast<GstClockTime>(most))) != nullptr;
    }

  private:
    Encoder encoder_;
    gst::Owned<GstElement> pipeline_, in_, out_;
};

class EncoderThat : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(EncoderThat, HoldsNoFrameBackUntilTheNextOneComes) {
    gst_init(nullptr, nullptr);
    const auto [element, fps] = GetParam();
    const gst::Owned<GstElement> installed(gst_element_factory_make(element, nullptr));
    if (!installed)
        GTEST_SKIP() << element << " is not installed";
    Encoding encoding(element, fps);
    for (unsigned number = 0; number < 10; ++number) {
        encoding.put(number);
        ASSERT_TRUE(encoding.gives()) << "frame " << number;
    }
}

INSTANTIATE_TEST_SUITE_P(EncodersAndRates, EncoderThat,
                         testing::Combine(testing::Values("x264enc", "openh264enc", "vp8enc"),
                                          testing::Values(0, 30)),
                         [](const auto& info) {
                             return std::string(std::get<0>(info.param)) +
                                    (std::get<1>(info.param) != 0 ? "_WithARate" : "_WithoutARate");
                         });

}  // namespace
}  // namespace ndsharray::serve
