// SPDX-License-Identifier: BSD-3-Clause
// A segment: the file that holds the slots of one array layout.
#pragma once

#include "platform/platform.hpp"
#include "protocol/files.hpp"
#include "protocol/layout.hpp"

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace ndsharray {

/// Properties of a new segment.
struct SegmentPlan {
    Id instance;
    std::uint32_t generation = 0;
    ArraySpec spec;
    Attributes attributes;
    unsigned slots = default_slots;
    std::uint64_t metadata_capacity = 0;
    unsigned permissions = 0600;
};

/// Properties of a segment that were read from its file without a mapping, and were checked.
struct SegmentDescription {
    layout::SegmentGeometry geometry{};
    ArraySpec spec;
    Attributes attributes;
    std::uint64_t allocated_bytes = 0;
    platform::Descriptor file;

    /// Nothing if the file is gone.
    /// \throws Error as open_checked(), and Damaged, UnsupportedVersion.
    static std::optional<SegmentDescription> read(const TagFiles& files, const Id& id, const Id& instance,
                                                  std::uint32_t generation, const Owner& owner);
};

/// A mapped segment. The geometry is checked once and kept in the memory of this process. It is never read
/// again from the file.
class Segment {
  public:
    /// Makes the file. Only the headers and the first slots have memory, see reserve_another().
    /// \throws Error InvalidArgument, NoSpace, TooManyFiles, OutOfMemory, PermissionDenied, System.
    static Segment create(const TagFiles& files, const SegmentPlan& plan);

    /// Number of bytes that must be free for create().
    /// \throws Error InvalidArgument, NoSpace, as create().
    static std::uint64_t bytes_for(const TagFiles& files, const SegmentPlan& plan);

    /// Number of bytes of a slot of such arrays.
    static std::uint64_t slot_bytes_for(const ArraySpec& spec) noexcept;

    /// Opens and checks a file. Nothing if the file is gone.
    /// \throws Error as open_checked(), and Damaged, UnsupportedVersion, OutOfMemory.
    static std::optional<Segment> open(const TagFiles& files, const Id& id, const Id& instance,
                                       std::uint32_t generation, const Owner& owner);

    /// For the writer: gives memory to one more slot, which becomes an empty slot.
    /// \returns false if all slots have memory, or if there is no room.
    bool reserve_another() noexcept;

    /// For the writer: frees the memory of a slot that is not used any more.
    void free_slot(std::uint32_t index) const noexcept;

    /// Brings a slot into the page table at its first use. Later calls make no system call.
    /// \returns false if the slot has no memory: then a touch would allocate memory, or fail. A reader calls
    /// this only for a slot that has a frame.
    bool look_at_slot(std::uint32_t index) noexcept;

    const std::string& name() const noexcept { return name_; }
    const std::string& path() const noexcept { return path_; }
    std::uint32_t generation() const noexcept { return geometry_.generation; }
    std::uint32_t slot_count() const noexcept { return geometry_.slot_count; }

    /// Number of slots that have memory. Another process may have written any number.
    std::uint32_t ready() const noexcept {
        // Acquire: the slots are empty slots by now.
        return all_ready_ ? slot_count()
                          : std::min(slot_count(), header().ready.load(std::memory_order_acquire));
    }
    std::uint64_t slot_bytes() const noexcept { return geometry_.slot_bytes; }
    std::uint64_t file_bytes() const noexcept { return geometry_.file_bytes; }

    /// Number of bytes that have memory.
    std::uint64_t ready_bytes() const noexcept { return geometry_.data_offset + ready() * slot_bytes(); }
    std::uint64_t metadata_capacity() const noexcept { return geometry_.metadata_capacity; }
    const Id& id() const noexcept { return id_; }
    const ArraySpec& spec() const noexcept { return spec_; }
    const Attributes& attributes() const noexcept { return attributes_; }

    /// Whether the file was made shorter. is_cut() looks first at the end of what this process uses. See
    /// platform::Mapping.
    bool was_cut() const noexcept { return mapping_.was_cut(); }
    bool is_cut() const noexcept { return mapping_.is_cut_before(end_of_used()); }

    std::atomic<std::uint64_t>& latest() const noexcept { return header().latest; }
    std::atomic<std::uint32_t>& pinned() const noexcept { return header().pinned; }
    layout::SlotHeader& slot(std::uint32_t index) const noexcept {
        return *reinterpret_cast<layout::SlotHeader*>(
            at(geometry_.slot_headers_offset + index * geometry_.slot_header_bytes));
    }
    std::byte* metadata(std::uint32_t index) const noexcept {
        return reinterpret_cast<std::byte*>(&slot(index)) + sizeof(layout::SlotHeader);
    }
    std::byte* data(std::uint32_t index) const noexcept {
        return at(geometry_.data_offset + index * geometry_.slot_bytes);
    }

  private:
    Segment() = default;
    void write_header(const std::string& attributes, const Id& instance);
    int reserve(std::uint64_t offset, std::uint64_t bytes) const noexcept;
    void read_geometry(const std::string& path, std::uint64_t file_bytes);
    void read_attributes(const std::string& path);

    layout::SegmentHeader& header() const noexcept {
        return *reinterpret_cast<layout::SegmentHeader*>(mapping_.data());
    }
    std::byte* at(std::uint64_t offset) const noexcept { return mapping_.data() + offset; }
    std::uint64_t end_of_used() const noexcept {
        const auto slots = static_cast<std::uint64_t>(std::bit_width(seen_slots_));
        return geometry_.data_offset + slots * geometry_.slot_bytes;
    }

    std::string name_;
    std::string path_;
    Id id_;
    platform::Descriptor file_;  // to reserve slots, or to check whether slots have memory
    platform::Mapping mapping_;
    bool all_ready_ = false;        // a segment of format 1.0
    bool checks_slots_ = false;     // a reader's on a tmpfs
    std::uint32_t seen_slots_ = 0;  // bit per slot
    layout::SegmentGeometry geometry_{};
    ArraySpec spec_;
    Attributes attributes_;
};

}  // namespace ndsharray
