// SPDX-License-Identifier: BSD-3-Clause
// Scenes about waiting: writers and readers that sleep until the other side has done something, and come and
// go.
#include "scenes.hpp"

namespace ndsharray::model {
namespace {

using layout::WriterState;

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

/// A reader of every frame goes on that was suspended: from then on a writer with backpressure keeps all
/// newer frames.
class Resumes final : public World {
  public:
    Resumes() : World({.backpressure = true, .mode = ReadMode::Every}) {}
    void prepare() override { sessions_[0]->suspend(true); }
    void play_all() override {
        play_patient_writer(last);
        play("reader", [this] {
            sessions_[0]->suspend(false);
            expect_frames(0, 1, last, view_->words().published.load(std::memory_order_acquire));
        });
    }

  private:
    static constexpr std::uint64_t last = 5;
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

}  // namespace

std::vector<NamedScene> waiting_scenes() {
    return {
        scene<EveryFrame>("EveryFrame"),
        scene<Joins>("Joins"),
        scene<WaitsForRelease>("WaitsForRelease"),
        scene<WaitsForLeaver>("WaitsForLeaver"),
        scene<WaitsForSuspended>("WaitsForSuspended", false),
        scene<WaitsForSuspended>("WaitsForRetired", true),
        scene<Resumes>("Resumes"),
        scene<Drained>("Drained", true),
        scene<Drained>("DrainedUnannounced", false),
        scene<HasReader>("HasReader"),
        scene<Shown>("Shown"),
        scene<End>("End"),
    };
}

}  // namespace ndsharray::model
