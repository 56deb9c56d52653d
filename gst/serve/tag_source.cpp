// SPDX-License-Identifier: BSD-3-Clause
// The frames of a tag as raw video in a pipeline, whatever array they are.
#include "serve/tag_source.hpp"

#include <ndsharray/tag_info.hpp>

#include <gst/video/video.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "serve/frames.hpp"
#include "serve/picture.hpp"
#include "video/caps.hpp"

namespace ndsharray::serve {
namespace {

using namespace std::chrono_literals;

constexpr auto repeat = 200ms;

/// Pictures of arrays are made element by element: more pixels would take longer than a frame may.
View small_view() {
    View view;
    view.width = 1280;
    return view;
}

const View view = small_view();

bool is_plain(const gst::FrameCaps& caps) {
    return gst_structure_has_name(gst_caps_get_structure(caps.caps.get(), 0), "video/x-raw") &&
           !GST_VIDEO_INFO_IS_INTERLACED(&caps.info) &&
           (!GST_VIDEO_INFO_IS_GRAY(&caps.info) || GST_VIDEO_INFO_COMP_DEPTH(&caps.info, 0) == 8);
}

gst::Owned<GstSample> sample_of(const Picture& picture) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, picture.channels == 3 ? GST_VIDEO_FORMAT_RGB : GST_VIDEO_FORMAT_GRAY8,
                              picture.width, picture.height);
    const gst::Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr));
    GstMapInfo map;
    if (!gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE))
        throw std::runtime_error("no memory for a picture");
    const std::size_t row = std::size_t{picture.channels} * picture.width;
    const auto stride = static_cast<std::size_t>(GST_VIDEO_INFO_PLANE_STRIDE(&info, 0));
    for (std::size_t y = 0; y < picture.height; ++y)
        std::memcpy(map.data + y * stride, picture.bytes.data() + y * row, row);
    gst_buffer_unmap(buffer.get(), &map);
    const gst::Owned<GstCaps> caps(gst_video_info_to_caps(&info));
    return gst::Owned<GstSample>(gst_sample_new(buffer.get(), caps.get(), nullptr, nullptr));
}

/// The buffer is a new one each time, since each has times of its own.
void push(GstAppSrc* appsrc, GstSample* sample) {
    const gst::Owned<GstSample> copy(
        gst_sample_new(gst::Owned<GstBuffer>(gst_buffer_copy(gst_sample_get_buffer(sample))).get(),
                       gst_sample_get_caps(sample), nullptr, nullptr));
    gst_app_src_push_sample(appsrc, copy.get());
}

}  // namespace

bool is_plain_video(const ArraySpec& spec, const Attributes& attributes) {
    try {
        return is_plain(gst::frame_caps(spec, attributes, nullptr));
    } catch (const gst::NoCaps&) {
        return false;
    }
}

std::optional<bool> gives_plain_video(const std::string& tag, const std::string& owner) {
    try {
        const TagInfo info = inspect(tag, owner);
        if (info.generation == 0)
            return std::nullopt;
        return is_plain_video(info.spec, info.attributes);
    } catch (const Error&) {
        return std::nullopt;
    }
}

Look look_at(const std::string& tag, const std::string& owner) {
    if (!gives_plain_video(tag, owner))
        throw std::runtime_error("the tag has no frame yet");
    const Frame frame = newest_frame(tag, owner);
    if (!is_plain_video(frame.spec(), frame.attributes())) {
        const Picture picture = picture_of(frame, view, false);
        return {.is_video = false, .width = picture.width, .height = picture.height};
    }
    const GstVideoInfo info = gst::frame_caps(frame.spec(), frame.attributes(), nullptr).info;
    const auto width =
        gst_util_uint64_scale_int_round(static_cast<guint64>(GST_VIDEO_INFO_WIDTH(&info)),
                                        GST_VIDEO_INFO_PAR_N(&info), GST_VIDEO_INFO_PAR_D(&info));
    return {.is_video = true,
            .width = static_cast<unsigned>(width),
            .height = static_cast<unsigned>(GST_VIDEO_INFO_HEIGHT(&info))};
}

ArraySource::ArraySource(std::string tag, std::string owner, unsigned fps, GstAppSrc* appsrc)
    : interval_(std::chrono::nanoseconds(1s) / fps),
      appsrc_(GST_OBJECT(gst_object_ref(appsrc))),
      reader_(std::move(tag), {.mode = ReadMode::Latest, .max_leases = 1, .owner = std::move(owner)}),
      thread_([this] { run(); }) {}

ArraySource::~ArraySource() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_all();
    reader_.cancel();
    thread_.join();
}

/// \returns false when stopped.
bool ArraySource::sleep_until(std::chrono::steady_clock::time_point time) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_until(lock, time, [this] { return stopped_; });
}

void ArraySource::run() {
    auto* appsrc = GST_APP_SRC(appsrc_.get());
    gst::Owned<GstSample> last;
    auto next = std::chrono::steady_clock::now();
    while (sleep_until(next)) {
        const auto asked = std::chrono::steady_clock::now();
        const Frame frame = reader_.read(repeat);
        if (frame) {
            if (is_plain_video(frame.spec(), frame.attributes())) {
                gst_app_src_end_of_stream(appsrc);
                return;
            }
            // Half an interval less, so that no frame is left out for coming early.
            next = std::chrono::steady_clock::now() + interval_ / 2;
            try {
                last = sample_of(picture_of(frame, view, false));
            } catch (const std::exception&) {
                continue;  // an array that cannot be shown, among others that can
            }
        } else if (frame.status() == ReadStatus::Cancelled) {
            return;
        } else if (frame.status() != ReadStatus::Timeout) {
            next = asked + repeat;  // nothing is asked more often
        }
        if (last)
            push(appsrc, last.get());
    }
}

}  // namespace ndsharray::serve
