// SPDX-License-Identifier: BSD-3-Clause
// Scenes about segments: memory of slots, announcements, and writers that leave a segment or die.
#include "scenes.hpp"

#include "reader/leased_segment.hpp"

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

/// A writer takes back the slots of a segment, and frees their memory.
class Withdrawn final : public World {
  public:
    Withdrawn() : World({.frames = 2}) {}
    void play_all() override {
        play_withdrawing_writer();
        play("reader", [this] { take_numbered(0, 1); });
    }
};

/// The same while a reader of every frame, which was suspended, goes on.
class WithdrawnFromSuspended final : public World {
  public:
    WithdrawnFromSuspended() : World({.frames = 2, .mode = ReadMode::Every}) {}
    void prepare() override { sessions_[0]->suspend(true); }
    void play_all() override {
        play_withdrawing_writer();
        play("reader", [this] {
            sessions_[0]->suspend(false);
            const auto place = slots::find_from(*segment_, 1, 2);
            promise(place.has_value(), "the newest frame stays");
            promise(take(0, *place) || place->frame == 1, "the newest frame stays");
        });
    }
};

/// Memory of the process at an address that the model knows.
template <typename T>
struct InArena {
    using value_type = T;
    std::byte* room;

    explicit InArena(std::byte* memory) : room(memory) {}
    template <typename U>
    InArena(const InArena<U>& other) : room(other.room) {}  // NOLINT: allocators convert
    T* allocate(std::size_t) { return reinterpret_cast<T*>(room); }
    void deallocate(T*, std::size_t) {}
};

/// A pool has two slots while the writer leaves their segment: a published one, which it still reads, and one
/// that it fills. The memory of each is freed once the pool has given it back, by one thread or the other.
class OutWhileWithdrawn final : public World {
  public:
    OutWhileWithdrawn() : World({.slots = 6, .readers = 0}) {
        own_memory_ = platform::create_new("memory of the process", 0600).file;
        platform::set_size(own_memory_, sizeof(detail::WriterSegment));
        keep_as_beginning();
    }
    void prepare() override {
        const InArena<detail::WriterSegment> room(
            platform::Mapping::of(own_memory_, sizeof(detail::WriterSegment), platform::Access::ReadWrite)
                .data());
        segment_of_writer_ = std::allocate_shared<detail::WriterSegment>(room, open_segment(), table_);
        published_ = segment_of_writer_->claim_pinned(rules());
        filled_ = segment_of_writer_->claim_pinned(rules());
        fill(published_, 2);
        publish(*segment_of_writer_, published_, 2);
        write(3);
        fill(filled_, 77);
        memory_ = {published_.data(), filled_.data()};
        finished_ = 0;
    }
    void play_all() override {
        play("writer", [this] {
            segment_of_writer_->withdraw();
            segment_of_writer_->free_withdrawn();
            finish();
        });
        play("pool", [this] {
            read_plain(published_.data(), sizeof(std::uint64_t), "pixels");
            published_.release();
            fill(filled_, 78);
            filled_.release();
            finish();
        });
    }
    void clear() override {
        published_.release();
        filled_.release();
        segment_of_writer_.reset();
        World::clear();
    }

  private:
    void finish() {
        if (++finished_ < 2)
            return;
        for (const std::byte* memory : memory_)
            promise(*reinterpret_cast<const std::uint64_t*>(memory) == 0,
                    "memory of a slot that comes back is freed");
    }

    platform::Descriptor own_memory_;
    std::shared_ptr<detail::WriterSegment> segment_of_writer_;
    WritableFrame published_;
    WritableFrame filled_;
    std::array<const std::byte*, 2> memory_{};
    int finished_ = 0;
};

/// Slots get memory while readers keep frames. There is room for another slot, or there is none: then readers
/// copy what would leave the writer fewer than two.
class ReadersKeep final : public World {
  public:
    explicit ReadersKeep(bool has_room) : World({.slots = 4, .readers = 2}), has_room_(has_room) {}
    void prepare() override {
        segment_of_writer_ = writer_segment();
        for (unsigned i = 0; i < layout_.readers; ++i)
            sources_[i] = std::make_shared<detail::LeasedSegment>(open_segment(), sessions_[i]);
        if (!has_room_)
            use_up_room();
    }
    void play_all() override {
        play("writer", [this] {
            for (std::uint64_t number = 2; number <= 4; ++number) {
                WritableFrame frame = segment_of_writer_->claim(rules());
                promise(frame || !has_room_, "a writer that has room finds a slot at once");
                if (!frame)
                    frame = claim_patiently(*segment_of_writer_);
                fill(frame, number);
                publish(*segment_of_writer_, frame, number);
            }
        });
        for (unsigned reader = 0; reader < layout_.readers; ++reader)
            play(reader == 0 ? "first" : "second", [this, reader] {
                Frame frame = sources_[reader]->take(slots::latest(*segment_), 2, {});
                if (!frame)
                    return;
                look_at(frame);
                kept_[reader] = std::move(frame);
            });
    }
    void clear() override {
        kept_ = {};
        sources_ = {};
        segment_of_writer_.reset();
        World::clear();
    }

  private:
    const bool has_room_;
    std::shared_ptr<detail::WriterSegment> segment_of_writer_;
    std::array<std::shared_ptr<detail::LeasedSegment>, 2> sources_;
    std::array<Frame, 2> kept_;  // for ever
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
        scene<ReadersKeep>("ReadersKeep", true),
        scene<ReadersKeep>("ReadersKeepWithoutRoom", false),
        scene<Withdrawn>("Withdrawn"),
        scene<WithdrawnFromSuspended>("WithdrawnFromSuspended"),
        scene<OutWhileWithdrawn>("OutWhileWithdrawn"),
        scene<Announcements>("Announcements"),
        scene<NextSegment>("NextSegment"),
        scene<Left>("LeftByAnnouncement", Left::How::ByAnnouncement),
        scene<Left>("LeftBySignal", Left::How::BySignal),
        scene<TakenOver>("TakenOver", false),
        scene<TakenOver>("UsedUp", true),
    };
}

}  // namespace ndsharray::model
