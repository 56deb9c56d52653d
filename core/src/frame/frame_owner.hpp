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
#include <utility>

namespace ndsharray::detail {

/// A frame's place in what its reader gets.
struct Arrival {
    std::uint64_t missed = 0;  // frames between the reader's previous frame and this one
    bool first_of_writer = false;
};

/// All that makes a Frame.
struct FrameParts {
    std::shared_ptr<FrameOwner> owner;
    const std::byte* data = nullptr;
    std::span<const std::byte> metadata;
    FrameInfo info;
    Arrival arrival;
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    bool copied = false;
};

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
    Frame copied_frame(Block block, const FrameInfo& info, const Arrival& arrival,
                       std::size_t metadata_bytes = 0);

    /// A frame over a slot, unless it is copied. Such a frame ends with end_lease().
    static Frame frame_of(FrameParts&& parts) noexcept { return Frame(std::move(parts)); }

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
