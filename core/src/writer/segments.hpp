// SPDX-License-Identifier: BSD-3-Clause
// The segments of a writer: the one it is configured for, and the one its readers are pointed to.
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

    /// What is given must outlive this.
    /// \param others_copy there may be readers that no table knows of.
    Segments(const TagFiles& files, const ControlOwner& control, const WriterOptions& options,
             bool others_copy)
        : files_(files), control_(control), options_(options), others_copy_(others_copy) {}

    /// The configured one; frames go here.
    const Pointer& current() const noexcept { return current_; }

    /// The one readers are pointed to; the same, or one from before.
    const Pointer& announced() const noexcept { return announced_; }

    /// Whether the current segment will be found by readers only with its next frame.
    bool is_to_be_announced() const noexcept { return current_ != announced_; }

    /// \param slots how many were asked for; 0: any number.
    bool is_configured_as(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const;

    /// With backpressure: whether make() would find room, beside the announced segment or in its place, and
    /// no reader would lose frames for it. Without: always. \throws Error InvalidArgument, NoSpace, as
    /// Segment::create.
    bool can_make(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const;

    /// Whether another segment may take the place of the announced one, if there is one. With backpressure
    /// that is when no reader loses frames for it.
    bool may_retire_announced() const noexcept {
        return !announced_ || !options_.backpressure || announced_->can_be_left();
    }

    /// Makes a segment and makes it the current one. Where there is no room beside the announced segment this
    /// retires that, if it may.
    /// \throws Error as Segment::create. If that is NoSpace and there still is an announced segment, it was
    /// one that could not be retired yet.
    void make(const ArraySpec& spec, const Attributes& attributes, unsigned slots,
              const std::shared_ptr<TableOwner>& table);

    /// Points readers to the current segment. Wake them, then call free_old().
    void announce_current();

    /// Gives back the memory of the segment before, but for what readers hold. This takes a while.
    void free_old() noexcept;

    /// Drops the current segment if nobody ever saw it.
    void drop_unannounced();

    /// Takes all away from readers to come.
    void retire_all();

    /// Generations go on from this one.
    void set_generation(std::uint32_t generation) noexcept { generation_ = generation; }

    /// How many slots were asked for when the last segment was made; 0: any number.
    unsigned asked_slots() const noexcept { return asked_slots_; }

    /// Of the last segment that was made.
    std::uint32_t generation() const noexcept { return generation_; }

  private:
    SegmentPlan plan_for(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const;
    unsigned fewest(unsigned planned) const noexcept { return options_.slots != 0 ? planned : min_slots; }
    Segment create(const ArraySpec& spec, const Attributes& attributes, unsigned slots);
    void retire(Pointer segment);
    void free(Pointer segment) const noexcept;

    const TagFiles& files_;
    const ControlOwner& control_;
    const WriterOptions& options_;
    const bool others_copy_;
    Pointer current_;
    Pointer announced_;
    Pointer old_;  // withdrawn, to be freed
    unsigned asked_slots_ = 0;
    std::uint32_t generation_ = 0;
};

}  // namespace ndsharray
