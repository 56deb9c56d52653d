// SPDX-License-Identifier: BSD-3-Clause
// Copies the pixels of a video frame between a GstBuffer and an array.
#include "frame_copy.hpp"

#include "owned.hpp"

namespace ndsharray::gst {
namespace {

/// A buffer mapped as a video frame.
class MappedFrame {
  public:
    MappedFrame(GstBuffer* buffer, const GstVideoInfo& info, GstMapFlags flags) {
        const auto without_reference =
            static_cast<GstMapFlags>(int{flags} | int{GST_VIDEO_FRAME_MAP_FLAG_NO_REF});
        mapped_ = gst_video_frame_map(&frame_, &info, buffer, without_reference);
    }
    ~MappedFrame() {
        if (mapped_) {
            gst_video_frame_unmap(&frame_);
        }
    }
    MappedFrame(const MappedFrame&) = delete;
    MappedFrame& operator=(const MappedFrame&) = delete;

    GstVideoFrame* get() { return mapped_ ? &frame_ : nullptr; }

  private:
    GstVideoFrame frame_{};
    bool mapped_ = false;
};

/// An array as the video frame it is; valid as long as the array.
GstVideoFrame frame_over(const std::byte* array, const GstVideoInfo& info, const VideoLayout& layout) {
    GstVideoFrame frame{};
    frame.info = with_layout(info, layout);
    for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(&frame.info); ++plane) {
        frame.data[plane] = const_cast<std::byte*>(array) + GST_VIDEO_INFO_PLANE_OFFSET(&frame.info, plane);
    }
    return frame;
}

}  // namespace

bool copy_to_array(GstBuffer* buffer, const GstVideoInfo& info, const VideoLayout& layout, std::byte* array) {
    MappedFrame source(buffer, info, GST_MAP_READ);
    if (!source.get()) {
        return false;
    }
    GstVideoFrame destination = frame_over(array, info, layout);
    return gst_video_frame_copy(&destination, source.get());
}

GstBuffer* copy_to_buffer(const std::byte* array, const GstVideoInfo& info, const VideoLayout& layout) {
    Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr));
    if (!buffer) {
        return nullptr;
    }
    {
        MappedFrame destination(buffer.get(), info, GST_MAP_WRITE);
        GstVideoFrame source = frame_over(array, info, layout);
        if (!destination.get() || !gst_video_frame_copy(destination.get(), &source)) {
            return nullptr;
        }
    }
    return buffer.release();
}

}  // namespace ndsharray::gst
