// SPDX-License-Identifier: BSD-3-Clause
// A reader as the core has it, in a scene.
#include "follower.hpp"

namespace ndsharray::model {

FollowedWorld::FollowedWorld(const Layout& layout, bool joined) : World(layout), joined_(joined) {
    reader_options_.mode = layout.mode;
}

void FollowedWorld::prepare() {
    announced_.reset();
    current_.reset();
    is_given_up_ = false;
    generation_ = 1;
    first_expected_ = 1;
    attachment_ = std::make_unique<Attachment>(files_, owner_, reader_options_, counts_,
                                               std::move(*ControlView::open(files_, owner_)), false);
    attachment_->await_writer();
    attachment_->meet_writer();
    read_before_ = 0;
    if (joined_) {
        join();
        read_before_ = attachment_->next().number();
    }
}

void FollowedWorld::clear() {
    attachment_.reset();
    announced_.reset();
    current_.reset();
    World::clear();
}

// ---- the writer, as Writer::Implementation and Segments

void FollowedWorld::make_segment() {
    current_ = std::make_shared<Segment>(new_segment(++generation_));
}

void FollowedWorld::publish_next(std::uint64_t frame) {
    const Segment& announced = announced_ ? *announced_ : *segment_;
    const Segment& segment = current_ ? *current_ : announced;
    const std::uint32_t slot = claim_patiently(segment);
    fill(segment, slot, frame);
    if (current_ && !is_given_up_ && layout_.backpressure)
        wait_until([&] {
            return slots::all_can_follow(table_->words(), announced.generation(),
                                         slots::latest(announced).frame);
        });
    publish(segment, slot, frame);
    std::optional<std::uint32_t> withdrawn;
    if (current_) {
        if (!is_given_up_)
            withdrawn = slots::withdraw(announced, table_->words());
        control_->announce(segment.generation(), segment.id());
        if (withdrawn)
            platform::unlink_file(announced.path());
    }
    control_->wake_readers();
    if (withdrawn)
        give_memory_back(announced, *withdrawn);
    if (current_) {
        announced_ = std::move(current_);
        is_given_up_ = false;
    }
}

void FollowedWorld::give_up_segment() {
    const Segment& announced = announced_ ? *announced_ : *segment_;
    if (layout_.backpressure)
        wait_until([&] {
            return slots::held(table_->words(), announced.generation()).floor >
                   slots::latest(announced).frame;
        });
    const std::uint32_t withdrawn = slots::withdraw(announced, table_->words());
    control_->announce(0, {});
    control_->wake_readers();
    platform::unlink_file(announced.path());
    give_memory_back(announced, withdrawn);
    is_given_up_ = true;
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
            read_plain(frame.data(), sizeof(std::uint64_t), "pixels");
            std::uint64_t number = 0;
            std::memcpy(&number, frame.data(), sizeof number);
            promise(frame.number() == number, "a frame is the one that its number says");
            return frame;
        }
        if (layout::is_closed(state) || state == layout::WriterState::Ended)
            return frame;
        platform::wait_either(woken, {}, std::nullopt);
    }
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
        if (layout_.mode == ReadMode::Every && layout_.backpressure)
            promise(frame.number() <= std::max(before + 1, first_expected_), "no frame is missed");
        before = frame.number();
    }
} catch (const Error& error) {
    broken(std::string("no reader fails: ") + error.what());
}

}  // namespace ndsharray::model
