// SPDX-License-Identifier: BSD-3-Clause
// Scenes about segments: memory of slots, announcements, and writers that leave a segment or die.
#include "scenes.hpp"

namespace ndsharray::model {
namespace {

using layout::WriterState;

/// Another slot gets memory.
class MoreSlots final : public World {
  public:
    MoreSlots() : World({.slots = 4, .readers = 0}) {}
    void play_all() override {
        play("writer", [this] { segment_->reserve_another(); });
        play("reader", [this] {
            const std::uint32_t ready = segment_->ready();
            const std::uint64_t state = segment_->slot(ready - 1).state.load(std::memory_order_relaxed);
            promise(ready == 3 || state != 1, "a slot that counts is open");
        });
    }
};

/// A writer takes back the slots of a segment, and gives their memory away.
class Withdrawn final : public World {
  public:
    Withdrawn() : World({.frames = 2}) {}
    void play_all() override {
        play("writer", [this] { give_memory_back(*segment_, slots::withdraw(*segment_, table_->words())); });
        play("reader", [this] { take_numbered(0, 1); });
    }
};

/// Announcements, one after the other.
class Announcements final : public World {
  public:
    Announcements() : World({.readers = 0}) {}
    void play_all() override {
        play("writer", [this] {
            control_->announce(2, {2, 2});
            control_->announce(0, {});
            control_->announce(3, {3, 3});
        });
        play("reader", [this] {
            for (int i = 0; i < 2; ++i) {
                const auto now = view_->announcement();
                if (now.generation > 1)
                    promise(now.segment == Id{now.generation, now.generation}, "an announcement is whole");
                if (now.generation == 1)
                    promise(now.segment == segment_->id(), "an announcement is whole");
            }
        });
    }
};

/// The geometry in a segment's file, which is not atomic.
const void* header_of(const Segment& segment) {
    return reinterpret_cast<const std::byte*>(&segment.latest()) - offsetof(layout::SegmentHeader, latest) +
           offsetof(layout::SegmentHeader, geometry);
}

/// The writer makes another segment and announces it with its first frame.
class NextSegment final : public World {
  public:
    NextSegment() : World({}) {}
    void play_all() override {
        play("writer", [this] {
            next_ = new_segment(2);
            write_plain(header_of(*next_), sizeof(layout::SegmentGeometry), "headers");
            const auto slot = slots::claim(*next_, table_->words(), rules());
            fill(*next_, *slot, 2);
            publish(*next_, *slot, 2);
            control_->announce(2, next_->id());
            control_->wake_readers();
        });
        play("reader", [this] {
            for (;;) {
                const platform::Watched woken = look_at_wake();
                const auto now = view_->announcement();
                if (now.generation != 2) {
                    platform::wait_either(woken, {}, std::nullopt);
                    continue;
                }
                opened_ =
                    Segment::open(files_, now.segment, control_->instance(), now.generation, Owner::self());
                promise(opened_.has_value(), "who has an announcement finds the segment");
                read_plain(header_of(*opened_), sizeof(layout::SegmentGeometry), "headers");
                slots::enter_generation(entry(0), 2);
                const slots::Place place = slots::latest(*opened_);
                promise(place.frame == 2, "an announced segment has its first frame");
                promise(slots::lease(*opened_, entry(0), place), "nobody takes the frame away");
                look_at(*opened_, place);
                slots::release(entry(0), 2, place.slot);
                return;
            }
        });
    }
    void clear() override {
        next_.reset();
        opened_.reset();
        World::clear();
    }

  private:
    std::optional<Segment> next_;
    std::optional<Segment> opened_;
};

/// A writer leaves its segment after a frame. A reader gives it up when it is not announced any more.
class Left final : public World {
  public:
    enum class How { ByAnnouncement, BySignal };

    explicit Left(How how) : World({}), how_(how) {}
    void play_all() override {
        play("writer", [this] {
            write(2);
            if (how_ == How::BySignal) {
                give_notices();
            } else {
                control_->announce(0, {});
                control_->wake_readers();
            }
        });
        play("reader", [this] {
            for (std::uint64_t wanted = 2;;) {
                const platform::Watched woken = look_at_wake();
                const WriterState state = view_->state();
                const auto announced = view_->announcement();
                const slots::Place place = slots::latest(*segment_);
                if (place.frame >= wanted && take(0, place))
                    wanted = place.frame + 1;
                if (announced.generation == 0 || layout::is_closed(state)) {
                    promise(wanted == 3, "no frame is lost when a segment is left");
                    return;
                }
                platform::wait_either(woken, {}, std::nullopt);
            }
        });
    }

  private:
    const How how_;
};

/// A writer is killed after a frame, and another one takes over its file.
class TakenOver final : public World {
  public:
    /// \param used_up whether no frame numbers are left, so that the successor closes the file.
    explicit TakenOver(bool used_up) : World({}), used_up_(used_up) {}
    void play_all() override {
        play("writer", [this] {
            write(2);
            if (used_up_)
                control_->words().published.store(layout::max_frame, std::memory_order_relaxed);
            die();
        });
        play("reader", [this] {
            const std::uint32_t epoch = view_->words().epoch.load(std::memory_order_acquire);
            const WriterState state = view_->state();
            const auto announced = view_->announcement();
            if (epoch != 1)
                promise(state != WriterState::Live, "the state of a dead writer is not its successor's");
            if (epoch != 1 || layout::is_closed(state) || announced.generation == 0)
                promise(slots::latest(*segment_).frame == 2, "no frame is lost when a writer dies");
        });
        play("successor", [this] {
            try {
                WriterOptions options;
                successor_ = ControlOwner::take(files_, options);
            } catch (const Error&) {
                // The writer lives.
            }
        });
    }
    void clear() override {
        successor_.reset();
        World::clear();
    }

  private:
    const bool used_up_;
    std::optional<ControlOwner> successor_;
};

}  // namespace

std::vector<NamedScene> segment_scenes() {
    return {
        scene<MoreSlots>("MoreSlots"),
        scene<Withdrawn>("Withdrawn"),
        scene<Announcements>("Announcements"),
        scene<NextSegment>("NextSegment"),
        scene<Left>("LeftByAnnouncement", Left::How::ByAnnouncement),
        scene<Left>("LeftBySignal", Left::How::BySignal),
        scene<TakenOver>("TakenOver", false),
        scene<TakenOver>("UsedUp", true),
    };
}

}  // namespace ndsharray::model
