// SPDX-License-Identifier: BSD-3-Clause
// A segment as a reader holds it: where frames come from, and where they go back to.
#pragma once

#include "reader_table.hpp"
#include "segment.hpp"
#include "slots.hpp"

#include <ndsharray/frame.hpp>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace ndsharray::detail {

/// Shared by the Reader and all its frames of this segment.
class FrameSource : public std::enable_shared_from_this<FrameSource> {
  public:
    /// \param session nothing: frames are copied without a lease.
    FrameSource(Segment segment, std::shared_ptr<ReaderSession> session);

    const Segment& segment() const noexcept { return segment_; }

    /// The frame at a place: under a lease where one may be held, else as a copy. Nothing if the writer has
    /// taken the slot in the meantime.
    /// \param max_leases how many leases the reader may hold, this one included.
    /// \throws std::bad_alloc if there is no memory for a copy.
    std::optional<Frame> take(slots::Place place, unsigned max_leases);

    /// Adds to a frame what only the Reader knows.
    static void describe(Frame& frame, std::uint64_t missed, bool first_of_writer) noexcept {
        frame.missed_ = missed;
        frame.first_of_writer_ = first_of_writer;
    }

    /// Takes back what a frame holds. Any thread.
    void give_back(const Frame& frame) noexcept;

  private:
    struct Free {
        void operator()(std::byte* block) const noexcept { std::free(block); }
    };
    using Block = std::unique_ptr<std::byte[], Free>;

    bool may_hold(unsigned max_leases) const noexcept;
    Frame leased(slots::Place place);
    std::optional<Frame> copied(slots::Place place);
    Block take_block();

    Segment segment_;
    const std::shared_ptr<ReaderSession> session_;
    std::mutex mutex_;           // of this process only; guards the blocks
    std::vector<Block> blocks_;  // for copies, kept so that their pages need not be brought in again
};

}  // namespace ndsharray::detail
