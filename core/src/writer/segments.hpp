// SPDX-License-Identifier: BSD-3-Clause
// The segments of a writer: the configured one, and the one that is announced to readers.
#pragma once

#include "protocol/control.hpp"
#include "protocol/files.hpp"
#include "protocol/reader_table.hpp"
#include "writer/writer_segment.hpp"

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>
#include <ndsharray/writer.hpp>

#include <cstdint>
#include <memory>

namespace ndsharray {

/// Makes, announces and retires segments. For one thread at a time.
class Segments {
  public:
    using Pointer = std::shared_ptr<detail::WriterSegment>;

    /// The references must outlive the Segments.
    Segments(const TagFiles& files, const ControlOwner& control, const WriterOptions& options)
        : files_(files), control_(control), options_(options) {}

    /// The configured segment. New frames go there.
    const Pointer& current() const noexcept { return current_; }

    /// The announced segment. It is the configured one or an earlier one.
    const Pointer& announced() const noexcept { return announced_; }

    /// Whether the current segment is not announced yet. Its next frame announces it.
    bool is_to_be_announced() const noexcept { return current_ != announced_; }

    /// \param slots requested number; 0: any number.
    bool is_configured_as(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const;

    /// With backpressure: whether make() would find room beside the announced segment, or may give that one
    /// up. Without backpressure: always true. \throws Error InvalidArgument, NoSpace, as Segment::create.
    bool can_make(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const;

    /// Whether another segment may be announced instead of the announced one, if there is one. With
    /// backpressure, no reader may lose frames by it.
    bool may_retire_announced() const noexcept {
        return !announced_ || !options_.backpressure || announced_->can_be_left();
    }

    /// Whether the announced segment, if there is one, may go before there is another. With backpressure,
    /// readers must have taken all of its frames.
    bool may_give_up_announced() const noexcept {
        return !announced_ || !options_.backpressure || announced_->is_drained();
    }

    /// Makes a segment, which becomes the current one. If there is no room beside the announced segment,
    /// gives that one up first, if it may.
    /// \throws Error as Segment::create. After NoSpace, a remaining announced segment could not be given up
    /// yet.
    void make(const ArraySpec& spec, const Attributes& attributes, unsigned slots,
              const std::shared_ptr<TableOwner>& table);

    /// Announces the current segment to readers. After it, wake the readers, then call free_old().
    void announce_current();

    /// Frees the memory of the old segment, except frames that readers hold. This takes a while.
    void free_old() noexcept;

    /// Drops the current segment if it was not announced.
    void drop_unannounced();

    /// Retires all segments.
    void retire_all();

    /// The next generations follow this one.
    void set_generation(std::uint32_t generation) noexcept { generation_ = generation; }

    /// Number of slots that was requested for the last segment; 0: any number.
    unsigned asked_slots() const noexcept { return asked_slots_; }

    /// Number of slots that the last segment should have, if space is not short.
    unsigned wanted_slots() const noexcept { return wanted_slots_; }

    /// Generation of the last segment that was made.
    std::uint32_t generation() const noexcept { return generation_; }

  private:
    SegmentPlan plan_for(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const;
    unsigned fewest(unsigned planned) const noexcept { return options_.slots != 0 ? planned : min_slots; }
    unsigned slots_in_the_room(const ArraySpec& spec, unsigned wanted) const noexcept;
    Segment create(const ArraySpec& spec, const Attributes& attributes, unsigned slots);
    void retire(Pointer segment);

    const TagFiles& files_;
    const ControlOwner& control_;
    const WriterOptions& options_;
    Pointer current_;
    Pointer announced_;
    Pointer old_;  // withdrawn, to be freed
    unsigned asked_slots_ = 0;
    unsigned wanted_slots_ = default_slots;
    std::uint32_t generation_ = 0;
};

}  // namespace ndsharray
