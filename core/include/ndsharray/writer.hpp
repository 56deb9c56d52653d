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

/// Slots a segment can have.
inline constexpr unsigned min_slots = 3;
inline constexpr unsigned max_slots = 32;
inline constexpr unsigned default_slots = 8;

/// Readers that can hold leases on one tag at a time; more can read, by copying.
inline constexpr unsigned max_readers = 64;

struct WriterOptions {
    /// Frames per segment: 3 to 32, or 0 for 8, with fewer (at least 3) where space is short.
    unsigned slots = 0;

    /// Mode of the files. The group's and others' read bits let them read pixels; a write bit beside a
    /// read bit lets them take leases too, and be counted as readers, and see the others: the table of
    /// readers is theirs to write. Nobody but the owner can ever write pixels.
    unsigned permissions = 0600;

    /// Wait for `Every` readers instead of overwriting what they have not read.
    bool backpressure = false;

    /// Publish each frame also in the files of the Python package ndsharray 1.x, for its readers: one more
    /// copy. They are removed when the tag is closed.
    bool compat = false;

    /// Room per frame for what publish() is given as metadata, in bytes, up to 1 MiB.
    std::size_t metadata_capacity = 0;
};

/// Counters of one Writer, from its start.
struct WriterStats {
    std::uint64_t published = 0;   ///< frames published
    std::uint64_t dropped = 0;     ///< times acquire() found no slot
    std::uint64_t reclaimed = 0;   ///< readers found dead and cleared away
    std::uint64_t remade = 0;      ///< times all files were made anew because somebody had cut or removed one
    std::uint32_t generation = 0;  ///< of the current segment; 0 before the first
    std::uint32_t slots = 0;       ///< of the current segment
    std::uint32_t readers = 0;     ///< readers attached
    std::string segment;           ///< file name of the current segment; empty before the first
};

/// A reader attached or went away, for Writer::on_reader_change().
struct ReaderChange {
    enum class Kind { Added, Removed } kind = Kind::Added;
    std::uint32_t pid = 0;  ///< of its process, as it says itself: to be shown to people only
    unsigned readers = 0;   ///< attached after this
};

/// Why Writer::acquire or wait_* came back.
enum class WriteStatus {
    Ok,
    NoSlot,     ///< every slot is held by readers or by the writer's own frames
    Timeout,    ///< nothing changed in time
    Cancelled,  ///< Writer::cancel() was called
    Closed,     ///< the Writer was closed, never configured, or inherited through fork()
};

NDSHARRAY_API std::string_view name(WriteStatus status) noexcept;

/// A slot to be filled, or the reason why there is none. Move-only; give it to Writer::publish, or destroy
/// it (in any thread) to give the slot back. Stays mapped as long as it lives, also after the Writer.
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

    /// First byte of the array, page-aligned; `spec().bytes` may be written. Content is undefined.
    std::byte* data() const noexcept { return data_; }
    const ArraySpec& spec() const noexcept;

    /// Whether it was published and is still held: its content may be read, no longer written.
    bool is_published() const noexcept { return published_; }

    /// Gives the slot back, unpublished if it was not published; the frame is empty afterwards.
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

/// The writer of a tag: one at a time. Safe from any thread, but frames are published in the order of
/// the calls, so one thread should publish. A Writer inherited through fork() does not work in the child;
/// destroying it there does nothing. Frames of it that are out are the parent's: not to be written by a
/// child.
class NDSHARRAY_API Writer {
  public:
    /// Takes the tag; a dead writer's is taken over, and its readers come along.
    /// \throws Error InvalidTag, InvalidArgument, TagInUse, PermissionDenied, WrongOwner, NotRegular,
    /// Damaged, UnsupportedVersion, NoSpace, TooManyFiles, OutOfMemory, System.
    explicit Writer(std::string tag, WriterOptions options = {});

    /// Closes, without waiting for readers. Frames that readers hold stay valid.
    ~Writer();
    Writer(Writer&& other) noexcept;
    Writer& operator=(Writer&& other) noexcept;
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Sets the layout and attributes of the frames to come. If anything differs, this makes a new segment:
    /// readers move to it with its first frame, and of the old one stays what they hold or may still take.
    /// \param spec layout; strides are kept as they are.
    /// \param slots overrides WriterOptions::slots for this segment; 0 does not, and is no reason for a new
    /// one.
    /// With backpressure, and without room for both segments, this first waits until `Every` readers have
    /// taken so much of the old one that its memory is enough (cancel() ends that wait: NoSpace). So a reader
    /// in the same thread should have had all frames before.
    /// \throws Error InvalidArgument, NoSpace, TooManyFiles, OutOfMemory, Forked, Closed, System.
    void configure(const ArraySpec& spec, const Attributes& attributes = {}, unsigned slots = 0);

    /// The same, waiting up to `timeout` (nothing: for ever).
    /// \returns Ok, or Timeout or Cancelled: then the layout is the one before, as if nothing had been asked.
    /// \throws Error as configure().
    [[nodiscard]] WriteStatus configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots,
                                        std::optional<std::chrono::nanoseconds> timeout);

    /// A slot of the configured segment to be filled.
    /// With backpressure this waits up to `timeout` (nothing: for ever) until `Every` readers have made
    /// room; without, it never waits, and NoSlot (counted as a drop) means leases hold every slot.
    WritableFrame acquire(std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

    /// configure(spec, the current attributes), then acquire(), both together within `timeout`.
    /// \throws Error as configure().
    WritableFrame acquire(const ArraySpec& spec,
                          std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

    /// Publishes a filled frame and wakes the readers.
    /// With backpressure the first frame of a new segment waits for `Every` readers that have not even come
    /// to the old one yet (cancel() ends that wait).
    /// \param info its `number` and `published` are ignored and filled in.
    /// \param metadata at most WriterOptions::metadata_capacity bytes; more is not published at all.
    /// \returns the frame's number, or 0 if it was not published: cancelled, closed, or a frame of a
    /// segment that is no longer the configured one.
    std::uint64_t publish(WritableFrame&& frame, const FrameInfo& info = {},
                          std::span<const std::byte> metadata = {}) noexcept;

    /// A slot of the configured segment for a buffer pool: it may be out for long, and stays the caller's to
    /// read after publish_pinned(), until it is released. NoSlot (not counted as a drop) if that would leave
    /// readers and acquire() too few. With backpressure this waits up to `timeout` (nothing: for ever)
    /// where it is only frames to be read that are in the way.
    WritableFrame acquire_pinned(std::optional<std::chrono::nanoseconds> timeout = std::chrono::nanoseconds{
                                     0}) noexcept;

    /// publish() for a frame that was not published before. The frame stays valid: one of acquire_pinned()
    /// can be read until it is released; one of acquire() stays mapped, and may be any later frame at any
    /// time.
    std::uint64_t publish_pinned(WritableFrame& frame, const FrameInfo& info = {},
                                 std::span<const std::byte> metadata = {}) noexcept;

    /// Copies an array, strides of any sign, into a C-order frame of shared memory and publishes it.
    /// \returns the frame's number, or 0 if it was dropped.
    /// \throws Error as configure().
    std::uint64_t write(const ArrayView& array, const FrameInfo& info = {});

    /// Waits until a reader is attached.
    WriteStatus wait_for_reader(std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

    /// Waits until every live `Every` reader took the last frame, or its death or suspension released it.
    WriteStatus drain(std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

    /// Tells readers that the stream ended; they get EndOfStream after the last frame. Publishing again
    /// starts a new stream. Does not wait: call drain() before where every frame matters.
    void end_of_stream() noexcept;

    /// Makes a waiting call, and every later one that would wait, return Cancelled until resume().
    void cancel() noexcept;
    void resume() noexcept;

    /// Ends the tag: readers learn that the writer left, and its files are removed. Idempotent.
    void close() noexcept;

    /// Calls `changed` with the number of attached readers whenever it changed (at once if there are any),
    /// mostly from a thread of the library: return soon, do not destroy the Writer there. An empty function
    /// ends it; when this returns, no call is under way.
    void on_readers_changed(std::function<void(unsigned)> changed);

    /// The same for each reader that comes, leaves or dies, in order; a reader that was there for less than
    /// it takes to look is not told of.
    void on_reader_change(std::function<void(const ReaderChange&)> changed);

    const std::string& tag() const noexcept;
    const WriterOptions& options() const noexcept;
    std::string segment_name() const;
    WriterStats stats() const;

    /// Why the writer closed by itself. Its code is None if it did not: somebody cut or removed a file of the
    /// tag, and no new ones could be made.
    Error error() const;

  private:
    class Implementation;
    struct Delete {
        void operator()(Implementation* implementation) const noexcept;
    };
    std::unique_ptr<Implementation, Delete> implementation_;
};

}  // namespace ndsharray
