// SPDX-License-Identifier: BSD-3-Clause
// A segment as the writer holds it: with the table that says who reads, alive while frames of it are out.
#pragma once

#include "fork.hpp"
#include "reader_table.hpp"
#include "segment.hpp"
#include "slots.hpp"

#include <ndsharray/writer.hpp>

#include <memory>
#include <utility>

namespace ndsharray::detail {

class WriterSegment : public std::enable_shared_from_this<WriterSegment> {
  public:
    WriterSegment(Segment segment, std::shared_ptr<TableOwner> table)
        : segment_(std::move(segment)), table_(std::move(table)), made_under_(fork_count()) {}

    const Segment& segment() const noexcept { return segment_; }

    /// An empty frame if every slot is held. For one thread at a time.
    WritableFrame claim(bool backpressure) noexcept;

    /// The same for a frame that stays out after it is published.
    WritableFrame claim_pinned(bool backpressure) noexcept;

    /// Takes back what a frame holds. Any thread.
    void give_back(const WritableFrame& frame) const noexcept;

  private:
    WritableFrame frame_in(std::optional<std::uint32_t> slot, bool pinned) noexcept;

    Segment segment_;
    std::shared_ptr<TableOwner> table_;
    std::uint32_t made_under_;
};

}  // namespace ndsharray::detail
