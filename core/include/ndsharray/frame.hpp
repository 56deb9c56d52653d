// SPDX-License-Identifier: BSD-3-Clause
// A frame that was read: a lease on a slot of shared memory, or a private copy.
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
struct FrameParts;
}  // namespace detail

/// Why Reader::read returned.
enum class ReadStatus {
    Frame,         ///< a frame was read
    Timeout,       ///< no frame came in time
    Cancelled,     ///< Reader::cancel() was called
    EndOfStream,   ///< the writer ended its stream; all frames before the end were read
    Disconnected,  ///< the writer closed the tag or died; all frames that survived were read
    Failed,        ///< Reader::error() says why; the next read() tries again
};

/// Name of the status, such as "Timeout".
NDSHARRAY_API std::string_view name(ReadStatus status) noexcept;

/// One frame, or the reason why there is none. It can be moved, not copied. While the Frame lives, its pixels
/// stay mapped and do not change, even if the writer, the segment or the Reader goes away.
/// It may be destroyed in any thread. Two threads must not use one Frame at the same time.
class NDSHARRAY_API Frame {
  public:
    Frame() noexcept = default;
    explicit Frame(ReadStatus status) noexcept : status_(status) {}
    Frame(Frame&& other) noexcept;
    Frame& operator=(Frame&& other) noexcept;
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame();

    /// Whether there is a frame. If not, only status() may be called.
    explicit operator bool() const noexcept { return data_ != nullptr; }
    ReadStatus status() const noexcept { return status_; }

    /// First byte of the array, page-aligned. `spec().bytes` bytes may be read. If another process makes the
    /// segment's file shorter meanwhile, the missing bytes read as zeros, and the next Reader::read() fails.
    /// A write raises SIGSEGV unless the frame is a copy. The library then prints advice on stderr and passes
    /// the signal to the handler that was installed before the first Writer or Reader.
    const std::byte* data() const noexcept { return data_; }

    /// The same bytes for writing, if the frame is a private copy; otherwise nullptr. With
    /// ReaderOptions::writable, every frame is a private copy.
    std::byte* writable_data() noexcept { return copied_ ? const_cast<std::byte*>(data_) : nullptr; }

    const ArraySpec& spec() const noexcept;
    ArrayView array() const noexcept { return {data_, spec()}; }

    const FrameInfo& info() const noexcept { return info_; }
    std::uint64_t number() const noexcept { return info_.number; }

    /// Time since the frame was published. 0 if the writer gave a time in the future.
    std::chrono::nanoseconds age() const noexcept;

    /// Attributes of the frame's segment.
    const Attributes& attributes() const noexcept;

    /// Bytes that the writer attached to the frame. The library does not interpret them. May be empty.
    std::span<const std::byte> metadata() const noexcept { return {metadata_, metadata_bytes_}; }

    /// Generation of the frame's segment. If two frames have the same generation, they have the same dtype,
    /// shape, strides and attributes.
    std::uint32_t generation() const noexcept { return generation_; }

    /// File name of the frame's segment.
    std::string segment_name() const;

    /// Number of frames that were published between the reader's previous frame and this one.
    std::uint64_t missed() const noexcept { return missed_; }

    /// True for the first frame that is read from a writer, also after the writer was restarted.
    bool first_of_writer() const noexcept { return first_of_writer_; }

    /// True if the pixels are a private copy; false if they are in shared memory under a lease.
    bool is_copy() const noexcept { return copied_; }

    /// Releases the slot before the Frame is destroyed. The Frame is empty afterwards.
    void release() noexcept;

  private:
    friend class detail::FrameOwner;  // makes frames, and takes back what they hold

    [[gnu::visibility("hidden")]] explicit Frame(detail::FrameParts&& parts) noexcept;

    std::shared_ptr<detail::FrameOwner> source_;
    const std::byte* data_ = nullptr;
    const std::byte* metadata_ = nullptr;
    std::size_t metadata_bytes_ = 0;
    FrameInfo info_;
    std::uint64_t missed_ = 0;
    std::uint32_t slot_ = 0;
    std::uint32_t generation_ = 0;
    ReadStatus status_ = ReadStatus::Timeout;
    bool copied_ = false;
    bool first_of_writer_ = false;
};

}  // namespace ndsharray
