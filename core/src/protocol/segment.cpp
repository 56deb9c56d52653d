// SPDX-License-Identifier: BSD-3-Clause
// A segment: the file that holds the slots of one array layout.
#include "protocol/segment.hpp"

#include "protocol/slots.hpp"
#include "testing/faults.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <utility>

namespace ndsharray {
namespace {

using layout::SegmentGeometry;
using layout::SegmentHeader;
using layout::SlotHeader;

/// Slots that have memory from the beginning: the newest frame, one to fill, and one that a reader holds.
constexpr std::uint32_t ready_at_first = min_slots;

std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) noexcept {
    return (value + multiple - 1) / multiple * multiple;
}

// ---- attributes: per entry two u32 lengths, key, value

/// Even empty values of one-letter keys have their two lengths.
constexpr std::size_t max_encoded_attributes = 9 * max_attribute_bytes;

void append_length(std::string& text, std::size_t length) {
    const auto value = static_cast<std::uint32_t>(length);
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string encode(const Attributes& attributes) {
    std::string text;
    for (const auto& [key, value] : attributes) {
        append_length(text, key.size());
        append_length(text, value.size());
        text += key;
        text += value;
    }
    return text;
}

/// \returns nothing if encode() cannot have made the text.
std::optional<Attributes> decode(std::string_view text) {
    Attributes attributes;
    while (!text.empty()) {
        std::uint32_t lengths[2];
        if (text.size() < sizeof lengths)
            return std::nullopt;
        std::memcpy(lengths, text.data(), sizeof lengths);
        text.remove_prefix(sizeof lengths);
        if (text.size() < std::uint64_t{lengths[0]} + lengths[1])
            return std::nullopt;
        attributes.insert_or_assign(std::string(text.substr(0, lengths[0])),
                                    std::string(text.substr(lengths[0], lengths[1])));
        text.remove_prefix(std::size_t{lengths[0]} + lengths[1]);
    }
    return attributes;
}

// ---- geometry

SegmentGeometry plan_geometry(const SegmentPlan& plan, std::size_t attribute_bytes) noexcept {
    SegmentGeometry geometry{};
    geometry.generation = plan.generation;
    geometry.slot_count = plan.slots;
    geometry.attributes_offset = sizeof(SegmentHeader);
    geometry.attributes_bytes = attribute_bytes;
    geometry.metadata_capacity = plan.metadata_capacity;
    geometry.slot_headers_offset = round_up(geometry.attributes_offset + attribute_bytes, layout::cache_line);
    geometry.slot_header_bytes = round_up(sizeof(SlotHeader) + plan.metadata_capacity, layout::cache_line);
    geometry.data_offset = round_up(geometry.slot_headers_offset + plan.slots * geometry.slot_header_bytes,
                                    layout::data_alignment);
    geometry.slot_bytes = Segment::slot_bytes_for(plan.spec);
    geometry.file_bytes = geometry.data_offset + plan.slots * geometry.slot_bytes;
    geometry.dtype = static_cast<std::uint32_t>(plan.spec.dtype);
    geometry.byte_order = static_cast<std::uint32_t>(plan.spec.byte_order);
    geometry.ndim = plan.spec.ndim;
    geometry.frame_bytes = plan.spec.bytes;
    std::copy(plan.spec.shape.begin(), plan.spec.shape.end(), geometry.shape);
    std::copy(plan.spec.strides.begin(), plan.spec.strides.end(), geometry.strides);
    return geometry;
}

ArraySpec spec_of(const SegmentGeometry& geometry) noexcept {
    ArraySpec spec;
    spec.dtype = static_cast<DType>(geometry.dtype);
    spec.byte_order = static_cast<ByteOrder>(geometry.byte_order);
    spec.ndim = geometry.ndim;
    std::copy(std::begin(geometry.shape), std::end(geometry.shape), spec.shape.begin());
    std::copy(std::begin(geometry.strides), std::end(geometry.strides), spec.strides.begin());
    spec.bytes = geometry.frame_bytes;
    return spec;
}

/// Whether `count` items of `bytes` each from `offset` on lie within the file. Safe for any numbers.
bool fits(std::uint64_t offset, std::uint64_t count, std::uint64_t bytes, std::uint64_t file_bytes) noexcept {
    std::uint64_t length = 0;
    return !__builtin_mul_overflow(count, bytes, &length) && offset <= file_bytes &&
           length <= file_bytes - offset;
}

/// The fault of a geometry, or nothing.
std::string problem_of(const SegmentGeometry& g, std::uint64_t file_bytes) {
    if (g.file_bytes != file_bytes)
        return "it is " + std::to_string(file_bytes) + " bytes long, its header says " +
               std::to_string(g.file_bytes);
    if (g.slot_count < min_slots || g.slot_count > max_slots)
        return "it has " + std::to_string(g.slot_count) + " slots";
    if (g.attributes_bytes > max_encoded_attributes || g.attributes_offset < sizeof(SegmentHeader) ||
        !fits(g.attributes_offset, 1, g.attributes_bytes, file_bytes) ||
        g.attributes_offset + g.attributes_bytes > g.slot_headers_offset)
        return "its attributes lie outside their place";
    if (g.slot_headers_offset % layout::cache_line != 0 || g.slot_header_bytes % layout::cache_line != 0 ||
        g.slot_header_bytes < sizeof(SlotHeader) ||
        g.metadata_capacity > g.slot_header_bytes - sizeof(SlotHeader) ||
        !fits(g.slot_headers_offset, g.slot_count, g.slot_header_bytes, file_bytes) ||
        g.slot_headers_offset + g.slot_count * g.slot_header_bytes > g.data_offset)
        return "its slot headers lie outside their place";
    if (g.data_offset % layout::data_alignment != 0 || g.slot_bytes % layout::data_alignment != 0 ||
        g.slot_bytes == 0 || g.frame_bytes > g.slot_bytes ||
        !fits(g.data_offset, g.slot_count, g.slot_bytes, file_bytes))
        return "its slots lie outside the file";
    return spec_of(g).problem();
}

[[noreturn]] void throw_damaged(const std::string& path, const std::string& problem) {
    throw Error(ErrorCode::Damaged, path + " is damaged: " + problem + "; restart the writer");
}

[[noreturn]] void throw_no_space(const TagFiles& files, const SegmentPlan& plan, std::uint64_t needed,
                                 std::uint64_t free) {
    throw Error(
        ErrorCode::NoSpace,
        "no room for " + std::to_string(plan.slots) + " frames of " + plan.spec.to_string() + " in " +
            files.directory() + ": " + std::to_string(needed) + " bytes needed, " + std::to_string(free) +
            " free; enlarge it (mount -o remount,size=..., docker --shm-size=...), use fewer slots or "
            "smaller frames, or set NDSHARRAY_DIR to a larger tmpfs");
}

/// Whether the file has no name any more. A writer of format 1.0 removed the name before it freed memory of
/// an old segment.
bool has_lost_name(const std::string& path, const platform::FileStatus& status) noexcept {
    const auto named = platform::status_of(path);
    return !named || !named->same_file(status);
}

void check_plan(const TagFiles& files, const SegmentPlan& plan) {
    if (const std::string problem = plan.spec.problem(); !problem.empty())
        throw Error(ErrorCode::InvalidArgument, "this array cannot be shared: " + problem);
    std::size_t attribute_bytes = 0;
    for (const auto& [key, value] : plan.attributes)
        attribute_bytes += key.size() + value.size();
    if (attribute_bytes > max_attribute_bytes)
        throw Error(ErrorCode::InvalidArgument, "the attributes take " + std::to_string(attribute_bytes) +
                                                    " bytes, at most " + std::to_string(max_attribute_bytes) +
                                                    " are possible");
    constexpr std::uint64_t countable = std::uint64_t{1}
                                        << 57;  // below this limit, the sum of all slots does not overflow
    if (plan.spec.bytes > countable)
        throw_no_space(files, plan, plan.spec.bytes, 0);
}

}  // namespace

std::optional<SegmentDescription> SegmentDescription::read(const TagFiles& files, const Id& id,
                                                           const Id& instance, std::uint32_t generation,
                                                           const Owner& owner) {
    SegmentDescription found;
    const std::string path = files.segment(id);
    auto file = open_checked(path, platform::Access::ReadOnly, owner);
    const auto status = file ? platform::status_of(*file) : std::nullopt;
    if (!status)
        return std::nullopt;
    layout::Preamble preamble{};
    const auto read = [&](std::uint64_t offset, std::span<std::byte> bytes) {
        if (platform::read_at(*file, offset, bytes) != bytes.size())
            throw_damaged(path, "it is shorter than its header");
    };
    read(0, std::as_writable_bytes(std::span(&preamble, 1)));
    check_preamble(preamble, layout::segment_magic, sizeof(SegmentHeader), path);
    read(offsetof(SegmentHeader, geometry), std::as_writable_bytes(std::span(&found.geometry, 1)));
    if (const std::string problem = problem_of(found.geometry, status->bytes); !problem.empty())
        throw_damaged(path, problem);
    if (instance_of(preamble) != instance || found.geometry.generation != generation)
        throw_damaged(path, "it belongs to another tag or generation");
    std::string text(static_cast<std::size_t>(found.geometry.attributes_bytes), '\0');
    read(found.geometry.attributes_offset, std::as_writable_bytes(std::span(text)));
    auto attributes = decode(text);
    if (!attributes)
        throw_damaged(path, "its attributes cannot be read");
    found.spec = spec_of(found.geometry);
    found.attributes = std::move(*attributes);
    found.allocated_bytes = status->allocated_bytes;
    found.file = std::move(*file);
    return found;
}

std::uint64_t Segment::slot_bytes_for(const ArraySpec& spec) noexcept {
    return round_up(std::max<std::uint64_t>(spec.bytes, 1), layout::data_alignment);
}

std::uint64_t Segment::bytes_for(const TagFiles& files, const SegmentPlan& plan) {
    check_plan(files, plan);
    return plan_geometry(plan, encode(plan.attributes).size()).file_bytes;
}

Segment Segment::create(const TagFiles& files, const SegmentPlan& plan) {
    check_plan(files, plan);
    const std::string attributes = encode(plan.attributes);

    Segment segment;
    segment.id_ = Id::random();
    segment.name_ = files.segment_name(segment.id_);
    segment.geometry_ = plan_geometry(plan, attributes.size());
    segment.spec_ = plan.spec;
    segment.attributes_ = plan.attributes;

    segment.path_ = files.segment(segment.id_);
    const std::string& path = segment.path_;
    const std::uint64_t bytes = segment.geometry_.file_bytes;
    NDSHARRAY_FAULT_POINT(SegmentToBeMade);
    // Only the owner may write pixels, so only the read bits are used.
    platform::Opened created = platform::create_new(path, 0600 | (plan.permissions & 0444));
    if (created.error != 0)
        throw_errno(created.error, "create", path);
    NDSHARRAY_FAULT_POINT(SegmentCreated);
    RemoveAtEnd undo(path);
    segment.file_ = std::move(created.file);
    const std::uint64_t free = platform::free_bytes(segment.file_);
    int error = bytes > free ? ENOSPC : platform::set_size(segment.file_, bytes);
    NDSHARRAY_FAULT_POINT(SegmentSized);
    const std::uint32_t ready = std::min(plan.slots, ready_at_first);
    if (error == 0)
        error = segment.reserve(0, segment.geometry_.data_offset + ready * segment.geometry_.slot_bytes);
    if (error == ENOSPC || error == EFBIG || error == EDQUOT)
        throw_no_space(files, plan, bytes, free);
    if (error != 0)
        throw_errno(error, "reserve space in", path);
    NDSHARRAY_FAULT_POINT(SegmentReserved);
    segment.mapping_ = platform::Mapping::of(segment.file_, bytes, platform::Access::ReadWrite);
    if (!segment.mapping_)
        throw_errno(errno, "map", path);
    segment.write_header(attributes, plan.instance);
    for (std::uint32_t i = 0; i < ready; ++i)
        slots::open_slot(segment, i);
    NDSHARRAY_FAULT_POINT(SegmentReady);
    undo.keep();
    return segment;
}

void Segment::write_header(const std::string& attributes, const Id& instance) {
    mapping_.populate(0, geometry_.data_offset);
    auto* header = new (mapping_.data()) SegmentHeader{};
    header->preamble = make_preamble(layout::segment_magic, sizeof(SegmentHeader), instance);
    NDSHARRAY_FAULT_POINT(SegmentPreambleWritten);
    header->geometry = geometry_;
    header->ready.store(std::min(geometry_.slot_count, ready_at_first), std::memory_order_relaxed);
    std::memcpy(at(geometry_.attributes_offset), attributes.data(), attributes.size());
    NDSHARRAY_FAULT_POINT(SegmentHeaderWritten);
    for (std::uint32_t i = 0; i < geometry_.slot_count; ++i) {
        new (&slot(i)) SlotHeader{};
        slots::close_slot(*this, i);
        NDSHARRAY_FAULT_POINT(SlotHeaderWritten);
    }
}

/// The look at the free space comes first: a failing reservation would fill the file system for a moment and
/// hurt others. \returns 0 or an errno.
int Segment::reserve(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    return bytes > platform::free_bytes(file_) ? ENOSPC : platform::reserve(file_, offset, bytes);
}

bool Segment::reserve_another() noexcept {
    const std::uint32_t slot = ready();
    if (slot == slot_count())
        return false;
    const auto status = platform::status_of(file_);
    if (!status)
        return false;
    if (status->bytes < file_bytes()) {
        // Somebody made the file shorter. A reservation would make it longer again, and nobody would notice.
        static_cast<void>(mapping_.is_cut());
        return false;
    }
    if (reserve(geometry_.data_offset + slot * geometry_.slot_bytes, geometry_.slot_bytes) != 0) {
        free_slot(slot);  // of a large slot, a part may have memory
        return false;
    }
    NDSHARRAY_FAULT_POINT(SlotReserved);
    slots::open_slot(*this, slot);
    NDSHARRAY_FAULT_POINT(SlotOpened);
    // Release: a reader that counts on the slot finds it open.
    header().ready.store(slot + 1, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(ReadySlotsStored);
    return true;
}

void Segment::free_slot(std::uint32_t index) const noexcept {
    mapping_.discard(geometry_.data_offset + index * geometry_.slot_bytes, geometry_.slot_bytes);
    NDSHARRAY_FAULT_POINT(SlotMemoryFreed);
}

bool Segment::look_at_slot(std::uint32_t index) noexcept {
    const std::uint32_t bit = std::uint32_t{1} << index;
    if ((seen_slots_ & bit) != 0)
        return true;
    const std::uint64_t begin = geometry_.data_offset + index * geometry_.slot_bytes;
    if (checks_slots_ && platform::first_hole(file_, begin) < begin + geometry_.slot_bytes)
        return false;
    mapping_.populate(begin, geometry_.slot_bytes);
    seen_slots_ |= bit;
    return true;
}

std::optional<Segment> Segment::open(const TagFiles& files, const Id& id, const Id& instance,
                                     std::uint32_t generation, const Owner& owner) {
    const std::string path = files.segment(id);
    auto file = open_checked(path, platform::Access::ReadOnly, owner);
    if (!file)
        return std::nullopt;
    NDSHARRAY_FAULT_POINT(SegmentFileOpened);
    const auto status = platform::status_of(*file);
    if (!status || status->bytes < sizeof(SegmentHeader))
        throw_damaged(path, "it is shorter than its header");
    // Holes cost the owner of a file nothing, and reading them would fill memory.
    const bool on_tmpfs = platform::is_on_tmpfs(*file);
    const std::uint64_t hole = on_tmpfs ? platform::first_hole(*file, 0) : status->bytes;
    if (hole < sizeof(SegmentHeader))
        throw_damaged(path, "its header has no memory");

    Segment segment;
    segment.id_ = id;
    segment.name_ = files.segment_name(id);
    segment.path_ = path;
    segment.mapping_ = platform::Mapping::of(*file, status->bytes, platform::Access::ReadOnly, files.tag());
    if (!segment.mapping_)
        throw_errno(errno, "map", path);
    NDSHARRAY_FAULT_POINT(SegmentMapped);
    layout::Preamble preamble;
    std::memcpy(&preamble, &segment.header().preamble, sizeof preamble);
    check_preamble(preamble, layout::segment_magic, sizeof(SegmentHeader), path);
    segment.read_geometry(path, status->bytes);
    if (instance_of(preamble) != instance || segment.generation() != generation)
        throw_damaged(path, "it belongs to another tag or generation");
    segment.all_ready_ = preamble.minor < layout::minor_of_ready_slots;
    if (segment.all_ready_ && on_tmpfs && status->allocated_bytes < status->bytes) {
        if (has_lost_name(path, *status))
            return std::nullopt;
        throw_damaged(path, "of its " + std::to_string(status->bytes) + " bytes only " +
                                std::to_string(status->allocated_bytes) + " are there");
    }
    segment.checks_slots_ = !segment.all_ready_ && on_tmpfs;
    if (segment.checks_slots_ && hole < segment.geometry_.data_offset)
        throw_damaged(path, "its headers have no memory");
    segment.read_attributes(path);
    if (segment.was_cut())
        throw_cut(path);
    segment.file_ = std::move(*file);
    return segment;
}

void Segment::read_geometry(const std::string& path, std::uint64_t file_bytes) {
    std::memcpy(&geometry_, &header().geometry,
                sizeof geometry_);  // read once: the checked values are the used ones
    if (const std::string problem = problem_of(geometry_, file_bytes); !problem.empty())
        throw_damaged(path, problem);
    spec_ = spec_of(geometry_);
}

void Segment::read_attributes(const std::string& path) {
    const std::string text(reinterpret_cast<const char*>(at(geometry_.attributes_offset)),
                           geometry_.attributes_bytes);
    auto attributes = decode(text);
    if (!attributes)
        throw_damaged(path, "its attributes cannot be read");
    attributes_ = std::move(*attributes);
}

}  // namespace ndsharray
