// SPDX-License-Identifier: BSD-3-Clause
// Inspects a tag without being its reader: copies its files, and checks the copies before it uses them.
#include <ndsharray/tag_info.hpp>

#include "process/only_errors.hpp"
#include "protocol/files.hpp"
#include "protocol/layout.hpp"
#include "protocol/segment.hpp"
#include "v1/layout.hpp"

#include <ndsharray/tag.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstring>
#include <optional>
#include <span>
#include <thread>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;
using layout::ControlFile;
using layout::ReaderEntry;
using layout::ReaderTable;

/// Longest time for a look at a tag that changes.
constexpr auto patience = 200ms;

/// Time after which files that do not fit together count as damaged.
constexpr auto patience_with_damage = 20ms;

/// The rate counts the frames of this time before the last one.
constexpr std::int64_t rate_window = 2'000'000'000;

/// The rate is 0 if the next frame is late by this many intervals.
constexpr double late = 4;

/// A copy of the start of a file.
template <std::size_t bytes>
class Copy {
  public:
    /// Nothing if the file is shorter.
    static std::optional<Copy> of(const platform::Descriptor& file, std::uint64_t offset = 0) {
        Copy copy;
        if (platform::read_at(file, offset, copy.bytes_) != bytes)
            return std::nullopt;
        return copy;
    }

    template <typename Value>
    Value at(std::size_t offset) const noexcept {
        Value value;
        std::memcpy(&value, bytes_.data() + offset, sizeof value);
        return value;
    }
    std::uint32_t u32(std::size_t offset) const noexcept { return at<std::uint32_t>(offset); }
    std::uint64_t u64(std::size_t offset) const noexcept { return at<std::uint64_t>(offset); }

  private:
    std::array<std::byte, bytes> bytes_{};
};

using ControlCopy = Copy<sizeof(ControlFile)>;
using TableCopy = Copy<sizeof(ReaderTable)>;
using SlotCopy = Copy<sizeof(layout::SlotHeader)>;

[[noreturn]] void throw_too_short(const std::string& path) {
    throw Error(ErrorCode::Damaged, path +
                                        " is damaged or not a file of ndsharray: it is too short; remove it "
                                        "or use another tag");
}

/// The current segment, and the writer that made it. The fields of a TagInfo that belong together are of the
/// same Moment.
struct Moment {
    std::uint32_t epoch = 0;
    std::uint32_t generation = 0;
    Id segment;
    bool operator==(const Moment&) const = default;
};

/// Nothing while it changes. `generation` is the sequence number of a seqlock; the id is its data.
std::optional<Moment> moment_of(const ControlCopy& before, const ControlCopy& copy,
                                const ControlCopy& after) {
    const auto of = [](const ControlCopy& control) {
        return Moment{control.u32(offsetof(ControlFile, epoch)),
                      control.u32(offsetof(ControlFile, generation)),
                      {control.u64(offsetof(ControlFile, segment_id)),
                       control.u64(offsetof(ControlFile, segment_id) + sizeof(std::uint64_t))}};
    };
    const Moment moment = of(copy);
    const bool steady = of(before) == moment && of(after) == moment;
    return steady ? std::optional(moment) : std::nullopt;
}

struct Control {
    ControlCopy copy;
    Moment moment;
    Id instance;
};

/// Nothing if it changed meanwhile.
std::optional<Control> read_control(const platform::Descriptor& file, const std::string& path) {
    std::array<std::optional<ControlCopy>, 3> copies;
    for (auto& copy : copies) {
        copy = ControlCopy::of(file);
        if (!copy)
            throw_too_short(path);
        // The copies are made one after another, on every CPU.
        std::atomic_thread_fence(std::memory_order_acquire);
    }
    const ControlCopy& copy = *copies[1];
    const auto preamble = copy.at<layout::Preamble>(0);
    check_preamble(preamble, layout::control_magic, sizeof(ControlFile), path);
    const auto moment = moment_of(*copies[0], copy, *copies[2]);
    return moment ? std::optional(Control{copy, *moment, instance_of(preamble)}) : std::nullopt;
}

TagState state_of(std::uint32_t word) noexcept {
    switch (static_cast<layout::WriterState>(word)) {
        case layout::WriterState::Starting:
            return TagState::Starting;
        case layout::WriterState::Live:
            return TagState::Live;
        case layout::WriterState::Ended:
            return TagState::Ended;
        case layout::WriterState::Closed:
        case layout::WriterState::EndedAndClosed:
            return TagState::Closed;
    }
    return TagState::Closed;  // unknown: no more frames can be expected
}

void describe(TagInfo& info, const ControlCopy& control) {
    const std::uint32_t options = control.u32(offsetof(ControlFile, options));
    info.state = state_of(control.u32(offsetof(ControlFile, state)));
    info.writer_pid = control.u32(offsetof(ControlFile, writer_pid));
    info.epoch = control.u32(offsetof(ControlFile, epoch));
    info.backpressure = (options & layout::option_backpressure) != 0;
    info.compat = (options & layout::option_compat) != 0;
    info.published = control.u64(offsetof(ControlFile, published));
}

// ---- frames

/// A frame, and the time of its publication.
struct Published {
    std::uint64_t number = 0;
    std::int64_t time = no_time;
};

/// The frame in a slot. While the writer fills the slot again, its header still describes the frame before.
/// This frame counts, too: a writer without readers uses few slots, and often fills all but the newest.
std::optional<Published> published_in(const SegmentDescription& segment, std::uint32_t slot) {
    const std::uint64_t offset =
        segment.geometry.slot_headers_offset + slot * segment.geometry.slot_header_bytes;
    const auto before = SlotCopy::of(segment.file, offset);
    std::atomic_thread_fence(std::memory_order_acquire);
    const auto copy = SlotCopy::of(segment.file, offset);
    std::atomic_thread_fence(std::memory_order_acquire);
    const auto after = SlotCopy::of(segment.file, offset);
    if (!before || !copy || !after)
        return std::nullopt;
    const auto info = copy->at<FrameInfo>(offsetof(layout::SlotHeader, info));
    const std::uint64_t state = before->u64(0);
    if (info.number == 0 || state / 2 != info.number || after->u64(0) != state)
        return std::nullopt;
    return Published{info.number, info.published};
}

/// The frames in the slots, the oldest first. Only those with possible times: each is later than the one
/// before. (During publication a header may have the new time and the old number.)
std::vector<Published> frames_in(const SegmentDescription& segment, std::int64_t now) {
    std::vector<Published> frames;
    for (std::uint32_t slot = 0; slot < segment.geometry.slot_count; ++slot)
        if (const auto frame = published_in(segment, slot); frame && frame->time >= 0 && frame->time <= now)
            frames.push_back(*frame);
    std::sort(frames.begin(), frames.end(),
              [](const Published& a, const Published& b) { return a.number < b.number; });
    std::vector<Published> in_order;
    for (const Published& frame : frames) {
        while (!in_order.empty() && in_order.back().time > frame.time)
            in_order.pop_back();
        in_order.push_back(frame);
    }
    return in_order;
}

double rate_of(std::span<const Published> frames, std::int64_t now) {
    if (frames.size() < 2)
        return 0;
    const Published& last = frames.back();
    const auto first = std::find_if(frames.begin(), frames.end() - 2, [&](const Published& frame) {
        return last.time - frame.time <= rate_window;
    });
    if (first->time >= last.time || first->number >= last.number)
        return 0;
    const double interval =
        static_cast<double>(last.time - first->time) / static_cast<double>(last.number - first->number);
    return static_cast<double>(now - last.time) > (1 + late) * interval ? 0 : 1e9 / interval;
}

void describe(TagInfo& info, const SegmentDescription& segment) {
    info.spec = segment.spec;
    info.attributes = segment.attributes;
    info.slots = segment.geometry.slot_count;
    info.metadata_capacity = segment.geometry.metadata_capacity;
    info.memory_bytes += segment.allocated_bytes;
    const std::int64_t now = platform::monotonic_now();
    const std::vector<Published> frames = frames_in(segment, now);
    if (!frames.empty())
        info.last_published = frames.back().time;
    info.rate = rate_of(frames, now);
}

// ---- readers

TagReader reader_in(const TableCopy& table, std::uint32_t index, const TagInfo& info) {
    const std::size_t entry = offsetof(ReaderTable, entries) + index * sizeof(ReaderEntry);
    const std::uint32_t flags = table.u32(entry + offsetof(ReaderEntry, flags));
    const std::uint64_t lease = table.u64(entry + offsetof(ReaderEntry, lease));
    TagReader reader;
    reader.pid = table.u32(entry + offsetof(ReaderEntry, pid));
    reader.mode = (flags & layout::reader_every) != 0 ? ReadMode::Every : ReadMode::Latest;
    reader.suspended = (flags & layout::reader_suspended) != 0;
    if (info.generation != 0 && lease >> 32 == info.generation) {
        const std::uint64_t all_slots = (std::uint64_t{1} << info.slots) - 1;
        reader.leased = static_cast<unsigned>(std::popcount(lease & all_slots & 0xffffffff));
    }
    reader.cursor = table.u64(entry + offsetof(ReaderEntry, cursor));
    reader.frames = table.u64(entry + offsetof(ReaderEntry, frames));
    reader.missed = table.u64(entry + offsetof(ReaderEntry, missed));
    reader.copied = table.u64(entry + offsetof(ReaderEntry, copied));
    reader.latency_ns = table.u64(entry + offsetof(ReaderEntry, latency));
    return reader;
}

/// Nothing if there is no such file, or if this process may not open it. Then the readers are not known.
std::optional<platform::Descriptor> open_table(TagInfo& info, const std::string& path, const Owner& owner) {
    try {
        return open_checked(path, platform::Access::ReadOnly, owner);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::PermissionDenied)
            throw;
        info.readers_known = false;
        return std::nullopt;
    }
}

/// Without a table there are no readers: the writer is starting or leaving.
void describe_readers(TagInfo& info, const TagFiles& files, const Id& instance, const Owner& owner) {
    const std::string path = files.readers();
    if (const auto status = platform::status_of(path))
        info.memory_bytes += status->allocated_bytes;
    const auto file = open_table(info, path, owner);
    if (!file)
        return;
    const auto table = TableCopy::of(*file);
    if (!table)
        throw_too_short(path);
    const auto preamble = table->at<layout::Preamble>(0);
    check_preamble(preamble, layout::table_magic, offsetof(ReaderTable, entries), path);
    if (instance_of(preamble) != instance)
        return;  // the table of a dead writer, which will be replaced
    const std::uint64_t active = table->u64(offsetof(ReaderTable, active));
    for (std::uint32_t index = 0; index < max_readers; ++index) {
        if ((active >> index & 1) == 0)
            continue;
        info.readers.push_back(reader_in(*table, index, info));
        info.readers.back().alive = platform::is_locked(file->number(), index);
    }
}

/// Memory of the files for the Python package 1.x.
std::uint64_t compat_memory(const TagFiles& files) {
    const platform::Opened control =
        platform::open_existing(v1::control_path(files), platform::Access::ReadOnly);
    const auto name = control.file ? v1::read_control(files, control.file) : std::nullopt;
    if (!name)
        return 0;
    std::uint64_t bytes = 0;
    for (const std::string& path : {v1::control_path(files), v1::data_path(files, *name)})
        if (const auto status = platform::status_of(path))
            bytes += status->allocated_bytes;
    return bytes;
}

// ---- all together

/// Nothing if the tag changed meanwhile.
std::optional<TagInfo> look(const TagFiles& files, const Owner& owner) {
    const auto file = open_checked(files.control(), platform::Access::ReadOnly, owner);
    const auto status = file ? platform::status_of(*file) : std::nullopt;
    if (!status)
        throw Error(ErrorCode::NoSuchTag, "there is no tag \"" + files.tag() + "\" in " + files.directory() +
                                              "; start its writer, or compare NDSHARRAY_DIR on both sides");
    const auto control = read_control(*file, files.control());
    if (!control)
        return std::nullopt;

    TagInfo info;
    info.tag = files.tag();
    info.owner = platform::user_name(status->owner);
    info.permissions = status->permissions;
    info.memory_bytes = status->allocated_bytes;
    describe(info, control->copy);
    if (control->moment.generation != 0) {
        const auto segment = SegmentDescription::read(files, control->moment.segment, control->instance,
                                                      control->moment.generation, owner);
        if (segment) {
            info.generation = control->moment.generation;
            info.segment = files.segment_name(control->moment.segment);
            describe(info, *segment);
        }
    }
    describe_readers(info, files, control->instance, owner);
    if (info.compat)
        info.memory_bytes += compat_memory(files);
    info.alive = platform::is_locked(file->number(), 0);

    const auto after = read_control(*file, files.control());
    return after && after->moment == control->moment ? std::optional(std::move(info)) : std::nullopt;
}

}  // namespace

std::string_view name(TagState state) noexcept {
    switch (state) {
        case TagState::Starting:
            return "starting";
        case TagState::Live:
            return "live";
        case TagState::Ended:
            return "ended";
        case TagState::Closed:
            return "closed";
    }
    return "invalid";
}

TagInfo inspect(const std::string& tag, const std::string& owner) try {
    const TagFiles files(tag);
    const Owner expected = owner.empty() ? Owner::self_or_root() : Owner::named(owner);
    const auto deadline = platform::deadline_after(patience);
    const auto damage_deadline = platform::deadline_after(patience_with_damage);
    for (;;) {
        try {
            if (auto info = look(files, expected))
                return std::move(*info);
        } catch (const Error& error) {
            // Files of two moments do not fit together. It is damage only if this lasts.
            if (error.code() != ErrorCode::Damaged || platform::has_passed(damage_deadline))
                throw;
        }
        if (platform::has_passed(deadline))
            throw Error(ErrorCode::System, "tag \"" + tag + "\" changes too fast to be inspected");
        std::this_thread::sleep_for(1ms);
    }
} catch (const std::bad_alloc&) {
    throw Error(out_of_memory());
}

std::vector<std::string> tag_names() try {
    std::vector<std::string> found;
    for (const std::string& name : names_in(directory()))
        if (name.starts_with(file_prefix) && tag_problem(name.substr(file_prefix.size())).empty())
            found.push_back(name.substr(file_prefix.size()));
    std::sort(found.begin(), found.end());
    return found;
} catch (const std::bad_alloc&) {
    throw Error(out_of_memory());
}

}  // namespace ndsharray
