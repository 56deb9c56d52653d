// SPDX-License-Identifier: BSD-3-Clause
// `ndsh mirror` of one tag: asks for its frames, over connections that may break, and gives them to a
// MirroredTag.
#pragma once

#include "clock_watch.hpp"
#include "engine.hpp"
#include "mirrored_tag.hpp"
#include "wire.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace ndsharray::mirror {

struct FollowerOptions {
    std::string tag{};  ///< over there
    MirroredTagOptions here{};
    Compression compression = Compression::None;
    std::uint32_t every_nth = 1;
    std::uint32_t max_millihertz = 0;
};

/// What a Follower is about, for people.
struct FollowerState {
    MirroredTagCounts counts{};
    std::uint64_t wire_bytes = 0;  ///< that came, of arrays
    std::uint64_t frame_bytes = 0;
    std::uint64_t reconnects = 0;
    std::optional<OffsetEstimate> clock{};
};

/// Follows in a thread of its own for as long as it lives.
class Follower {
  public:
    /// \param say is told what changes, a sentence each; called from the thread.
    Follower(Engine& engine, const Address& address, const std::optional<MirrorKeys>& keys,
             const ClockWatch& clock, FollowerOptions options, std::function<void(const std::string&)> say);
    ~Follower();

    /// Counters since it began, but the highest age since the last call.
    FollowerState take_state();
    const FollowerOptions& options() const { return options_; }

  private:
    using Clock = std::chrono::steady_clock;

    void run();
    void follow_or_give_up(Link& link);
    void follow(Link& link);
    bool take(const Message& message, std::span<const std::byte> body);
    bool on(const Welcome& welcome);
    bool on(const Layout& layout);
    bool on(const FrameHead& head);
    bool on(const State& state);
    bool on(const Refused& refused);
    template <typename Other>
    bool on(const Other& other);
    void take_data(const Data& data, std::span<const std::byte> body);
    void require_session(std::uint64_t session) const;
    void ask(Link& link);
    void tell(const std::string& sentence);
    void show();
    NearTimes* times();
    void rest(std::chrono::milliseconds time) const;

    Engine& engine_;
    const Address address_;
    const std::optional<MirrorKeys> keys_;
    const ClockWatch& clock_;
    const FollowerOptions options_;
    const std::function<void(const std::string&)> say_;

    MirroredTag tag_;
    NearTimes times_{};
    std::uint64_t session_ = 0;  // 0: none
    std::uint64_t hello_ = 0;
    bool welcome_ = false;    // in this connection
    std::uint64_t done_ = 0;  // items
    std::uint64_t wanted_ = 0;
    unsigned signs_of_waiting_ = 0;
    Clock::time_point asked_{};
    Clock::time_point connected_{};
    std::uint64_t wire_bytes_ = 0;
    std::uint64_t reconnects_ = 0;
    Clock::time_point frame_began_{};
    double bytes_per_second_ = 0;  // while a frame comes
    std::string told_{};
    std::string announced_{};

    std::mutex mutex_;
    FollowerState shown_{};
    std::atomic<bool> over_{false};
    std::thread thread_;
};

}  // namespace ndsharray::mirror
