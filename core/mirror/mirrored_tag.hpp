// SPDX-License-Identifier: BSD-3-Clause
// The tag on this machine that follows one on another: an ordinary Writer, fed with what comes over the wire.
#pragma once

#include "clock_offset.hpp"
#include "compression.hpp"
#include "wire.hpp"

#include <ndsharray/writer.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace ndsharray::mirror {

struct MirroredTagOptions {
    std::string tag{};
    bool every = false;  ///< with backpressure; else what finds no slot is skipped
    unsigned permissions = 0600;
    std::uint64_t max_bytes = 256 * 1024 * 1024;  ///< of an array
};

/// Counters since it was made.
struct MirroredTagCounts {
    std::uint64_t frames = 0;    ///< published here
    std::uint64_t missed = 0;    ///< published there and not here, before the last of `frames`
    std::uint64_t number = 0;    ///< of the last one; 0 before the first of a writer
    std::int64_t published = 0;  ///< when it was, by the clock over there
    std::uint64_t age_sum = 0;   ///< of the frames when they were published here
    std::int64_t age_max = 0;    ///< since take_age_max()
};

/// A frame is published when all of it has come; what breaks off is not seen by anybody. Functions that say
/// "again" need a moment for this tag's own readers: they return false after 100 ms at most, and want to be
/// called with the same once more.
class MirroredTag {
  public:
    MirroredTag(MirroredTagOptions options, std::string place);

    /// The layout of the frames to come. \throws WireError: it is refused.
    void set_layout(const Layout& layout);

    /// A frame begins. \returns false: again. \throws WireError; Error of the Writer.
    bool begin(const FrameHead& head, NearTimes* times);

    /// A part of it. \throws WireError.
    void add(const Data& data, std::span<const std::byte> bytes);

    /// Whether a frame has begun and is not published yet.
    bool is_open() const { return head_.has_value(); }
    std::uint64_t bytes_to_come() const { return head_ ? head_->bytes - filled_ : 0; }

    /// The connection broke: what had come of a frame is forgotten.
    void break_off();

    /// \returns false: again.
    bool end_of_stream();
    bool leave();

    const std::optional<Layout>& layout() const { return layout_; }
    const MirroredTagCounts& counts() const { return counts_; }
    std::int64_t take_age_max() { return std::exchange(counts_.age_max, 0); }

  private:
    bool prepare_writer(const FrameHead& head);
    bool is_repeated(const FrameHead& head) const;
    void publish();

    const MirroredTagOptions options_;
    const std::string place_;
    std::optional<Layout> layout_{};
    bool is_configured_ = false;
    std::optional<Writer> writer_{};
    std::uint64_t writer_id_ = 0;
    std::size_t metadata_capacity_ = 0;

    std::optional<FrameHead> head_{};  // of the frame that is open
    FrameInfo info_{};                 // as it is published here
    WritableFrame frame_{};            // empty: the frame is skipped
    std::uint64_t filled_ = 0;
    std::optional<Decompressor> decompressor_{};

    std::uint64_t last_number_ = 0;
    std::int64_t last_published_ = 0;  // by the clock over there
    NearTimes::Sequence published_{}, pts_{}, dts_{};
    MirroredTagCounts counts_{};
};

}  // namespace ndsharray::mirror
