// SPDX-License-Identifier: BSD-3-Clause
// A tag with its files as scenes have it.
#include "world.hpp"

namespace ndsharray::model {
namespace {

constexpr std::uint64_t pixels = 8;  // bytes of a frame

TagFiles new_tag() {
    forget_files();
    take_locks_for(0);  // the writer is the first thread
    return TagFiles("scene");
}

std::uint64_t* pixels_of(const Segment& segment, std::uint32_t slot) {
    return reinterpret_cast<std::uint64_t*>(segment.data(slot));
}

}  // namespace

World::World(const Layout& layout) : layout_(layout), files_(new_tag()) {
    options_.slots = layout.slots;
    options_.backpressure = layout.backpressure;
    control_ = ControlOwner::take(files_, options_);
    table_ = TableOwner::create(files_, control_->instance(), 0600);
    set_state(layout::WriterState::Live);
    if (layout.has_segment) {
        segment_ = new_segment(1);
        for (std::uint64_t frame = 1; frame <= layout.frames; ++frame)
            write(frame);
        control_->announce(1, segment_->id());
    }
    view_ = ControlView::open(files_, Owner::self());
    keep_as_beginning();
}

void World::begin() {
    taken_ = {};
    for (unsigned i = 0; i < layout_.readers; ++i) {
        take_locks_for(i + 1);
        sessions_[i] = join(layout_.next);
    }
    prepare();
    play_all();
}

void World::clear() {
    for (auto& session : sessions_)
        session.reset();
}

// ---- the writer

void World::fill(const Segment& segment, std::uint32_t slot, std::uint64_t frame) {
    write_plain(segment.data(slot), pixels, "pixels");
    *pixels_of(segment, slot) = frame;
}

void World::fill(const WritableFrame& frame, std::uint64_t number) {
    write_plain(frame.data(), pixels, "pixels");
    std::memcpy(frame.data(), &number, sizeof number);
}

void World::publish(detail::WriterSegment& segment, WritableFrame& frame, std::uint64_t number) {
    control_->words().published.store(number, std::memory_order_relaxed);
    FrameInfo info;
    info.number = number;
    const Segment& file = segment.segment();
    const auto slot = static_cast<std::uint32_t>((frame.data() - file.data(0)) / file.slot_bytes());
    write_plain(&file.slot(slot).info, sizeof info, "infos");
    segment.publish(frame, info, {});
}

WritableFrame World::claim_patiently(detail::WriterSegment& segment) {
    WritableFrame frame = segment.claim(rules());
    if (!frame)
        wait_until([&] {
            frame = segment.claim(rules());
            return static_cast<bool>(frame);
        });
    return frame;
}

void World::publish(const Segment& segment, std::uint32_t slot, std::uint64_t frame) {
    control_->words().published.store(frame, std::memory_order_relaxed);
    FrameInfo info;
    info.number = frame;
    write_plain(&segment.slot(slot).info, sizeof info, "infos");
    slots::publish(segment, slot, info, {});
}

void World::pin_all_but(std::uint64_t frame) {
    const auto kept = slots::find_from(*segment_, frame, frame);
    for (std::uint32_t slot = 0; slot < segment_->slot_count(); ++slot)
        if (slot != kept->slot)
            slots::pin(*segment_, slot);
    keep_as_beginning();
}

bool World::write(std::uint64_t frame) {
    const auto slot = slots::claim(*segment_, table_->words(), rules());
    if (!slot)
        return false;
    fill(*slot, frame);
    publish(*slot, frame);
    return true;
}

void World::write_patiently(std::uint64_t frame) {
    const std::uint32_t slot = claim_patiently(*segment_);
    fill(slot, frame);
    publish(slot, frame);
    control_->wake_readers();
}

std::uint32_t World::claim_patiently(const Segment& segment) {
    auto slot = slots::claim(segment, table_->words(), rules());
    if (!slot)
        wait_until([&] {
            slot = slots::claim(segment, table_->words(), rules());
            return slot.has_value();
        });
    return *slot;
}

void World::play_writer(std::vector<std::uint64_t> frames) {
    play("writer", [this, frames = std::move(frames)] {
        for (const std::uint64_t frame : frames)
            write(frame);
    });
}

void World::play_patient_writer(std::uint64_t last) {
    play("writer", [this, last] {
        for (std::uint64_t frame = 2; frame <= last; ++frame)
            write_patiently(frame);
    });
}

void World::play_withdrawing_writer() {
    play("writer", [this] {
        const auto segment = writer_segment();
        segment->withdraw();
        segment->free_withdrawn();
    });
}

ArraySpec World::spec() {
    return ArraySpec::contiguous(DType::UInt8, std::array{pixels});
}

Segment World::new_segment(std::uint32_t generation) const {
    SegmentPlan plan;
    plan.instance = control_->instance();
    plan.generation = generation;
    plan.spec = spec();
    plan.slots = layout_.slots;
    return Segment::create(files_, plan);
}

Segment World::open_segment() const {
    return std::move(
        *Segment::open(files_, segment_->id(), control_->instance(), segment_->generation(), Owner::self()));
}

std::shared_ptr<detail::WriterSegment> World::writer_segment() const {
    return std::make_shared<detail::WriterSegment>(open_segment(), table_);
}

void World::expect_frames(unsigned reader, std::uint64_t wanted, std::uint64_t last,
                          std::uint64_t joined_after) {
    while (wanted <= last) {
        const platform::Watched woken = look_at_wake();
        const auto place = next_place(*segment_, wanted);
        if (!place) {
            platform::wait_either(woken, {}, std::nullopt);
            continue;
        }
        if (place->frame == 0)
            continue;
        promise(place->frame >= wanted && place->frame <= std::max(wanted, joined_after + 1),
                "no frame is missed");
        if (take(reader, *place)) {
            advance(reader, place->frame);
            wanted = place->frame + 1;
        }
    }
}

void World::wait_until(const std::function<bool()>& ready) {
    std::unique_lock lock(mutex_);
    wait_.until(ready, lock, table_, std::nullopt, {});
}

void World::set_state(layout::WriterState state) {
    control_->words().state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
}

// ---- readers

std::shared_ptr<ReaderSession> World::join(std::uint64_t next) const {
    auto session = ReaderSession::open(files_, control_->instance(), Owner::self());
    ReaderOptions options;
    options.mode = layout_.mode;
    session->join(options, next);
    slots::enter_generation(session->entry(), 1);
    return session;
}

void World::look_at(const Segment& segment, const slots::Place& place) {
    const layout::SlotHeader& header = segment.slot(place.slot);
    read_plain(&header.info, sizeof header.info, "infos");
    promise(header.info.number == place.frame, "a frame has its own info");
    read_plain(segment.data(place.slot), pixels, "pixels");
    promise(*pixels_of(segment, place.slot) == place.frame, "a frame is the one that was leased");
}

void World::look_at(const Frame& frame) {
    if (!frame.is_copy())
        read_plain(frame.data(), pixels, "pixels");
    std::uint64_t number = 0;
    std::memcpy(&number, frame.data(), sizeof number);
    promise(frame.number() == number, "a frame is the one that its number says");
}

bool World::take(unsigned reader, const slots::Place& place) {
    if (!slots::lease(*segment_, entry(reader), place)) {
        sessions_[reader]
            ->notify_released();  // the lease existed for a moment, and may have stopped the writer
        return false;
    }
    look_at(place);
    taken_[reader] = place.frame;
    release(reader, place.slot);
    return true;
}

void World::take_numbered(unsigned reader, std::uint64_t frame) {
    if (const auto place = slots::find_from(*segment_, frame, frame))
        take(reader, *place);
}

void World::release(unsigned reader, std::uint32_t slot) {
    slots::release(entry(reader), segment_->generation(), slot);
    sessions_[reader]->notify_released();
}

void World::advance(unsigned reader, std::uint64_t frame) {
    entry(reader).cursor.store(frame + 1, std::memory_order_release);
    sessions_[reader]->notify_released();
}

platform::Watched World::look_at_wake() const {
    const auto& wake = view_->words().wake;
    return {&wake, wake.load(std::memory_order_acquire)};
}

void World::require_gone(const slots::Place& place) const {
    const std::uint64_t state = segment_->slot(place.slot).state.load(std::memory_order_relaxed);
    // The same again: the writer has put it back.
    promise(state >= 2 * place.frame || state == 0,
            "who reads the newest frame's place finds it there or gone");
}

std::optional<slots::Place> World::next_place(const Segment& segment, std::uint64_t wanted) const {
    const slots::Place newest = slots::latest(segment);
    if (newest.frame < wanted)
        return std::nullopt;
    return slots::find_from(segment, wanted, newest.frame).value_or(slots::Place{});
}

}  // namespace ndsharray::model
