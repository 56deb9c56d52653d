// SPDX-License-Identifier: BSD-3-Clause
// A segment as a reader holds it: frames under a lease where one may be held, else copies.
#pragma once

#include "frame/frame_owner.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/segment.hpp"
#include "protocol/slots.hpp"

#include <memory>
#include <optional>

namespace ndsharray::detail {

class LeasedSegment final : public FrameOwner {
  public:
    /// \param session nothing: frames are copied without a lease.
    LeasedSegment(Segment segment, std::shared_ptr<ReaderSession> session);

    const Segment& segment() const noexcept { return segment_; }

    const ArraySpec& spec() const noexcept override { return segment_.spec(); }
    const Attributes& attributes() const noexcept override { return segment_.attributes(); }
    std::uint32_t generation() const noexcept override { return segment_.generation(); }
    const std::string& name() const noexcept override { return segment_.name(); }
    bool was_cut() const noexcept override { return segment_.was_cut(); }

    /// The frame at a place: under a lease where one may be held, else as a copy. Nothing if the writer has
    /// taken the slot in the meantime.
    /// \param max_leases how many leases the reader may hold, this one included.
    /// \throws std::bad_alloc if there is no memory for a copy.
    std::optional<Frame> take(slots::Place place, unsigned max_leases);

  private:
    void end_lease(std::uint32_t slot) noexcept override;
    bool may_hold(unsigned max_leases) const noexcept;
    FrameInfo info_at(slots::Place place) const noexcept;
    Frame leased(slots::Place place);
    Frame copied(slots::Place place);

    Segment segment_;
    const std::shared_ptr<ReaderSession> session_;
};

}  // namespace ndsharray::detail
