// SPDX-License-Identifier: BSD-3-Clause
// How far another machine's clock is from this one's, by NTP's four timestamps; and times carried over by it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace ndsharray::mirror {

/// The other clock minus this one, in ns. The truth is within `uncertainty` of it.
struct OffsetEstimate {
    std::int64_t offset = 0;
    std::int64_t uncertainty = 0;
};

/// Estimates the offset from pings, as NTP's clock filter does: of the last pings the one that tells most
/// counts. It is off by half its time on the way at most, and since then by what the clocks drift. A ping
/// that contradicts the others ends them.
class ClockOffset {
  public:
    /// A ping: sent and returned by this clock, received and answered by the other one.
    void add(std::int64_t sent, std::int64_t received, std::int64_t answered, std::int64_t returned);

    /// Nothing before the first ping.
    std::optional<OffsetEstimate> estimate(std::int64_t now) const;

    void reset() { pings_.clear(); }

  private:
    struct Ping {
        std::int64_t at;
        std::int64_t offset;
        std::int64_t delay;
    };
    std::deque<Ping> pings_;
};

/// Instants of the other clock as instants of this one. When the estimate moves, times follow it slowly, and
/// what was in order stays in order.
class NearTimes {
  public:
    /// The newest estimate, at `now` of this clock.
    void follow(const OffsetEstimate& estimate, std::int64_t now);

    bool is_known() const { return known_; }
    std::int64_t applied_offset() const { return offset_; }

    /// Of any instant; one that is not known stays so.
    std::int64_t at(std::int64_t far) const;

    /// Of a sequence of instants: a later one never becomes earlier than the one before.
    struct Sequence {
        std::optional<std::int64_t> far{};
        std::int64_t near = 0;
    };
    std::int64_t next(Sequence& sequence, std::int64_t far) const;

  private:
    std::int64_t offset_ = 0;
    std::int64_t followed_at_ = 0;
    bool known_ = false;
};

}  // namespace ndsharray::mirror
