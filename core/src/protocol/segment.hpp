// SPDX-License-Identifier: BSD-3-Clause
// A segment: the file that holds the slots of one array layout.
#pragma once

#include "platform/platform.hpp"
#include "protocol/files.hpp"
#include "protocol/layout.hpp"

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>

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
    /// Makes the file and reserves all its space. The first slots are ready, and the others are closed, see
    /// prepare_slot().
    /// \throws Error InvalidArgument, NoSpace, TooManyFiles, OutOfMemory, PermissionDenied, System.
    static Segment create(const TagFiles& files, const SegmentPlan& plan);

    /// Number of bytes that create() reserves.
    /// \throws Error InvalidArgument, NoSpace, as create().
    static std::uint64_t bytes_for(const TagFiles& files, const SegmentPlan& plan);

    /// Opens and checks a file. Nothing if the file is gone.
    /// \throws Error as open_checked(), and Damaged, UnsupportedVersion, OutOfMemory.
    static std::optional<Segment> open(const TagFiles& files, const Id& id, const Id& instance,
                                       std::uint32_t generation, const Owner& owner);

    /// Number of ready slots in a new segment. The first frame needs no more, and should come quickly.
    static constexpr std::uint32_t ready_at_first = 1;

    /// For the writer: clears a slot's memory and brings it into the page table.
    void prepare_slot(std::uint32_t index) const noexcept;

    /// For the writer: replaces small pages from this offset on by one huge page, even if they are in use.
    /// \returns the offset for the next call, or nothing at the end.
    std::optional<std::uint64_t> use_huge_page(std::uint64_t offset) const noexcept {
        return mapping_.use_huge_page(offset);
    }

    /// For the writer: frees the memory of a slot that is not used any more.
    void free_slot(std::uint32_t index) const noexcept;

    /// For a reader: brings a slot into the page table at its first use.
    void look_at_slot(std::uint32_t index) noexcept;

    const std::string& name() const noexcept { return name_; }

    /// The path of the file, if this process created it.
    const std::string& path() const noexcept { return path_; }
    std::uint32_t generation() const noexcept { return geometry_.generation; }
    std::uint32_t slot_count() const noexcept { return geometry_.slot_count; }
    std::uint64_t slot_bytes() const noexcept { return geometry_.slot_bytes; }
    std::uint64_t file_bytes() const noexcept { return geometry_.file_bytes; }
    std::uint64_t metadata_capacity() const noexcept { return geometry_.metadata_capacity; }
    const Id& id() const noexcept { return id_; }
    const ArraySpec& spec() const noexcept { return spec_; }
    const Attributes& attributes() const noexcept { return attributes_; }

    /// Whether the file was made shorter. is_cut() looks at the end of the file first. See platform::Mapping.
    bool was_cut() const noexcept { return mapping_.was_cut(); }
    bool is_cut() const noexcept { return mapping_.is_cut(); }

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
    void read_geometry(const std::string& path, std::uint64_t file_bytes);
    void read_attributes(const std::string& path);

    layout::SegmentHeader& header() const noexcept {
        return *reinterpret_cast<layout::SegmentHeader*>(mapping_.data());
    }
    std::byte* at(std::uint64_t offset) const noexcept { return mapping_.data() + offset; }

    std::string name_;
    std::string path_;
    Id id_;
    platform::Mapping mapping_;
    std::uint32_t seen_slots_ = 0;  // bit per slot
    layout::SegmentGeometry geometry_{};
    ArraySpec spec_;
    Attributes attributes_;
};

}  // namespace ndsharray
