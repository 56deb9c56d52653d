// SPDX-License-Identifier: BSD-3-Clause
// Writing frames under a tag.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>
#include <ndsharray/error.hpp>
#include <ndsharray/export.hpp>
#include <ndsharray/frame_info.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ndsharray {

namespace detail {
class WriterSegment;
}

/// Number of slots of a segment.
inline constexpr unsigned min_slots = 3;
inline constexpr unsigned max_slots = 32;
inline constexpr unsigned default_slots = 8;

/// Number of readers that can hold leases on one tag at the same time. Further readers copy.
inline constexpr unsigned max_readers = 64;

struct WriterOptions {
    /// Frames per segment, 3 to 32. Each takes memory when it is first needed. 0 means 8, or, if these do not
    /// fit, as many (at least 3) as fit into half of the free space. The other half is left to other tags.
    /// Any other number must fit.
    unsigned slots = 0;

    /// Mode of the files. A read bit lets the group or other users read frames by copying. A write bit beside
    /// the read bit also gives them write access to the reader table: they can take leases, are counted, and
    /// see the other readers. Only the owner can write pixels.
    unsigned permissions = 0600;

    /// Wait for `Every` readers. Otherwise frames that they have not read yet are overwritten.
    bool backpressure = false;

    /// Publish each frame also in the files of the Python package ndsharray 1.x, so that its readers see it.
    /// This costs one more copy. These files are removed when the tag is closed.
    bool compat = false;

    /// Space for the metadata of each frame, in bytes, at most 1 MiB.
    std::size_t metadata_capacity = 0;

    /// The frames were published before, on another machine or in a recording. So publish() keeps `number`
    /// and `published` of their info, and readers see which frames are missing and how old a frame really is.
    /// If a number is not above the last one, or is above 2^48, it becomes the last one + 1. If a time is
    /// unknown or in the future, it becomes now.
    bool forwards = false;
};

/// Counters of one Writer since it was made.
struct WriterStats {
    std::uint64_t published = 0;      ///< frames published
    std::uint64_t dropped = 0;        ///< times that acquire() found no slot
    std::uint64_t reclaimed = 0;      ///< dead readers whose entries were cleared
    std::uint32_t generation = 0;     ///< of the current segment; 0 before the first
    std::uint32_t slots = 0;          ///< of the current segment, as far as there is room
    std::uint32_t missing_slots = 0;  ///< see Writer::missing_slots()
    std::uint32_t readers = 0;        ///< attached readers
    std::string segment;              ///< file name of the current segment; empty before the first

    std::uint64_t failed_callbacks = 0;  ///< calls of on_reader_change()'s function that threw an exception
};

/// A reader attached or detached. For Writer::on_reader_change().
struct ReaderChange {
    enum class Kind { Added, Removed } kind = Kind::Added;
    std::uint32_t pid = 0;  ///< pid that the reader stated; not verified, only for display
    unsigned readers = 0;   ///< attached readers after this change
};

/// Result of a Writer's call that may wait.
enum class WriteStatus {
    Ok,
    NoSlot,     ///< readers or the writer's own frames hold every slot
    Timeout,    ///< nothing changed in time
    Cancelled,  ///< Writer::cancel() was called
    Closed,     ///< the Writer is closed, not configured yet, or inherited through fork()
};

NDSHARRAY_API std::string_view name(WriteStatus status) noexcept;

/// A slot to be filled, or the reason why there is none. It can be moved, not copied. Pass it to
/// Writer::publish. If it is destroyed instead (in any thread), the slot is free again. The memory stays
/// mapped while the WritableFrame lives, even after the Writer.
class NDSHARRAY_API WritableFrame {
  public:
    WritableFrame() noexcept = default;
    explicit WritableFrame(WriteStatus status) noexcept : status_(status) {}
    WritableFrame(WritableFrame&& other) noexcept;
    WritableFrame& operator=(WritableFrame&& other) noexcept;
    WritableFrame(const WritableFrame&) = delete;
    WritableFrame& operator=(const WritableFrame&) = delete;
    ~WritableFrame();

    explicit operator bool() const noexcept { return data_ != nullptr; }
    WriteStatus status() const noexcept { return status_; }

    /// First byte of the array, page-aligned. `spec().bytes` bytes may be written. The content is undefined.
    std::byte* data() const noexcept { return data_; }
    const ArraySpec& spec() const noexcept;

    /// Whether the frame was published and is still held. Then it may be read, but no longer be written.
    bool is_published() const noexcept { return published_; }

    /// Releases the slot. If the frame was not published yet, it never is. It is empty afterwards.
    void release() noexcept;

  private:
    friend class detail::WriterSegment;
    friend class Writer;

    std::shared_ptr<detail::WriterSegment> segment_;
    std::byte* data_ = nullptr;
    std::uint32_t slot_ = 0;
    WriteStatus status_ = WriteStatus::NoSlot;
    bool pinned_ = false;
    bool published_ = false;
};

/// The writer of a tag. A tag has at most one writer at a time. All functions are safe from any thread.
/// Frames are published in the order of the calls, so one thread should publish.
///
/// A Writer that was moved from behaves like one that was closed: its calls return Closed or 0, or throw an
/// Error with the code Closed.
///
/// After fork(), the Writer does not work in the child, and destroying it there does nothing. Its
/// WritableFrames belong to the parent: the child must not write them.
class NDSHARRAY_API Writer {
  public:
    /// Takes the tag. If its last writer died, this one takes over, and attached readers follow.
    /// \throws Error InvalidTag, InvalidArgument, TagInUse, PermissionDenied, WrongOwner, NotRegular,
    /// Damaged, UnsupportedVersion, NoSpace, TooManyFiles, OutOfMemory, System.
    explicit Writer(std::string tag, WriterOptions options = {});

    /// Closes the tag and does not wait for readers. Frames that readers hold stay valid.
    ~Writer();
    Writer(Writer&& other) noexcept;
    Writer& operator=(Writer&& other) noexcept;
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Sets the layout and attributes of the next frames. If they differ from the present ones, this makes a
    /// new segment. Readers move to it with its first frame. The old segment keeps the frames that readers
    /// hold or may still take.
    ///
    /// If the writer has backpressure and there is no room for both segments, this waits until `Every`
    /// readers have taken enough frames of the old one. cancel() ends that wait with NoSpace. A reader in the
    /// same thread should take all frames before this call. If files of the tag were removed, this waits as
    /// acquire() does.
    /// \param spec layout; strides are kept as they are.
    /// \param slots overrides WriterOptions::slots for this segment. 0 keeps the present number.
    /// \throws Error InvalidArgument, NoSpace, TooManyFiles, OutOfMemory, Forked, Closed, System.
    void configure(const ArraySpec& spec, const Attributes& attributes = {}, unsigned slots = 0);

    /// The same, but waits up to `timeout` (nothing: for ever).
    /// \returns Ok, Timeout or Cancelled. After the last two, the layout is unchanged.
    /// \throws Error as configure().
    [[nodiscard]] WriteStatus configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots,
                                        std::optional<std::chrono::nanoseconds> timeout);

    /// Returns a slot of the configured segment to be filled.
    /// With backpressure, this waits up to `timeout` (nothing: for ever) for a slot that no `Every` reader
    /// needs. If the files of the tag were removed, it also waits until such readers have taken all frames,
    /// and then up to 5 s until they have attached to new files. Without backpressure, it never waits. If
    /// leases hold every slot, it returns NoSlot and counts a drop.
    WritableFrame acquire(std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

    /// Calls configure() with `spec` and the current attributes, then acquire(). `timeout` is for both
    /// together.
    /// \throws Error as configure().
    WritableFrame acquire(const ArraySpec& spec,
                          std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

    /// Publishes a filled frame and wakes the readers.
    /// With backpressure, the first frame of a new segment waits for `Every` readers that have not opened the
    /// old segment yet. cancel() ends that wait.
    /// \param info description of the frame. `number` and `published` in it are replaced, unless the writer
    /// `forwards`.
    /// \param metadata at most WriterOptions::metadata_capacity bytes. Larger metadata is left out.
    /// \returns the frame's number. 0 if the frame was not published, because the writer was cancelled or
    /// closed, or because the frame belongs to a segment that is no longer the configured one.
    std::uint64_t publish(WritableFrame&& frame, const FrameInfo& info = {},
                          std::span<const std::byte> metadata = {}) noexcept;

    /// Returns a slot of the configured segment for a buffer pool. The caller may keep the slot for long. It
    /// may still read the slot after publish_pinned(), until it releases it. If this would leave too few
    /// slots for readers and acquire(), it returns NoSlot and counts no drop. With backpressure, if a slot
    /// becomes free as soon as `Every` readers have read their frames, this waits for it up to `timeout`
    /// (nothing: for ever).
    WritableFrame acquire_pinned(std::optional<std::chrono::nanoseconds> timeout = std::chrono::nanoseconds{
                                     0}) noexcept;

    /// The same as publish(), but `frame` stays valid. It must not have been published before. A slot of
    /// acquire_pinned() can be read until it is released. A slot of acquire() only stays mapped: a later
    /// frame may overwrite it at any time.
    std::uint64_t publish_pinned(WritableFrame& frame, const FrameInfo& info = {},
                                 std::span<const std::byte> metadata = {}) noexcept;

    /// Copies an array into a C-order frame and publishes it. The strides of the array may be negative.
    /// \returns the frame's number, or 0 if it was dropped.
    /// \throws Error as configure().
    std::uint64_t write(const ArrayView& array, const FrameInfo& info = {});

    /// Waits until a reader is attached.
    WriteStatus wait_for_reader(std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

    /// Waits until each `Every` reader has taken the last frame, is suspended, or is dead.
    WriteStatus drain(std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

    /// Ends the stream: readers get EndOfStream after the last frame. The next published frame starts a new
    /// stream. This does not wait. If no frame may be lost, call drain() before.
    void end_of_stream() noexcept;

    /// Makes every call that waits now, or would wait later, return Cancelled, until resume().
    void cancel() noexcept;
    void resume() noexcept;

    /// Closes the tag: readers get Disconnected, and the files are removed. May be called more than once.
    void close() noexcept;

    /// Calls `changed` for each reader that attaches, detaches or dies, in order. Readers that are attached
    /// already are reported at once. A reader that stays only for a moment may not be reported.
    ///
    /// Most calls come from a thread of the library. `changed` must return soon and must not destroy the
    /// Writer. An empty function ends the calls. When on_reader_change() returns, no call of the previous
    /// function is running. If `changed` throws an exception, WriterStats::failed_callbacks counts it, and
    /// the next change is reported as usual.
    void on_reader_change(std::function<void(const ReaderChange&)> changed);

    const std::string& tag() const noexcept;
    const WriterOptions& options() const noexcept;
    std::string segment_name() const;
    WriterStats stats() const;

    /// Number of wanted slots that are missing because space is short. WriterOptions::slots are wanted, or 8.
    /// With fewer slots, readers have less time, or copy more. The number changes when a segment is made, and
    /// when acquire() needs memory for a slot. This function makes no system call and takes no memory.
    unsigned missing_slots() const noexcept;

    /// Why the writer closed itself: a file of the tag was truncated or removed, and could not be made again.
    /// The code is None if this did not happen.
    Error error() const;

  private:
    class Implementation;
    struct Delete {
        void operator()(Implementation* implementation) const noexcept;
    };
    std::unique_ptr<Implementation, Delete> implementation_;
};

}  // namespace ndsharray
