// SPDX-License-Identifier: BSD-3-Clause
// A tag with its files as scenes have it: control file, reader table and a segment, made by the core's own
// code.
#pragma once

#include "atomic.hpp"
#include "explorer.hpp"
#include "kernel.hpp"
#include "memory.hpp"

#include "protocol/control.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/segment.hpp"
#include "protocol/slots.hpp"
#include "writer/segments.hpp"
#include "writer/wait_for_readers.hpp"

namespace ndsharray::model {

struct Layout {
    unsigned slots = 3;
    std::uint64_t frames = 1;  // published at the beginning
    bool has_segment = true;
    bool backpressure = false;
    unsigned readers = 1;  // that have joined and entered the segment
    ReadMode mode = ReadMode::Latest;
    std::uint64_t next = 1;  // the first frame that they expect
};

class World : public Scene {
  public:
    explicit World(const Layout& layout);
    void begin() final;
    void clear() override;

  protected:
    /// Before each run: what there is beside the readers that have joined.
    virtual void prepare() {}

    /// Plays the threads.
    virtual void play_all() = 0;

    // ---- the writer

    slots::ClaimRules rules() const { return {.keeps_wanted = layout_.backpressure, .others_copy = false}; }
    void fill(std::uint32_t slot, std::uint64_t frame) { fill(*segment_, slot, frame); }
    static void fill(const Segment& segment, std::uint32_t slot, std::uint64_t frame);
    static void fill(const WritableFrame& frame, std::uint64_t number);

    /// Stores the number, and what slots::publish() stores.
    void publish(std::uint32_t slot, std::uint64_t frame) { publish(*segment_, slot, frame); }
    void publish(const Segment& segment, std::uint32_t slot, std::uint64_t frame);

    /// The same through the class that the writer has for its segments.
    void publish(detail::WriterSegment& segment, WritableFrame& frame, std::uint64_t number);

    /// Claims a slot of it. Waits for readers if it must.
    WritableFrame claim_patiently(detail::WriterSegment& segment);

    /// Claims, fills, publishes. \returns whether a slot was free.
    bool write(std::uint64_t frame);

    /// The same, but waits for readers, and wakes them.
    void write_patiently(std::uint64_t frame);

    /// Claims a slot. Waits for readers if it must.
    std::uint32_t claim_patiently(const Segment& segment);

    /// Plays a writer of these frames, which waits for nobody.
    void play_writer(std::vector<std::uint64_t> frames);

    /// Plays a writer of the frames from the second to the last, which waits for readers.
    void play_patient_writer(std::uint64_t last);

    /// Plays a writer that takes the slots of the segment back and frees their memory.
    void play_withdrawing_writer();

    static ArraySpec spec();

    /// Makes a segment of the same layout.
    Segment new_segment(std::uint32_t generation) const;

    /// The segment once more, as another object has it open.
    Segment open_segment() const;

    /// The same for the writer.
    std::shared_ptr<detail::WriterSegment> writer_segment() const;

    /// Waits for readers until this is so.
    void wait_until(const std::function<bool()>& ready);

    void set_state(layout::WriterState state);

    /// The writer's side keeps all slots but the one with this frame. For constructors, as a last step.
    void pin_all_but(std::uint64_t frame);

    // ---- readers

    layout::ReaderEntry& entry(unsigned reader) const { return sessions_[reader]->entry(); }
    std::shared_ptr<ReaderSession> join(std::uint64_t next) const;

    /// A frame under a lease: all of it is there, and it is this one.
    void look_at(const slots::Place& place) const { look_at(*segment_, place); }
    static void look_at(const Segment& segment, const slots::Place& place);

    /// The same with a frame as a program has it.
    static void look_at(const Frame& frame);

    /// Leases it, looks at it, and releases it. \returns whether it was still there.
    bool take(unsigned reader, const slots::Place& place);
    void release(unsigned reader, std::uint32_t slot);

    /// The same with a frame that the reader looks for, if it finds it.
    void take_numbered(unsigned reader, std::uint64_t frame);

    /// The reader expects the frame after this.
    void advance(unsigned reader, std::uint64_t frame);

    /// Takes each frame up to the last, and waits for them.
    /// \param joined_after the last frame that was published before the reader came: up to the next one,
    /// frames may be missing.
    void expect_frames(unsigned reader, std::uint64_t wanted, std::uint64_t last,
                       std::uint64_t joined_after = 0);

    /// The word that a reader sleeps on, as it is before the reader looks at anything else.
    platform::Watched look_at_wake() const;

    /// Of a place that latest() gave: if the frame is gone, it was the writer who took it.
    void require_gone(const slots::Place& place) const;

    /// Where the next frame from `wanted` on is, as a reader of every frame looks for it; frame 0: look
    /// again.
    std::optional<slots::Place> next_place(const Segment& segment, std::uint64_t wanted) const;

    Layout layout_;
    WriterOptions options_;
    TagFiles files_;
    std::optional<ControlOwner> control_;
    std::shared_ptr<TableOwner> table_;
    std::optional<Segment> segment_;
    std::optional<ControlView> view_;
    std::array<std::shared_ptr<ReaderSession>, 3> sessions_;
    std::array<std::uint64_t, 3> taken_{};  // the last frame that each of them has looked at

  private:
    WaitForReaders wait_;
    std::mutex mutex_;
};

}  // namespace ndsharray::model
