// SPDX-License-Identifier: BSD-3-Clause
// Copies the pixels of a frame between a GstBuffer and an array.
#include "video/pixel_copy.hpp"

#include <cstring>

#include "owned.hpp"
#include "video/bayer.hpp"
#include "video/buffer_check.hpp"

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

/// The video frame that an array is. Valid as long as the array.
GstVideoFrame frame_over(const std::byte* array, const GstVideoInfo& info, const VideoLayout& layout) {
    GstVideoFrame frame{};
    frame.info = with_layout(info, layout);
    for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(&frame.info); ++plane) {
        frame.data[plane] = const_cast<std::byte*>(array) + GST_VIDEO_INFO_PLANE_OFFSET(&frame.info, plane);
    }
    return frame;
}

/// Bytes of a row, for packed formats with chroma that several pixels share. 0 for other formats.
gsize packed_row_bytes(const GstVideoInfo& info) {
    const GstVideoFormatInfo* format = info.finfo;
    const bool shares = GST_VIDEO_INFO_N_PLANES(&info) == 1 &&
                        GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format) > 1 &&
                        GST_VIDEO_FORMAT_INFO_W_SUB(format, 1) > 0;
    if (!shares) {
        return 0;
    }
    const gint step = 1 << GST_VIDEO_FORMAT_INFO_W_SUB(format, 1);
    const gint width = (GST_VIDEO_INFO_WIDTH(&info) + step - 1) / step * step;
    return static_cast<gsize>(width) * static_cast<gsize>(GST_VIDEO_FORMAT_INFO_PSTRIDE(format, 0));
}

/// The same as gst_video_frame_copy(), which does not copy the chroma of the last pixel of YUY2 and similar
/// formats with an odd width.
bool copy_frame(GstVideoFrame& to, const GstVideoFrame& from) {
    const gsize row = packed_row_bytes(from.info);
    if (row == 0) {
        return gst_video_frame_copy(&to, &from);
    }
    const auto* source = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&from, 0));
    auto* destination = static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&to, 0));
    for (gint y = 0; y < GST_VIDEO_INFO_FIELD_HEIGHT(&from.info); ++y) {
        std::memcpy(destination, source, row);
        source += GST_VIDEO_FRAME_PLANE_STRIDE(&from, 0);
        destination += GST_VIDEO_FRAME_PLANE_STRIDE(&to, 0);
    }
    return true;
}

}  // namespace

bool copy_to_array(GstBuffer* buffer, const GstVideoInfo& info, const std::optional<Rectangle>& cut,
                   const VideoLayout& layout, std::byte* array) {
    const bool has_rows_by_size = is_bayer(info) && !gst_buffer_get_video_meta(buffer);
    const GstVideoInfo in_buffer = has_rows_by_size ? bayer_of_size(info, gst_buffer_get_size(buffer)) : info;
    if (!fits(buffer, in_buffer, cut)) {
        return false;
    }
    MappedFrame source(buffer, in_buffer, GST_MAP_READ);
    if (!source.get() || (cut && !cut_frame(*source.get(), *cut))) {
        return false;
    }
    GstVideoFrame destination = frame_over(array, info, layout);
    return copy_frame(destination, *source.get());
}

GstBuffer* copy_to_buffer(const std::byte* array, const GstVideoInfo& info, const VideoLayout& layout) {
    Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr));
    if (!buffer) {
        return nullptr;
    }
    {
        MappedFrame destination(buffer.get(), info, GST_MAP_WRITE);
        GstVideoFrame source = frame_over(array, info, layout);
        if (!destination.get() || !copy_frame(*destination.get(), source)) {
            return nullptr;
        }
    }
    return buffer.release();
}

}  // namespace ndsharray::gst
