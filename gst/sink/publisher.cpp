// SPDX-License-Identifier: BSD-3-Clause
// Publishes a buffer as a frame: in place if its memory is a slot, otherwise with one copy.
#include "sink/publisher.hpp"

#include <utility>

#include "memory/frame_memory.hpp"
#include "owned.hpp"
#include "time/buffer_info.hpp"
#include "video/pixel_copy.hpp"
#include "video/video_meta.hpp"

GST_DEBUG_CATEGORY_EXTERN(ndshsink_debug);
#define GST_CAT_DEFAULT ndshsink_debug

namespace ndsharray::gst {

void Publisher::restart() {
    format_.reset();
    clock_ = {};
    orientation_ = {};
    dropped_metas_ = 0;
    drops_.restart();
    copied_ = 0;
    lost_ = 0;
}

Outcome Publisher::prepare(const std::shared_ptr<const SlotFormat>& format) {
    if (tag_writer_->configure(format, 0, std::nullopt) == WriteStatus::Cancelled) {
        return Outcome::Interrupted;
    }
    format_ = format;
    told_missing_slots_ = 0;
    warn_of_missing_slots();
    return Outcome::Done;
}

/// For each frame a load, until there is something to tell.
void Publisher::warn_of_missing_slots() {
    const Writer& writer = tag_writer_->writer();
    const unsigned missing = writer.missing_slots();
    if (missing <= told_missing_slots_) {
        return;
    }
    told_missing_slots_ = missing;
    const unsigned slots = writer.stats().slots;
    if (writer.options().slots == 0 && slots >= default_slots) {
        return;  // a pool asked for more than usual
    }
    GST_ELEMENT_WARNING(
        sink_, RESOURCE, NO_SPACE_LEFT,
        ("Only %u frames instead of %u fit into shared memory: readers have less time, or copy. "
         "Enlarge it, or set slots=%u to accept that.",
         slots, slots + missing, slots),
        (nullptr));
}

Outcome Publisher::publish(GstBuffer* buffer) {
    const Outcome published = publish_any(buffer);
    warn_of_missing_slots();
    return published;
}

Outcome Publisher::publish_any(GstBuffer* buffer) {
    if (WritableFrame* slot = slot_holding(buffer)) {
        const Outcome outcome = publish_in_place(buffer, *slot);
        if (outcome != Outcome::Failed) {
            return outcome;
        }
    }
    return publish_copy(buffer, cut_of(buffer, format_->info));
}

/// What is done after a frame was published, so that no reader waits for it.
void Publisher::note_published(GstBuffer* buffer) {
    count_left_out(buffer);
    drops_.count_processed();
}

// ---------------------------------------------------------------------------------------------- in place

/// The slot that the buffer's memory is, if it can be published in place.
WritableFrame* Publisher::slot_holding(GstBuffer* buffer) const {
    if (gst_buffer_n_memory(buffer) != 1) {
        return nullptr;
    }
    GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
    WritableFrame* slot = held_slot(memory);
    const bool as_handed_out = slot && *slot && !slot->is_published() && memory->offset == 0 &&
                               has_layout(buffer, format_->info, format_->layout);
    return as_handed_out ? slot : nullptr;
}

/// The buffer still belongs to upstream, which may read it. Failed: its segment is no longer the present one.
Outcome Publisher::publish_in_place(GstBuffer* buffer, WritableFrame& slot) {
    seal(gst_buffer_peek_memory(buffer, 0));
    // Nothing of it is cut off: the slot has the layout of the caps.
    const auto metadata = metadata_.encode(buffer, format_->info, std::nullopt, orientation_.get());
    const std::uint64_t number = tag_writer_->writer().publish_pinned(slot, describe(buffer), metadata);
    if (number == 0) {
        return tag_writer_->unlocked() ? Outcome::Interrupted : Outcome::Failed;
    }
    note_published(buffer);
    GST_LOG_OBJECT(sink_, "published frame %" G_GUINT64_FORMAT, number);
    return Outcome::Done;
}

// ------------------------------------------------------------------------------------------------ copying

/// A slot with a copy of the buffer's pixels, or the reason why there is none.
WritableFrame Publisher::copied_frame(GstBuffer* buffer, const std::optional<Rectangle>& cut) {
    WritableFrame frame = tag_writer_->writer().acquire();
    if (frame.status() == WriteStatus::NoSlot) {
        GST_WARNING_OBJECT(sink_, "readers hold every slot: dropping %" GST_PTR_FORMAT, printable(buffer));
    }
    if (frame && !copy_to_array(buffer, format_->info, cut, format_->layout, frame.data())) {
        GST_WARNING_OBJECT(sink_, "no frame of these caps: dropping %" GST_PTR_FORMAT, printable(buffer));
        ++lost_;
        return WritableFrame(WriteStatus::NoSlot);
    }
    return frame;
}

/// \param cut cut_of() the buffer
Outcome Publisher::publish_copy(GstBuffer* buffer, const std::optional<Rectangle>& cut) {
    WritableFrame frame = copied_frame(buffer, cut);
    switch (frame.status()) {
        case WriteStatus::Ok:
            break;
        case WriteStatus::NoSlot:
        case WriteStatus::Timeout:
            drops_.count_dropped(buffer);
            return Outcome::Done;
        case WriteStatus::Cancelled:
            return Outcome::Interrupted;
        case WriteStatus::Closed:
            return Outcome::Failed;
    }
    const auto metadata = metadata_.encode(buffer, format_->info, cut, orientation_.get());
    ++copied_;  // before it is published: whoever sees a frame published sees that it was copied
    if (const std::uint64_t number =
            tag_writer_->writer().publish(std::move(frame), describe(buffer), metadata)) {
        note_published(buffer);
        GST_LOG_OBJECT(sink_, "copied and published frame %" G_GUINT64_FORMAT, number);
        return Outcome::Done;
    }
    --copied_;
    if (tag_writer_->unlocked()) {
        return Outcome::Interrupted;
    }
    ++lost_;
    drops_.count_dropped(buffer);
    GST_WARNING_OBJECT(sink_, "a frame could not be published");
    return Outcome::Done;
}

FrameInfo Publisher::describe(GstBuffer* buffer) {
    const PipelineTime time = PipelineTime::of(GST_ELEMENT(sink_), clock_);
    return frame_info(buffer, sink_->segment, time, gst_base_sink_get_latency(sink_));
}

/// Counts the metas of the last buffer that did not cross.
void Publisher::count_left_out(GstBuffer* buffer) {
    const unsigned left_out = metadata_.left_out();
    if (left_out > 0 && dropped_metas_.fetch_add(left_out) == 0) {
        GST_WARNING_OBJECT(
            sink_,
            "%u metas of a buffer do not cross: there is room for %zu bytes per frame, and metas that "
            "have no meaning in another process are left out. stats counts them. %" GST_PTR_FORMAT,
            left_out, metadata_capacity, printable(buffer));
    }
}

}  // namespace ndsharray::gst
