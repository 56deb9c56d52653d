// SPDX-License-Identifier: BSD-3-Clause
// Video frames with known pixels: making them, pushing them into an appsrc, pulling them from an appsink.
#pragma once

#include <gst/video/video.h>

#include <support/wait.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "held.hpp"

namespace ndsharray::test {

/// "video/x-raw,format=...": progressive, 30 frames per second.
std::string caps_text(const std::string& format, int width, int height);

GstVideoInfo video_info(const std::string& caps);

/// Bytes that depend on `seed` alone, in GStreamer's default layout.
Held<GstBuffer> random_frame(const GstVideoInfo& info, unsigned seed = 1);

/// What can be seen of a frame, wherever its GstVideoMeta says that is: all rows of all planes, without
/// padding. Empty if the buffer does not hold such a frame.
std::vector<std::uint8_t> pixels(GstBuffer* buffer, const GstVideoInfo& info);

/// Sends a frame through an appsrc, before it new caps if these differ from the last ones.
/// \returns false if the appsrc did not take it: flushing, or ended.
bool push(GstElement* appsrc, const std::string& caps, Held<GstBuffer> buffer);

/// Frames of random_frame() with seeds `first` to `first + count - 1`, each of which is also the frame's
/// offset; 40 ms long, PTS `offset` times that.
bool push_random(GstElement* appsrc, const std::string& caps, unsigned first, unsigned count = 1);
inline constexpr GstClockTime frame_length = 40 * GST_MSECOND;

/// Sends EOS.
void end(GstElement* appsrc);

/// A frame as it came out of a pipeline; empty if none did.
class Sample {
  public:
    Sample() = default;
    explicit Sample(GstSample* sample) : sample_(sample) {}

    explicit operator bool() const noexcept { return sample_ != nullptr; }
    GstBuffer* buffer() const { return gst_sample_get_buffer(sample_.get()); }
    GstCaps* caps() const { return gst_sample_get_caps(sample_.get()); }
    GstVideoInfo info() const;
    GstClockTime pts() const { return GST_BUFFER_PTS(buffer()); }
    std::uint64_t offset() const { return GST_BUFFER_OFFSET(buffer()); }
    bool is_discont() const { return GST_BUFFER_FLAG_IS_SET(buffer(), GST_BUFFER_FLAG_DISCONT); }

    /// Nanoseconds since the reader's base time, by the segment that came with it.
    GstClockTime running_time() const;

    std::vector<std::uint8_t> pixels() const { return test::pixels(buffer(), info()); }

    /// Whether it has the pixels that push_random() gave the frame of this offset, and these caps.
    bool is_random_frame(const std::string& caps) const;

    /// SHA-1 of the pixels.
    std::string checksum() const;

  private:
    Held<GstSample> sample_;
};

/// The next frame; empty at the end of the stream, and if none came in time.
Sample pull(GstElement* appsink, std::chrono::nanoseconds timeout = patience);

bool is_at_end(GstElement* appsink);

/// Lets an element that does not say so itself tell upstream that it finds planes by GstVideoMeta.
void take_video_meta(GstElement* sink);

/// The file that is mapped where this points to; empty for ordinary memory.
std::string mapped_file(const void* address);

/// The same for a buffer's only memory.
std::string mapped_file(GstBuffer* buffer);

}  // namespace ndsharray::test
