// SPDX-License-Identifier: BSD-3-Clause
// Inspects a tag without attaching to it: its writer, its frames, their rate, and its readers.
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

/// The last state that the writer of a tag stated. TagInfo::alive says whether this writer still lives.
enum class TagState {
    Starting,  ///< the writer has the tag and makes its files
    Live,      ///< the writer may publish frames
    Ended,     ///< the stream ended with the last frame
    Closed,    ///< the writer has left or is leaving, and removes the files
};

/// Name of the state in lower case, such as "live".
NDSHARRAY_API std::string_view name(TagState state) noexcept;

/// One entry of a tag's reader table. A reader that may not write the table has no entry and is not seen.
struct TagReader {
    std::uint32_t pid = 0;  ///< pid that the reader stated, in its own pid namespace
    ReadMode mode = ReadMode::Latest;
    bool suspended = false;  ///< an `Every` reader that the writer does not wait for now
    bool alive = false;   ///< it holds its lock; the entry of a dead reader stays until the writer clears it
    unsigned leased = 0;  ///< slots that it holds in the current segment
    std::uint64_t cursor = 0;      ///< number of the frame that it expects next
    std::uint64_t frames = 0;      ///< frames that it got, from all writers since it was made
    std::uint64_t missed = 0;      ///< frames that were published in this time and that it did not get
    std::uint64_t copied = 0;      ///< frames that it got as a copy
    std::uint64_t latency_ns = 0;  ///< from publication to delivery of the last frame
};

/// The result of inspect(). A plain value.
///
/// All fields about the segment (from `generation` to `metadata_capacity`, and `leased` of the readers)
/// belong to one generation. Each counter and each time was true at some instant during inspect(). These
/// instants may differ.
struct TagInfo {
    std::string tag;

    // The writer.
    bool alive = false;  ///< whether a living writer has the tag now
    TagState state = TagState::Starting;
    std::uint32_t writer_pid = 0;  ///< pid that the writer stated, in its own pid namespace
    std::uint32_t epoch = 0;       ///< counts how often a writer took the tag over from a dead one
    bool backpressure = false;
    bool compat = false;  ///< a writer also made files for the Python package 1.x

    // The current segment. Before the first frame and during a change there is none, and the generation is 0.
    std::uint32_t generation = 0;
    std::string segment;  ///< its file name
    ArraySpec spec;
    Attributes attributes;
    unsigned slots = 0;
    std::uint64_t metadata_capacity = 0;  ///< bytes per frame

    // Frames.
    std::uint64_t published = 0;            ///< number of the last frame
    std::int64_t last_published = no_time;  ///< CLOCK_MONOTONIC instant of the last frame of this segment

    /// Frames per second. Computed from the publication times of the frames that are still in the slots:
    /// those of the last 2 s, but at least two. 0 if there are fewer than two, or if the next frame is late
    /// by four periods.
    double rate = 0;

    // Files.
    std::uint64_t memory_bytes = 0;  ///< memory of all files of the tag
    std::string owner;               ///< owner of the control file
    unsigned permissions = 0;        ///< mode of the control file, such as 0640

    /// Whether this process may read the reader table. This needs the permission to take leases, see
    /// WriterOptions::permissions. If false, `readers` is empty, although there may be readers.
    bool readers_known = true;
    std::vector<TagReader> readers;
};

/// Inspects a tag, even if its writer is dead. Reads the files, maps nothing and writes nothing. Neither the
/// writer nor the readers notice it. Damaged or hostile files do no harm. Needs read permission. To see the
/// readers, it also needs the permission to take leases.
/// \param owner name or number of the expected owner. Empty: the user of this process, or root.
/// \throws Error NoSuchTag, InvalidTag, InvalidArgument (there is no such user), PermissionDenied,
/// WrongOwner, NotRegular, UnsupportedVersion, Damaged, TooManyFiles, System.
NDSHARRAY_API TagInfo inspect(const std::string& tag, const std::string& owner = {});

/// Sorted names of all tags that have a control file, of all users. Their writers may be dead. This opens no
/// file, so inspect() may throw for any of the tags.
/// \throws Error as tags() does.
NDSHARRAY_API std::vector<std::string> tag_names();

}  // namespace ndsharray
