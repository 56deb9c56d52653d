// SPDX-License-Identifier: BSD-3-Clause
// Scenes in which the core's own Attachment reads: through several segments, to the end.
#include "follower.hpp"
#include "scenes.hpp"

namespace ndsharray::model {
namespace {

using layout::WriterState;

constexpr Layout newest{.readers = 0};
constexpr Layout every{.readers = 0, .mode = ReadMode::Every};
constexpr Layout every_kept{.backpressure = true, .readers = 0, .mode = ReadMode::Every};

/// A reader follows, or comes, while the layout changes: the next segment is made beside the old one.
class NextLayout : public FollowedWorld {
  public:
    explicit NextLayout(const Layout& layout, bool joined = true) : FollowedWorld(layout, joined) {}
    void play_all() override {
        play("writer", [this] { write_all(); });
        play("reader", [this] { follow(4); });
    }

  protected:
    void write_all() {
        publish_next(2);
        publish_next(3);
        make_segment();
        publish_next(4);
    }
};

/// There is no room for the next segment beside the old one.
class TightLayout final : public NextLayout {
  public:
    explicit TightLayout(const Layout& layout) : NextLayout(layout) {}

  private:
    void prepare() override {
        FollowedWorld::prepare();
        use_up_room();
    }
};

/// The reader keeps a frame of the old segment, whose other slots are taken back.
class FrameOfOldLayout final : public NextLayout {
  public:
    explicit FrameOfOldLayout(const Layout& layout) : NextLayout(layout) { keep_first_frame(); }
};

/// The reader is suspended, and goes on while the layout changes twice.
class SuspendedAtNextLayout final : public NextLayout {
  public:
    SuspendedAtNextLayout() : NextLayout(every_kept) { keep_first_frame(); }
    void play_all() override {
        play("writer", [this] {
            write_all();
            make_segment();
            publish_next(5);
        });
        play("reader", [this] {
            suspend(false);
            follow(5);
        });
    }

  private:
    void prepare() override {
        FollowedWorld::prepare();
        suspend(true);
    }
};

/// A reader of every frame comes while a writer waits for such readers.
class Comes final : public FollowedWorld {
  public:
    Comes() : FollowedWorld(every_kept, false) {}
    void play_all() override {
        play("writer", [this] {
            for (std::uint64_t frame = 2; frame <= 4; ++frame)
                publish_next(frame);
        });
        play("reader", [this] { follow(4); });
    }
};

/// The writer ends its stream, or leaves, after a frame.
class LastFrame final : public FollowedWorld {
  public:
    explicit LastFrame(WriterState last) : FollowedWorld(newest, true), last_(last) {}
    void play_all() override {
        play("writer", [this] {
            publish_next(2);
            set_state(last_);
            if (last_ == WriterState::Closed)
                control_->announce(0, {});
            control_->wake_readers();
        });
        play("reader", [this] { follow(2); });
    }

  private:
    const WriterState last_;
};

}  // namespace

std::vector<NamedScene> follower_scenes() {
    return {
        long_scene<Comes>("Comes"),
        long_scene<NextLayout>("NextLayout", newest),
        long_scene<NextLayout>("NextLayoutForEvery", every_kept),
        long_scene<NextLayout>("NextLayoutWithoutBackpressure", every),
        long_scene<NextLayout>("ComesToNextLayout", every_kept, false),
        long_scene<TightLayout>("TightLayout", newest),
        long_scene<TightLayout>("TightLayoutForEvery", every_kept),
        long_scene<FrameOfOldLayout>("FrameOfOldLayout", newest),
        long_scene<FrameOfOldLayout>("FrameOfOldLayoutForEvery", every_kept),
        long_scene<SuspendedAtNextLayout>("SuspendedAtNextLayout"),
        scene<LastFrame>("LastFrameOfStream", WriterState::Ended),
        scene<LastFrame>("LastFrameOfWriter", WriterState::Closed),
    };
}

}  // namespace ndsharray::model
