// SPDX-License-Identifier: BSD-3-Clause
// Scenes about slots: claims, leases, copies, pools, and readers that leave or die.
#include "scenes.hpp"

namespace ndsharray::model {
namespace {

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

}  // namespace

std::vector<NamedScene> slot_scenes() {
    return {
        scene<Newest>("Newest"),
        scene<FoundByNumber>("FoundByNumber"),
        scene<PlaceFromElsewhere>("PlaceFromElsewhere", false),
        scene<PlaceFromElsewhere>("CopyFromElsewhere", true),
        scene<Copies>("Copies"),
        scene<TwoLeases>("TwoLeases"),
        scene<Unpinned>("Unpinned"),
        scene<PutBack>("PutBack"),
        scene<HandedOver>("HandedOver"),
        scene<Leaves>("Leaves"),
        scene<Dies>("Dies"),
        scene<ComesAfterDeath>("ComesAfterDeath"),
        scene<AnotherReclaims>("AnotherReclaims"),
    };
}

}  // namespace ndsharray::model
