// SPDX-License-Identifier: BSD-3-Clause
// The scenes: each lets a few threads do with the core's code what writers and readers do, as little as shows
// a promise.
#include "world.hpp"

namespace ndsharray::model {
namespace {

using layout::WriterState;

/// A writer publishes, a reader takes the newest frame.
class Newest final : public World {
  public:
    Newest() : World({}) {}
    void play_all() override {
        play_writer({2, 3, 4});
        play("reader", [this] {
            std::uint64_t last = 0;
            for (int i = 0; i < 2; ++i) {
                const slots::Place place = slots::latest(*segment_);
                promise(place.frame >= last, "the newest frame gets no older");
                last = place.frame;
                if (!take(0, place))
                    require_gone(place);
            }
        });
    }
};

/// A reader knows the number of a frame, and looks for its slot.
class FoundByNumber final : public World {
  public:
    FoundByNumber() : World({}) {}
    void play_all() override {
        play_writer({2, 3});
        play("reader", [this] {
            for (std::uint64_t wanted = 1; wanted < 4; ++wanted)
                take_numbered(0, wanted);
        });
    }
};

/// A writer that keeps what is wanted, and a reader of every frame: both sleep when they have to wait.
class EveryFrame final : public World {
  public:
    EveryFrame() : World({.backpressure = true, .mode = ReadMode::Every}) {}
    void play_all() override {
        play_patient_writer(last);
        play("reader", [this] { expect_frames(0, 1, last); });
    }

  private:
    static constexpr std::uint64_t last = 5;
};

/// Two readers count the leases, and keep theirs if that leaves the writer two slots.
class TwoLeases final : public World {
  public:
    TwoLeases() : World({.frames = 2, .readers = 2}) {}
    void play_all() override {
        kept_ = 0;
        for (unsigned reader = 0; reader < 2; ++reader)
            play(reader == 0 ? "first" : "second", [this, reader] {
                const auto place = slots::find_from(*segment_, reader + 1, reader + 1);
                promise(slots::lease(*segment_, entry(reader), *place), "nobody takes the frame away");
                if (slots::may_stay_leased(*segment_, table_->words()))
                    ++kept_;
                else
                    release(reader, place->slot);
                promise(kept_ < 2, "readers leave the writer two slots");
            });
    }

  private:
    int kept_ = 0;
};

/// A pool reads a frame that was published, unpins it, and the writer takes the slot.
class Unpinned final : public World {
  public:
    Unpinned() : World({.frames = 0, .readers = 0}) {
        const auto slot = slots::claim(*segment_, table_->words(), rules());
        fill(*slot, 1);
        slots::pin(*segment_, *slot);
        publish(*slot, 1);
        pinned_ = {1, *slot};
        write(2);
        keep_as_beginning();
    }
    void play_all() override {
        play_writer({3, 4, 5});
        play("pool", [this] {
            look_at(pinned_);
            slots::unpin(*segment_, pinned_.slot);
        });
    }

  private:
    slots::Place pinned_;
};

/// A pool gives a slot back that it has written to.
class PutBack final : public World {
  public:
    PutBack() : World({.readers = 0}) {
        out_ = *slots::claim(*segment_, table_->words(), rules());
        keep_as_beginning();
    }
    void play_all() override {
        play_writer({2, 3, 4});
        play("pool", [this] {
            fill(out_, 77);
            slots::put_back(*segment_, out_);
        });
    }

  private:
    std::uint32_t out_ = 0;
};

/// A reader reads a frame and leaves.
class Leaves final : public World {
  public:
    Leaves() : World({}) {}
    void play_all() override {
        play_writer({2, 3, 4});
        play("reader", [this] {
            take(0, slots::latest(*segment_));
            sessions_[0].reset();
        });
    }
};

/// All slots are held: one by a reader that may die, two by the writer's side. Who died holds nothing.
class Dies final : public World {
  public:
    Dies() : World({.frames = 2}) { pin_all_but(1); }
    void play_all() override {
        play("writer", [this] {
            for (int i = 0; i < 2; ++i) {
                const bool was_dead = has_died(1);
                if (write(3))
                    return;
                table_->reclaim_dead();
                if (write(3))
                    return;
                promise(!was_dead, "the slot of a dead reader comes back");
            }
        });
        play("reader", [this] { take_numbered(0, 1); }, {.mortal = true});
    }
};

/// A reader comes where another one may have died, while the writer clears that away.
class ComesAfterDeath final : public World {
  public:
    ComesAfterDeath() : World({}) {}
    void play_all() override {
        play("writer", [this] {
            table_->reclaim_dead();
            write(2);
            write(3);
            write(4);
        });
        play("reader",
             [this] {
                 const slots::Place place = slots::latest(*segment_);
                 if (slots::lease(*segment_, entry(0), place))
                     look_at(place);
             },
             {.mortal = true});
        play("next", [this] {
            sessions_[1] = join(1);
            take(1, slots::latest(*segment_));
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

/// A reader copies without a lease. Its pixels are words, since both may use them at the same time.
class Copies final : public World {
  public:
    Copies() : World({.frames = 0, .readers = 0}) {
        write_words(1);
        keep_as_beginning();
    }
    void play_all() override {
        play("writer", [this] {
            write_words(2);
            write_words(3);
            write_words(4);
        });
        play("reader", [this] {
            for (int i = 0; i < 2; ++i) {
                const slots::Place place = slots::latest(*segment_);
                if (!slots::is_complete(*segment_, place)) {
                    require_gone(place);
                    continue;
                }
                const std::uint64_t first = word(place.slot, 0).load(std::memory_order_relaxed);
                const std::uint64_t second = word(place.slot, 1).load(std::memory_order_relaxed);
                if (slots::is_unchanged(*segment_, place))
                    promise(first == place.frame && second == place.frame, "a copy is whole");
            }
        });
    }

  private:
    std::atomic<std::uint64_t>& word(std::uint32_t slot, unsigned index) const {
        return reinterpret_cast<std::atomic<std::uint64_t>*>(segment_->data(slot))[index];
    }
    void write_words(std::uint64_t frame) {
        const auto slot =
            slots::claim(*segment_, table_->words(), {.keeps_wanted = false, .others_copy = true});
        word(*slot, 0).store(frame, std::memory_order_relaxed);
        word(*slot, 1).store(frame, std::memory_order_relaxed);
        FrameInfo info;
        info.number = frame;
        slots::publish(*segment_, *slot, info, {});
    }
};

/// The last frame and the end of the stream.
class End final : public World {
  public:
    End() : World({}) {}
    void play_all() override {
        play("writer", [this] {
            write(2);
            control_->wake_readers();
            set_state(WriterState::Ended);
            control_->wake_readers();
        });
        play("reader", [this] {
            for (std::uint64_t wanted = 2;;) {
                const platform::Watched woken = look_at_wake();
                const WriterState state = view_->state();
                const slots::Place place = slots::latest(*segment_);
                if (place.frame >= wanted) {
                    if (take(0, place))
                        wanted = place.frame + 1;
                    continue;
                }
                if (state == WriterState::Ended) {
                    promise(wanted == 3, "no frame is lost at the end of the stream");
                    return;
                }
                platform::wait_either(woken, {}, std::nullopt);
            }
        });
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

/// A reader of every frame comes while a writer with backpressure runs.
class Joins final : public World {
  public:
    Joins() : World({.backpressure = true, .readers = 0, .mode = ReadMode::Every}) {}
    void play_all() override {
        play_patient_writer(last);
        play("reader", [this] {
            const auto& published = view_->words().published;
            const std::uint64_t before = published.load(std::memory_order_acquire);
            sessions_[0] = join(before);
            const std::uint64_t after = published.load(std::memory_order_acquire);
            std::uint64_t wanted = after;  // the oldest after which none is missing
            while (wanted > before && slots::find_from(*segment_, wanted - 1, wanted - 1))
                --wanted;
            expect_frames(0, wanted, last, after);
        });
    }

  private:
    static constexpr std::uint64_t last = 5;
};

/// A reader knows a place before the frame is there: lease() alone makes sure of the frame, or is_complete().
class PlaceFromElsewhere final : public World {
  public:
    explicit PlaceFromElsewhere(bool copies) : World({}), copies_(copies) {
        keep_as_beginning();
        write(2);
        second_ = slots::latest(*segment_);
    }
    void play_all() override {
        play_writer({2});
        play("reader", [this] {
            if (!copies_)
                take(0, second_);
            else if (slots::is_complete(*segment_, second_))
                look_at(second_);  // the writer does not come back to it
        });
    }

  private:
    const bool copies_;
    slots::Place second_;
};

/// One thread of a reader reads a frame, another one leaves.
class HandedOver final : public World {
  public:
    HandedOver() : World({.frames = 2}) {
        // A word that nobody else uses stands for one of the reader's process.
        done_ = reinterpret_cast<std::atomic<std::uint32_t>*>(control_->words().reserved);
        pin_all_but(1);
    }
    void play_all() override {
        play_writer({3, 3});
        play("reader", [this] {
            take_numbered(0, 1);
            done_->store(1, std::memory_order_release);
        });
        play("leaver", [this] {
            if (done_->load(std::memory_order_acquire) == 1)
                sessions_[0].reset();
        });
    }

  private:
    std::atomic<std::uint32_t>* done_;
};

/// A writer waits for a reader to let go.
class WaitsForRelease final : public World {
  public:
    WaitsForRelease() : World({.frames = 2}) { pin_all_but(1); }
    void play_all() override {
        play("writer", [this] { write_patiently(3); });
        play("reader", [this] { take_numbered(0, 1); });
    }
};

/// A writer waits for a reader that takes no frame: until it leaves.
class WaitsForLeaver final : public World {
  public:
    WaitsForLeaver() : World({.frames = 2, .backpressure = true, .mode = ReadMode::Every}) { pin_all_but(1); }
    void play_all() override {
        play("writer", [this] { write_patiently(3); });
        play("reader", [this] { sessions_[0].reset(); });
    }
};

/// A writer waits for a reader that takes no frame: until it says so, or is gone but for its frames.
class WaitsForSuspended final : public World {
  public:
    explicit WaitsForSuspended(bool for_ever)
        : World({.frames = 2, .backpressure = true, .mode = ReadMode::Every}), for_ever_(for_ever) {
        pin_all_but(1);
    }
    void play_all() override {
        play("writer", [this] { write_patiently(3); });
        play("reader", [this] {
            if (for_ever_)
                sessions_[0]->retire();
            else
                sessions_[0]->suspend(true);
        });
    }

  private:
    const bool for_ever_;
};

/// A writer waits until a reader has taken all frames.
class Drained final : public World {
  public:
    explicit Drained(bool announced)
        : World({.backpressure = true, .mode = ReadMode::Every}), announced_(announced) {}
    void play_all() override {
        play("writer", [this] {
            for (std::uint64_t frame = 2; frame <= last; ++frame)
                write_patiently(frame);
            if (!announced_)
                control_->announce(0, {});
            wait_until([this] { return slots::all_have_taken(table_->words(), last, announced_); });
            promise(taken_[0] == last, "no writer is told too early that all frames are taken");
        });
        play("reader", [this] { expect_frames(0, 1, last); });
    }

  private:
    static constexpr std::uint64_t last = 3;
    const bool announced_;
};

/// A writer waits until there is a reader.
class HasReader final : public World {
  public:
    HasReader() : World({.readers = 0}) {}
    void play_all() override {
        play("writer", [this] {
            wait_until([this] { return table_->count_live() > 0; });
            promise(table_->live()[0].pid != 0, "the reader that a writer has waited for is there");
        });
        play("reader", [this] { sessions_[0] = join(1); });
    }
};

/// A reader may die with a lease. One thread of the writer finds that out, another one takes the slot.
class AnotherReclaims final : public World {
  public:
    AnotherReclaims() : World({.frames = 2}) { pin_all_but(1); }
    void play_all() override {
        play_writer({3, 3});
        play("reader",
             [this] {
                 if (const auto place = slots::find_from(*segment_, 1, 1))
                     if (slots::lease(*segment_, entry(0), *place))
                         look_at(*place);
                 step();
             },
             {.mortal = true});
        play("reclaimer", [this] { table_->reclaim_dead(); });
    }
};

/// Somebody lists the readers while one comes.
class Shown final : public World {
  public:
    Shown() : World({.readers = 0}) {}
    void play_all() override {
        play("reader", [this] { sessions_[0] = join(1); });
        play("looker", [this] {
            const LiveReader first = table_->live()[0];
            promise((first.pid != 0) == (first.joined != 0), "who is listed has all of an entry");
        });
    }
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

template <typename Kind>
NamedScene scene(const char* name) {
    return {name, [] { return std::make_unique<Kind>(); }, 0};
}

}  // namespace

const std::vector<NamedScene>& all_scenes() {
    static const std::vector<NamedScene> scenes = [] {
        std::vector<NamedScene> all{
            scene<Newest>("Newest"),
            scene<FoundByNumber>("FoundByNumber"),
            scene<EveryFrame>("EveryFrame"),
            scene<TwoLeases>("TwoLeases"),
            scene<Unpinned>("Unpinned"),
            scene<PutBack>("PutBack"),
            scene<Leaves>("Leaves"),
            scene<Dies>("Dies"),
            scene<ComesAfterDeath>("ComesAfterDeath"),
            scene<Withdrawn>("Withdrawn"),
            scene<Copies>("Copies"),
            scene<End>("End"),
            scene<Announcements>("Announcements"),
            scene<NextSegment>("NextSegment"),
            scene<Joins>("Joins"),
            scene<MoreSlots>("MoreSlots"),
            {"WaitsForSuspended", [] { return std::make_unique<WaitsForSuspended>(false); }, 0},
            {"WaitsForRetired", [] { return std::make_unique<WaitsForSuspended>(true); }, 0},
            {"LeftByAnnouncement", [] { return std::make_unique<Left>(Left::How::ByAnnouncement); }, 0},
            {"LeftBySignal", [] { return std::make_unique<Left>(Left::How::BySignal); }, 0},
            scene<Shown>("Shown"),
            scene<AnotherReclaims>("AnotherReclaims"),
            scene<WaitsForLeaver>("WaitsForLeaver"),
            scene<WaitsForRelease>("WaitsForRelease"),
            {"Drained", [] { return std::make_unique<Drained>(true); }, 0},
            {"DrainedUnannounced", [] { return std::make_unique<Drained>(false); }, 0},
            scene<HasReader>("HasReader"),
            scene<HandedOver>("HandedOver"),
            {"PlaceFromElsewhere", [] { return std::make_unique<PlaceFromElsewhere>(false); }, 0},
            {"CopyFromElsewhere", [] { return std::make_unique<PlaceFromElsewhere>(true); }, 0},
            {"TakenOver", [] { return std::make_unique<TakenOver>(false); }, 0},
            {"UsedUp", [] { return std::make_unique<TakenOver>(true); }, 0},
        };
        for (NamedScene& more : scenes_with_follower())
            all.push_back(std::move(more));
        return all;
    }();
    return scenes;
}

}  // namespace ndsharray::model
