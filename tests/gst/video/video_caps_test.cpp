// SPDX-License-Identifier: BSD-3-Clause
// Caps for arrays that came without, and for the pads of both elements.
#include "video/caps.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gstreamer_is_ready.hpp"
#include "owned.hpp"
#include "video/video_layout.hpp"

namespace ndsharray::gst {
namespace {

std::string caps_text(const ArraySpec& array) {
    const Owned<GstCaps> caps(caps_for_array(array));
    return caps ? to_string(caps.get()).get() : "none";
}

std::string caps_text(DType dtype, std::vector<std::uint64_t> shape, ByteOrder order = native_byte_order) {
    return caps_text(ArraySpec::contiguous(dtype, shape, order));
}

std::string expected_caps(const std::string& format) {
    return "video/x-raw, format=(string)" + format + ", width=(int)5, height=(int)3, framerate=(fraction)0/1";
}

TEST(CapsForArray, FollowFromShapeAndDtype) {
    EXPECT_EQ(caps_text(DType::UInt8, {3, 5}), expected_caps("GRAY8"));
    EXPECT_EQ(caps_text(DType::UInt16, {3, 5}, ByteOrder::Little), expected_caps("GRAY16_LE"));
    EXPECT_EQ(caps_text(DType::UInt16, {3, 5}, ByteOrder::Big), expected_caps("GRAY16_BE"));
    EXPECT_EQ(caps_text(DType::UInt8, {3, 5, 3}), expected_caps("RGB"));
    EXPECT_EQ(caps_text(DType::UInt8, {3, 5, 4}), expected_caps("RGBA"));
    EXPECT_EQ(caps_text(DType::UInt16, {3, 5, 4}, ByteOrder::Little), expected_caps("RGBA64_LE"));
    EXPECT_EQ(caps_text(DType::UInt16, {3, 5, 4}, ByteOrder::Big), expected_caps("RGBA64_BE"));
}

TEST(CapsForArray, NoneForWhatIsNoPicture) {
    EXPECT_EQ(caps_text(DType::UInt8, {}), "none");
    EXPECT_EQ(caps_text(DType::UInt8, {15}), "none");
    EXPECT_EQ(caps_text(DType::UInt8, {3, 5, 2}), "none");
    EXPECT_EQ(caps_text(DType::UInt8, {3, 5, 3, 1}), "none");
    EXPECT_EQ(caps_text(DType::UInt16, {3, 5, 3}), "none");
    EXPECT_EQ(caps_text(DType::Int8, {3, 5}), "none");
    EXPECT_EQ(caps_text(DType::Float32, {3, 5}), "none");
    EXPECT_EQ(caps_text(DType::UInt8, {0, 5}), "none");
    EXPECT_EQ(caps_text(DType::UInt8, {3, std::uint64_t{1} << 32}), "none");
    EXPECT_EQ(caps_text(DType::UInt8, {1u << 30, 1u << 30}), "none");
}

TEST(CapsForArray, DescribeFramesThatTheArrayHolds) {
    for (const std::uint64_t channels : {3, 4}) {
        const std::uint64_t shape[] = {241, 321, channels};
        const ArraySpec array = ArraySpec::contiguous(DType::UInt8, shape);
        const Owned<GstCaps> caps(caps_for_array(array));
        GstVideoInfo info;
        ASSERT_TRUE(gst_video_info_from_caps(&info, caps.get()));
        EXPECT_TRUE(video_layout(info, array));
    }
}

bool template_takes(const std::string& caps) {
    const Owned<GstCaps> offered(gst_caps_from_string(caps.c_str()));
    const Owned<GstCaps> accepted(video_template_caps());
    return gst_caps_is_subset(offered.get(), accepted.get());
}

TEST(VideoTemplateCaps, TakeEveryFormatThatLiesInMemory) {
    const std::unique_ptr<void, decltype(&g_type_class_unref)> type(g_type_class_ref(GST_TYPE_VIDEO_FORMAT),
                                                                    g_type_class_unref);
    const auto* formats = static_cast<const GEnumClass*>(type.get());
    for (guint i = 0; i < formats->n_values; ++i) {
        const auto format = static_cast<GstVideoFormat>(formats->values[i].value);
        if (gst_video_format_get_info(format)->n_components == 0)
            continue;  // UNKNOWN, ENCODED, DMA_DRM
        const std::string name = gst_video_format_to_string(format);
        EXPECT_TRUE(template_takes("video/x-raw, width=1, height=1, framerate=0/1, format=" + name)) << name;
    }
}

TEST(VideoTemplateCaps, TakeAnySizeRateAndInterlacing) {
    EXPECT_TRUE(template_takes("video/x-raw, format=I420, width=32767, height=1, framerate=1000/1"));
    EXPECT_TRUE(template_takes(
        "video/x-raw, format=RGB, width=1, height=1, framerate=0/1, interlace-mode=interleaved"));
    EXPECT_TRUE(
        template_takes("video/x-raw(format:Interlaced), format=NV12, width=720, height=576, "
                       "framerate=25/1, interlace-mode=alternate"));
}

TEST(VideoTemplateCaps, TakeOnlySystemMemoryAndRealSizes) {
    EXPECT_FALSE(
        template_takes("video/x-raw(memory:DMABuf), format=NV12, width=64, height=64, framerate=25/1"));
    EXPECT_FALSE(template_takes("video/x-raw, format=NV12, width=0, height=64, framerate=25/1"));
    EXPECT_FALSE(template_takes("video/x-raw, format=ENCODED, width=64, height=64, framerate=25/1"));
}

}  // namespace
}  // namespace ndsharray::gst
