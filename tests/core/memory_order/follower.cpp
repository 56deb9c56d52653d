// SPDX-License-Identifier: BSD-3-Clause
// A reader as the core has it, in a scene.
#include "follower.hpp"

namespace ndsharray::model {
namespace {

/// The segments are those of the class that a writer has for them.
Layout without_segment(Layout layout) {
    layout.has_segment = false;
    return layout;
}

}  // namespace

FollowedWorld::FollowedWorld(const Layout& layout, bool joined)
    : World(without_segment(layout)), joined_(joined) {
    reader_options_.mode = layout.mode;
}

void FollowedWorld::prepare() {
    segments_.emplace(files_, *control_, options_);
    make_segment();
    publish_next(1);
    first_expected_ = 1;
    read_before_ = 0;
    attachment_ = std::make_unique<Attachment>(files_, owner_, reader_options_, counts_,
                                               std::move(*ControlView::open(files_, owner_)), false);
    attachment_->await_writer();
    attachment_->meet_writer();
    if (joined_) {
        join();
        kept_ = attachment_->next();
        read_before_ = kept_.number();
        if (!keeps_first_)
            kept_ = Frame();
    }
}

void FollowedWorld::clear() {
    kept_ = Frame();
    attachment_.reset();
    segments_.reset();
    World::clear();
}

// ---- the writer, as Writer::Implementation

void FollowedWorld::make_segment() {
    if (options_.backpressure)
        wait_until([this] { return segments_->can_make(spec(), {}, 0); });
    segments_->make(spec(), {}, 0, table_);
}

void FollowedWorld::publish_next(std::uint64_t number) {
    detail::WriterSegment& segment = *segments_->current();
    WritableFrame frame = claim_patiently(segment);
    fill(frame, number);
    if (segments_->is_to_be_announced() && segments_->announced() && options_.backpressure)
        wait_until([this] { return segments_->may_retire_announced(); });
    publish(segment, frame, number);
    if (segments_->is_to_be_announced())
        segments_->announce_current();
    control_->wake_readers();
    segments_->free_old();
}

// ---- the reader, as Reader::Implementation

void FollowedWorld::join() {
    attachment_->join();
    first_expected_ = view_->words().published.load(std::memory_order_relaxed) + 1;
}

Frame FollowedWorld::read() {
    for (;;) {
        const platform::Watched woken = look_at_wake();
        const layout::WriterState state = attachment_->control().state();
        if (!attachment_->has_joined() && layout::is_open(state))
            join();
        Frame frame = attachment_->next();
        if (frame) {
            look_at(frame);
            return frame;
        }
        if (layout::is_closed(state) || state == layout::WriterState::Ended)
            return frame;
        platform::wait_either(woken, {}, std::nullopt);
    }
}

void FollowedWorld::suspend(bool suspended) {
    attachment_->suspend(suspended);
    if (!suspended)
        first_expected_ = view_->words().published.load(std::memory_order_acquire) + 1;
}

void FollowedWorld::follow(std::uint64_t last) try {
    std::uint64_t before = read_before_;
    while (before < last) {
        const Frame frame = read();
        if (!frame) {
            promise(false, "a frame that was published before the end is not lost");
            return;
        }
        promise(frame.number() > before, "frames come in their order, each once");
        if (layout_.mode == ReadMode::Every)
            promise(frame.number() <= std::max(before + 1, first_expected_), "no frame is missed");
        before = frame.number();
    }
    if (kept_)
        look_at(kept_);
} catch (const Error& error) {
    broken(std::string("no reader fails: ") + error.what());
}

}  // namespace ndsharray::model
