// SPDX-License-Identifier: BSD-3-Clause
// Every byte of shared memory: the three files of a tag as structures. core/PROTOCOL.md explains them.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/frame_info.hpp>
#include <ndsharray/writer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace ndsharray::layout {

// A word in memory that other processes see must be lock-free, or its lock would live in one process.
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && alignof(std::atomic<std::uint64_t>) == 8);

inline constexpr std::size_t cache_line = 64;

/// Slots and their data start on multiples of this on every machine, whatever its page size is.
inline constexpr std::uint64_t data_alignment = 4096;

inline constexpr std::uint16_t major_version = 1;
inline constexpr std::uint16_t minor_version = 1;

/// Before this minor version, all slots of a segment had memory when it was announced.
inline constexpr std::uint16_t minor_of_ready_slots = 1;

/// First bytes of every file. An unknown major version is refused; a minor one only adds.
struct Preamble {
    char magic[8];
    std::uint16_t major;
    std::uint16_t minor;
    std::uint32_t header_bytes;  // of the structure that starts with this preamble
    std::uint64_t instance[2];   // random; the same in all files of one tag's life
};
static_assert(sizeof(Preamble) == 32);

inline constexpr char control_magic[8] = {'N', 'D', 'S', 'H', 'C', 'T', 'R', 'L'};
inline constexpr char table_magic[8] = {'N', 'D', 'S', 'H', 'R', 'D', 'R', 'S'};
inline constexpr char segment_magic[8] = {'N', 'D', 'S', 'H', 'S', 'E', 'G', 'M'};

enum class WriterState : std::uint32_t {
    Starting = 0,        // has the tag, is making its files
    Live = 1,            // frames may come
    Ended = 2,           // the stream ended after frame `published`
    Closed = 3,          // left cleanly; the files are being unlinked
    EndedAndClosed = 4,  // left after the end of its stream
};

/// Whether the writer has made its files and has not left: frames of it are to be had.
constexpr bool is_open(WriterState state) noexcept {
    return state == WriterState::Live || state == WriterState::Ended;
}

constexpr bool is_closed(WriterState state) noexcept {
    return state == WriterState::Closed || state == WriterState::EndedAndClosed;
}

inline constexpr std::uint32_t option_backpressure = 1;
inline constexpr std::uint32_t option_compat = 2;  // a writer of this file made files of 1.x: see v1/

/// The byte of the control file whose lock says that the writer lives.
inline constexpr std::uint64_t writer_lock_byte = 0;

/// `ndsh.<tag>`: written by the writer, read by everybody.
struct ControlFile {
    Preamble preamble;
    std::uint8_t reserved[32];
    alignas(cache_line) std::atomic<std::uint32_t> wake;  // futex word: bumped at every change below
    std::atomic<std::uint32_t> state;                     // WriterState
    std::atomic<std::uint32_t> epoch;                     // counts the writers of this file
    std::atomic<std::uint32_t> generation;                // of the current segment; 0: none
    std::atomic<std::uint64_t> segment_id[2];             // its name: both words in hexadecimal
    std::atomic<std::uint64_t> published;                 // number of the last frame
    std::atomic<std::uint32_t> last_generation;           // highest ever announced, for the next writer
    std::atomic<std::uint32_t> options;                   // option_*
    std::atomic<std::uint32_t> writer_pid;                // for people
    std::uint32_t announcements;                          // written with pwrite, to be noticed
};
static_assert(offsetof(ControlFile, wake) == 64);
static_assert(offsetof(ControlFile, generation) == 76);
static_assert(offsetof(ControlFile, segment_id) == 80);
static_assert(offsetof(ControlFile, published) == 96);
static_assert(offsetof(ControlFile, last_generation) == 104);
static_assert(offsetof(ControlFile, options) == 108);
static_assert(offsetof(ControlFile, writer_pid) == 112);
static_assert(offsetof(ControlFile, announcements) == 116);
static_assert(sizeof(ControlFile) == 128);

inline constexpr std::uint32_t reader_every = 1;      // takes each frame in order: its cursor counts
inline constexpr std::uint32_t reader_suspended = 2;  // ... but not now

/// One reader. Its lock byte in the file says whether it lives.
struct ReaderEntry {
    // What the writer looks at for every frame: one cache line.
    alignas(cache_line) std::atomic<std::uint64_t> lease;  // generation << 32 | bit per leased slot
    std::atomic<std::uint64_t> cursor;                     // the frame it wants next
    std::atomic<std::uint32_t> flags;                      // reader_*
    std::atomic<std::uint32_t> pid;                        // for people
    std::atomic<std::int64_t> joined;                      // when it came: tells it from who was here before
    std::atomic<std::uint32_t> quota;                      // leases that it keeps at most; 0: it does not say
    // What only people look at: another.
    alignas(cache_line) std::atomic<std::uint64_t> frames;
    std::atomic<std::uint64_t> missed;
    std::atomic<std::uint64_t> copied;
    std::atomic<std::uint64_t> latency;  // ns from publication to delivery of the last frame
};
static_assert(offsetof(ReaderEntry, cursor) == 8);
static_assert(offsetof(ReaderEntry, flags) == 16);
static_assert(offsetof(ReaderEntry, joined) == 24);
static_assert(offsetof(ReaderEntry, quota) == 32);
static_assert(offsetof(ReaderEntry, frames) == 64);
static_assert(offsetof(ReaderEntry, latency) == 88);
static_assert(sizeof(ReaderEntry) == 128);

/// `ndsh.<tag>.readers`: written by readers that may, and by the writer.
struct ReaderTable {
    Preamble preamble;
    std::uint32_t entry_count;  // max_readers
    std::uint32_t entry_bytes;  // sizeof(ReaderEntry)
    std::uint8_t reserved[24];
    alignas(cache_line) std::atomic<std::uint64_t> active;    // bit per entry in use
    alignas(cache_line) std::atomic<std::uint32_t> released;  // futex word: a reader let go of something
    std::atomic<std::uint32_t> writer_waiting;                // whether anybody waits on `released`
    std::uint32_t attaches;                                   // written with pwrite, to be noticed
    ReaderEntry entries[max_readers];
};
static_assert(offsetof(ReaderTable, active) == 64);
static_assert(offsetof(ReaderTable, released) == 128);
static_assert(offsetof(ReaderTable, writer_waiting) == 132);
static_assert(offsetof(ReaderTable, attaches) == 136);
static_assert(offsetof(ReaderTable, entries) == 192);
static_assert(sizeof(ReaderTable) == 192 + 64 * 128);
static_assert(max_readers == 64, "one bit per entry in ReaderTable::active");

/// What a segment says about its slots. Written once, before the segment is announced.
struct SegmentGeometry {
    std::uint64_t file_bytes;
    std::uint32_t generation;
    std::uint32_t slot_count;
    std::uint64_t slot_headers_offset;
    std::uint64_t slot_header_bytes;  // distance from one SlotHeader to the next
    std::uint64_t data_offset;
    std::uint64_t slot_bytes;  // distance from one slot's data to the next
    std::uint64_t attributes_offset;
    std::uint64_t attributes_bytes;
    std::uint64_t metadata_capacity;
    std::uint32_t dtype;
    std::uint32_t byte_order;
    std::uint32_t ndim;
    std::uint32_t reserved;
    std::uint64_t frame_bytes;
    std::uint64_t shape[max_dimensions];
    std::int64_t strides[max_dimensions];
};
static_assert(offsetof(SegmentGeometry, frame_bytes) == 88);
static_assert(offsetof(SegmentGeometry, shape) == 96);
static_assert(sizeof(SegmentGeometry) == 608);

/// Start of `ndsh.<tag>.<32 hex>`.
struct SegmentHeader {
    Preamble preamble;
    SegmentGeometry geometry;
    alignas(cache_line) std::atomic<std::uint64_t> latest;  // frame << 8 | slot
    std::atomic<std::uint32_t> pinned;  // bit per slot with a published frame that the writer still has out
    std::atomic<std::uint32_t> ready;   // slots that have memory: the first ones; only grows
};
static_assert(offsetof(SegmentHeader, geometry) == 32);
static_assert(offsetof(SegmentHeader, latest) == 640);
static_assert(offsetof(SegmentHeader, pinned) == 648);
static_assert(offsetof(SegmentHeader, ready) == 652);
static_assert(sizeof(SegmentHeader) == 704);

/// One slot. Its state is on a cache line of its own: readers look at it while the next slot changes.
struct SlotHeader {
    alignas(cache_line) std::atomic<std::uint64_t> state;  // 2 * frame, + 1 while the writer has it
    alignas(cache_line) FrameInfo info;
    std::uint64_t metadata_bytes;
    // metadata_capacity bytes follow at sizeof(SlotHeader)
};
static_assert(std::is_trivially_copyable_v<FrameInfo> && sizeof(FrameInfo) == 80);
static_assert(offsetof(FrameInfo, pts) == 16 && offsetof(FrameInfo, duration) == 48);
static_assert(offsetof(FrameInfo, offset) == 56 && offsetof(FrameInfo, flags) == 72);
static_assert(offsetof(SlotHeader, info) == 64);
static_assert(offsetof(SlotHeader, metadata_bytes) == 144);
static_assert(sizeof(SlotHeader) == 192);

/// The highest frame number that there is room for beside a slot in SegmentHeader::latest.
inline constexpr std::uint64_t max_frame = (std::uint64_t{1} << 56) - 1;

/// The newest frame and its slot, as SegmentHeader::latest packs them.
struct Latest {
    std::uint64_t frame;
    std::uint32_t slot;
};
constexpr std::uint64_t pack(Latest latest) noexcept {
    return latest.frame << 8 | latest.slot;
}
constexpr Latest unpack_latest(std::uint64_t word) noexcept {
    return {word >> 8, static_cast<std::uint32_t>(word & 0xff)};
}

}  // namespace ndsharray::layout
