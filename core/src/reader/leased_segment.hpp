// SPDX-License-Identifier: BSD-3-Clause
// A segment of a reader: it gives frames under a lease if possible, and copies otherwise.
#pragma once

#include "frame/frame_owner.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/segment.hpp"
#include "protocol/slots.hpp"

#include <memory>

namespace ndsharray::detail {

class LeasedSegment final : public FrameOwner {
  public:
    /// \param session nullptr: frames are copied without a lease.
    LeasedSegment(Segment segment, std::shared_ptr<ReaderSession> session);

    const Segment& segment() const noexcept { return segment_; }

    /// Later frames may be leased. Only if there was no session before, so that no lease is out.
    void join(std::shared_ptr<ReaderSession> session) noexcept;

    const ArraySpec& spec() const noexcept override { return segment_.spec(); }
    const Attributes& attributes() const noexcept override { return segment_.attributes(); }
    std::uint32_t generation() const noexcept override { return segment_.generation(); }
    const std::string& name() const noexcept override { return segment_.name(); }

    /// Whether a process made the file shorter.
    bool was_cut() const noexcept { return segment_.was_cut(); }

    /// The frame at a place, under a lease if possible, otherwise as a copy. An empty Frame if the writer has
    /// claimed the slot in the meantime.
    /// \param max_leases number of leases that the reader may hold, including this one.
    /// \throws std::bad_alloc if there is no memory for a copy.
    /// \throws Error Damaged if the slot has no memory.
    Frame take(slots::Place place, unsigned max_leases, const Arrival& arrival);

  private:
    void end_lease(std::uint32_t slot) noexcept override;
    bool may_hold(unsigned max_leases) const noexcept;
    [[noreturn]] void throw_no_memory(slots::Place place) const;
    FrameInfo info_at(slots::Place place) const noexcept;
    Frame take_without_lease(slots::Place place, const Arrival& arrival);
    Frame leased(slots::Place place, const Arrival& arrival);
    Frame copied(slots::Place place, const Arrival& arrival);

    Segment segment_;
    std::shared_ptr<ReaderSession> session_;
};

}  // namespace ndsharray::detail
