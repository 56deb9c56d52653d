// SPDX-License-Identifier: BSD-3-Clause
// Scenes in which the core's own Attachment reads: through several segments, to the end.
#include "follower.hpp"
#include "scenes.hpp"

namespace ndsharray::model {
namespace {

using layout::WriterState;

/// A reader follows, or comes, while the layout changes.
class Followed : public FollowedWorld {
  public:
    Followed(bool every, bool joined)
        : FollowedWorld(
              {.backpressure = every, .readers = 0, .mode = every ? ReadMode::Every : ReadMode::Latest},
              joined) {}
    void play_all() final {
        play("writer", [this] {
            publish_next(2);
            change_layout();
            publish_next(3);
        });
        play("reader", [this] { follow(3); });
    }

  private:
    virtual void change_layout() = 0;
};

/// The next segment is made beside the old one.
class NextLayout final : public Followed {
  public:
    explicit NextLayout(bool every, bool joined = true) : Followed(every, joined) {}

  private:
    void change_layout() override { make_segment(); }
};

/// There is no room for the next segment beside the old one.
class TightLayout final : public Followed {
  public:
    explicit TightLayout(bool every) : Followed(every, true) {}

  private:
    void change_layout() override {
        give_up_segment();
        make_segment();
    }
};

/// A reader of every frame comes while a writer waits for such readers.
class Comes final : public FollowedWorld {
  public:
    Comes() : FollowedWorld({.backpressure = true, .readers = 0, .mode = ReadMode::Every}, false) {}
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
    explicit LastFrame(WriterState last) : FollowedWorld({.readers = 0}, true), last_(last) {}
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
        long_scene<NextLayout>("NextLayout", false),
        long_scene<NextLayout>("NextLayoutForEvery", true),
        long_scene<NextLayout>("ComesToNextLayout", true, false),
        long_scene<TightLayout>("TightLayout", false),
        long_scene<TightLayout>("TightLayoutForEvery", true),
        scene<LastFrame>("LastFrameOfStream", WriterState::Ended),
        scene<LastFrame>("LastFrameOfWriter", WriterState::Closed),
    };
}

}  // namespace ndsharray::model
