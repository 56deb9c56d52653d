// SPDX-License-Identifier: BSD-3-Clause
// What passes a pad: each buffer with the caps and the segment that it has there.
#include "pad_watch.hpp"

#include <support/wait.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace ndsharray::test {
namespace {

constexpr auto watched =
    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);

GstClockTime running_time(GstPad* pad, GstClockTime pts) {
    GstEvent* event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    if (!event)
        return GST_CLOCK_TIME_NONE;
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(event, &segment);
    const GstClockTime result = gst_segment_to_running_time(segment, GST_FORMAT_TIME, pts);
    gst_event_unref(event);
    return result;
}

std::string checksum(GstBuffer* buffer, GstCaps* caps) {
    GstVideoInfo info;
    if (!caps || !gst_video_info_from_caps(&info, caps))
        return "";
    const auto bytes = pixels(buffer, info);
    const Held<char> text(g_compute_checksum_for_data(G_CHECKSUM_SHA1, bytes.data(), bytes.size()));
    return bytes.empty() ? "" : text.get();
}

}  // namespace

PadWatch::PadWatch(GstElement* element, const char* pad, OnItem on_item)
    : pad_(gst_element_get_static_pad(element, pad)), on_item_(std::move(on_item)) {
    const auto on_probe = [](GstPad*, GstPadProbeInfo* info, gpointer self) {
        auto& watch = *static_cast<PadWatch*>(self);
        if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
            watch.note(GST_PAD_PROBE_INFO_BUFFER(info));
        else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS)
            watch.has_new_caps_ = true;
        else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_SEGMENT)
            ++watch.segments_;
        if (watch.on_item_)
            watch.on_item_(info);
        return GST_PAD_PROBE_OK;
    };
    const auto on_gone = [](gpointer self) { static_cast<PadWatch*>(self)->probe_is_gone_.release(); };
    probe_ = gst_pad_add_probe(pad_.get(), watched, on_probe, this, on_gone);
}

/// The streaming thread may be in the probe while it is removed.
PadWatch::~PadWatch() {
    gst_pad_remove_probe(pad_.get(), probe_);
    probe_is_gone_.acquire();
}

/// Sticky events are in the pad before the buffers that they are for.
void PadWatch::note(GstBuffer* buffer) {
    const Held<GstCaps> caps(gst_pad_get_current_caps(pad_.get()));
    Passed passed;
    if (caps)
        passed.caps = gst::to_string(caps.get()).get();
    passed.checksum = checksum(buffer, caps.get());
    passed.pts = GST_BUFFER_PTS(buffer);
    passed.duration = GST_BUFFER_DURATION(buffer);
    passed.running_time = running_time(pad_.get(), passed.pts);
    passed.offset = GST_BUFFER_OFFSET(buffer);
    passed.is_discont = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    passed.is_gap = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP);
    passed.segment = segments_;
    passed.follows_caps_event = std::exchange(has_new_caps_, false);
    passed.file = mapped_file(buffer);
    const std::lock_guard lock(mutex_);
    passed_.push_back(std::move(passed));
}

std::size_t PadWatch::count() const {
    const std::lock_guard lock(mutex_);
    return passed_.size();
}

std::vector<Passed> PadWatch::all(std::size_t skip) const {
    const std::lock_guard lock(mutex_);
    return {passed_.begin() + static_cast<std::ptrdiff_t>(skip), passed_.end()};
}

Passed PadWatch::last() const {
    const std::lock_guard lock(mutex_);
    return passed_.at(passed_.size() - 1);
}

bool PadWatch::reaches(std::size_t count) const {
    return wait_until([&] { return this->count() >= count; });
}

bool PadWatch::sees(const std::function<bool(const Passed&)>& condition, std::size_t skip) const {
    return wait_until([&] {
        const std::lock_guard lock(mutex_);
        return passed_.size() > skip &&
               std::any_of(passed_.begin() + static_cast<std::ptrdiff_t>(skip), passed_.end(), condition);
    });
}

bool strictly_later(const std::vector<Passed>& buffers) {
    for (std::size_t i = 1; i < buffers.size(); ++i) {
        const GstClockTime before = buffers[i - 1].running_time, now = buffers[i].running_time;
        if (GST_CLOCK_TIME_IS_VALID(now) && now > before)
            continue;
        ADD_FAILURE() << "buffer " << i << " of " << buffers.size() << " is at " << now
                      << ", the one before at " << before;
        return false;
    }
    return true;
}

bool never_runs_back(const std::vector<Passed>& buffers) {
    for (std::size_t i = 1; i < buffers.size(); ++i) {
        const Passed &before = buffers[i - 1], &now = buffers[i];
        if (now.segment == before.segment && now.pts < before.pts) {
            ADD_FAILURE() << "buffer " << i << " of " << buffers.size() << " steps back by "
                          << before.pts - now.pts << " ns, to " << now.pts;
            return false;
        }
    }
    return true;
}

}  // namespace ndsharray::test
