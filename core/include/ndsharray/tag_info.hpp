// SPDX-License-Identifier: BSD-3-Clause
// Looking at a tag without being its reader: who writes it, what, how fast, and who reads it.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>
#include <ndsharray/error.hpp>
#include <ndsharray/export.hpp>
#include <ndsharray/frame_info.hpp>
#include <ndsharray/reader.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray {

/// What the writer of a tag last said of itself. Whether it still lives is another question: TagInfo::alive.
enum class TagState {
    Starting,  ///< has the tag and makes its files
    Live,      ///< frames may come
    Ended,     ///< its stream ended with the last frame
    Closed,    ///< left, or is leaving: the files are being removed
};

/// Name of the state in lower case, such as "live".
NDSHARRAY_API std::string_view name(TagState state) noexcept;

/// One entry of a tag's table of readers. A reader that may not write the table has none and is not seen.
struct TagReader {
    std::uint32_t pid = 0;  ///< as it says, in its own pid namespace
    ReadMode mode = ReadMode::Latest;
    bool suspended = false;        ///< `Every`, but does not hold the writer back now
    bool alive = false;            ///< holds its lock; a dead one's entry stays until the writer clears it
    unsigned leased = 0;           ///< slots it holds in the current segment
    std::uint64_t cursor = 0;      ///< number of the frame it wants next
    std::uint64_t frames = 0;      ///< delivered to it, from all writers since it was made
    std::uint64_t missed = 0;      ///< published meanwhile, not delivered
    std::uint64_t copied = 0;      ///< delivered as a copy
    std::uint64_t latency_ns = 0;  ///< from publication to delivery of the last frame
};

/// What inspect() found. A plain value.
///
/// Everything about the segment (from `generation` to `metadata_capacity`, and the `leased` of readers)
/// belongs to one generation. Counters and times are each a value that was true while inspect() looked, not
/// all of the same instant.
struct TagInfo {
    std::string tag;

    // The writer.
    bool alive = false;  ///< whether a writer holds the tag now
    TagState state = TagState::Starting;
    std::uint32_t writer_pid = 0;  ///< as it says, in its own pid namespace; also of a dead one
    std::uint32_t epoch = 0;       ///< counts the writers that took the tag over from one another
    bool backpressure = false;
    bool compat = false;  ///< a writer of these files made files of the Python package 1.x

    // The current segment. Before the first frame, and while it changes, there is none: generation 0.
    std::uint32_t generation = 0;
    std::string segment;  ///< its file name
    ArraySpec spec;
    Attributes attributes;
    unsigned slots = 0;
    std::uint64_t metadata_capacity = 0;  ///< bytes per frame

    // Frames.
    std::uint64_t published = 0;            ///< number of the last frame
    std::int64_t last_published = no_time;  ///< CLOCK_MONOTONIC instant of the last frame of this segment

    /// Frames per second, from the times at which the frames that are still in the slots were published:
    /// of the last 2 s at most, but at least the last two frames. 0 where there are not two, or if the next
    /// one is late by four times its time.
    double rate = 0;

    // Files.
    std::uint64_t memory_bytes = 0;  ///< memory that all files of the tag occupy
    std::string owner;               ///< user whom the control file belongs to
    unsigned permissions = 0;        ///< mode of the control file, such as 0640

    /// Whether this process may look at the table of readers: it must be one that may take leases (see
    /// WriterOptions::permissions). Else `readers` is empty, which says nothing of how many there are.
    bool readers_known = true;
    std::vector<TagReader> readers;
};

/// Looks at a tag, living or dead. Reads its files as they are, maps nothing and writes nothing: neither
/// writer nor readers notice, and nothing that is in the files or happens to them can do harm. Needs read
/// permission, and that to take leases to see the readers. \param owner name or number of the user who must
/// own it; empty: this process's user or root. \throws Error NoSuchTag, InvalidTag, InvalidArgument (there is
/// no such user), PermissionDenied, WrongOwner, NotRegular, UnsupportedVersion, Damaged, TooManyFiles,
/// System.
NDSHARRAY_API TagInfo inspect(const std::string& tag, const std::string& owner = {});

/// Names of all tags that have a control file, whoever they belong to, written now or left by a dead writer;
/// sorted. Nothing is opened: inspect() may throw for any of them. \throws Error as tags() does.
NDSHARRAY_API std::vector<std::string> tag_names();

}  // namespace ndsharray
