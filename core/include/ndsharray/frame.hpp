// SPDX-License-Identifier: BSD-3-Clause
// A frame in a reader's hands: a lease on a slot of shared memory, or a private copy of one.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>
#include <ndsharray/export.hpp>
#include <ndsharray/frame_info.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ndsharray {

namespace detail {
class FrameOwner;
}

/// Why Reader::read came back.
enum class ReadStatus {
    Frame,         ///< here is a frame
    Timeout,       ///< nothing came in time
    Cancelled,     ///< Reader::cancel() was called
    EndOfStream,   ///< the writer ended its stream; every frame before was read
    Disconnected,  ///< the writer closed the tag or died; every frame that could be saved was read
    Failed,        ///< Reader::error() says why; reading again tries again
};

/// Name of the status, such as "Timeout".
NDSHARRAY_API std::string_view name(ReadStatus status) noexcept;

/// One frame, or the reason why there is none. Move-only; while it lives, its pixels do not change and
/// stay mapped, whatever becomes of the writer, the segment or the Reader.
/// Destroy it in any thread. One Frame is not for two threads at once.
class NDSHARRAY_API Frame {
  public:
    Frame() noexcept = default;
    explicit Frame(ReadStatus status) noexcept : status_(status) {}
    Frame(Frame&& other) noexcept;
    Frame& operator=(Frame&& other) noexcept;
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame();

    /// Whether this is a frame; the accessors below are only for one that is.
    explicit operator bool() const noexcept { return data_ != nullptr; }
    ReadStatus status() const noexcept { return status_; }

    /// First byte of the array; `spec().bytes` may be read. Page-aligned.
    /// Writing there raises SIGSEGV unless it is a copy; the library then says on stderr what to do, and
    /// leaves the signal to the handler that was there before the first Writer or Reader.
    const std::byte* data() const noexcept { return data_; }

    /// The same to be changed: nobody else sees it, and no writer changes it. nullptr where it is shared
    /// memory, which is never so with ReaderOptions::writable.
    std::byte* writable_data() noexcept { return copied_ ? const_cast<std::byte*>(data_) : nullptr; }

    const ArraySpec& spec() const noexcept;
    ArrayView array() const noexcept { return {data_, spec()}; }

    const FrameInfo& info() const noexcept { return info_; }
    std::uint64_t number() const noexcept { return info_.number; }

    /// Time since the frame was published; 0 where its writer says that this is still to come.
    std::chrono::nanoseconds age() const noexcept;

    /// Attributes of the segment it was published in.
    const Attributes& attributes() const noexcept;

    /// What the writer attached to this frame, in a form of its own; empty if nothing.
    std::span<const std::byte> metadata() const noexcept { return {metadata_, metadata_bytes_}; }

    /// Generation of its segment: differs from the last frame's exactly when dtype, shape, strides or
    /// attributes may differ.
    std::uint32_t generation() const noexcept;

    /// File name of its segment.
    std::string segment_name() const;

    /// Frames published since the reader's previous one that it did not get.
    std::uint64_t missed() const noexcept { return missed_; }

    /// True for the first frame from a writer: the first one read, or the first after a restart.
    bool first_of_writer() const noexcept { return first_of_writer_; }

    /// True if the pixels are a private copy, false if they are in shared memory under a lease.
    bool is_copy() const noexcept { return copied_; }

    /// False if the owner of the tag made the segment's file shorter while this frame was in use: from some
    /// point on, what was read of it since were zeros. Worth asking, after use, where the owner is not
    /// trusted; the next Reader::read() reports it in any case.
    bool is_whole() const noexcept;

    /// Gives the slot back early; the Frame is empty afterwards.
    void release() noexcept;

  private:
    friend class detail::FrameOwner;

    std::shared_ptr<detail::FrameOwner> source_;
    const std::byte* data_ = nullptr;
    const std::byte* metadata_ = nullptr;
    std::size_t metadata_bytes_ = 0;
    FrameInfo info_;
    std::uint64_t missed_ = 0;
    std::uint32_t slot_ = 0;
    ReadStatus status_ = ReadStatus::Timeout;
    bool copied_ = false;
    bool first_of_writer_ = false;
};

}  // namespace ndsharray
