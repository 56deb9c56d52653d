// SPDX-License-Identifier: BSD-3-Clause
// Where frames come from and where they go back to: what a Frame knows of its origin.
#pragma once

#include "process/fork_guard.hpp"

#include <ndsharray/frame.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace ndsharray::detail {

/// Frames of one layout. Shared by the Reader and all its frames of this layout.
class FrameOwner : public std::enable_shared_from_this<FrameOwner> {
  public:
    virtual ~FrameOwner() = default;
    FrameOwner(const FrameOwner&) = delete;
    FrameOwner& operator=(const FrameOwner&) = delete;

    virtual const ArraySpec& spec() const noexcept = 0;
    virtual const Attributes& attributes() const noexcept = 0;
    virtual std::uint32_t generation() const noexcept = 0;
    virtual const std::string& name() const noexcept = 0;

    /// Whether somebody made the file shorter under its frames.
    virtual bool was_cut() const noexcept { return false; }

    /// Adds to a frame what only the Reader knows.
    static void describe(Frame& frame, std::uint64_t missed, bool first_of_writer) noexcept {
        frame.missed_ = missed;
        frame.first_of_writer_ = first_of_writer;
    }

    /// Takes back what a frame holds. Any thread.
    void give_back(const Frame& frame) noexcept;

    /// Gives memory for copies back that none needed for a while. There is no thread for it: to be called
    /// when a reader finds nothing to do.
    void free_unused_blocks() noexcept;

  protected:
    struct Free {
        void operator()(std::byte* block) const noexcept { std::free(block); }
    };
    using Block = std::unique_ptr<std::byte[], Free>;

    FrameOwner() = default;

    /// Memory for a copy, page-aligned. Always to be asked for as many bytes.
    /// \throws std::bad_alloc
    Block take_block(std::uint64_t bytes);

    /// Keeps a block for the next copy, unless some are kept already.
    void keep_block(Block block) noexcept;

    /// A frame over a block: the array, then the metadata.
    Frame copied_frame(Block block, const FrameInfo& info, std::size_t metadata_bytes = 0);

    /// A frame over a slot; ends with end_lease().
    Frame leased_frame(std::uint32_t slot, const std::byte* data, const FrameInfo& info,
                       std::span<const std::byte> metadata);

  private:
    virtual void end_lease(std::uint32_t) noexcept {}

    /// A block that no copy is in. Kept so that its pages need not be brought in again.
    struct Spare {
        Block block;
        std::chrono::steady_clock::time_point since;
    };
    Block take_unused(std::chrono::steady_clock::time_point before) noexcept;

    /// A reader that holds what it reads for longer than a frame changes one for the next: that takes one.
    /// The other is for two that are let go of at once.
    static constexpr std::size_t most_spares = 2;

    const std::uint32_t made_under_ = fork_count();
    std::mutex mutex_;                       // of this process only; guards what follows
    std::array<Spare, most_spares> spares_;  // the oldest first
    std::size_t spare_count_ = 0;
};

}  // namespace ndsharray::detail
