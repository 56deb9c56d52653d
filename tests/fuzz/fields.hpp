// SPDX-License-Identifier: BSD-3-Clause
// Every number in the files of a tag that somebody reads.
#pragma once

#include <protocol/layout.hpp>

#include <array>
#include <cstddef>

namespace ndsharray::fuzz {

struct FieldOfFile {
    enum Place { Control, Table, Entry, Segment, Slot, CompatControl, CompatData } file;
    std::size_t offset;  // in the file, the reader's entry or the slot's header
    unsigned width;
};

namespace in_segment {
inline constexpr std::size_t geometry = offsetof(layout::SegmentHeader, geometry);
inline constexpr std::size_t shape = geometry + offsetof(layout::SegmentGeometry, shape);
inline constexpr std::size_t strides = geometry + offsetof(layout::SegmentGeometry, strides);
}  // namespace in_segment

// clang-format off
inline constexpr std::array fields{
    // The preamble is the same in all three.
    FieldOfFile{FieldOfFile::Control, offsetof(layout::Preamble, magic), 8},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::Preamble, major), 2},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::Preamble, header_bytes), 4},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::Preamble, instance), 8},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::ControlFile, wake), 4},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::ControlFile, state), 4},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::ControlFile, epoch), 4},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::ControlFile, generation), 4},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::ControlFile, segment_id), 8},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::ControlFile, published), 8},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::ControlFile, last_generation), 4},
    FieldOfFile{FieldOfFile::Control, offsetof(layout::ControlFile, options), 4},

    FieldOfFile{FieldOfFile::Table, offsetof(layout::Preamble, major), 2},
    FieldOfFile{FieldOfFile::Table, offsetof(layout::Preamble, header_bytes), 4},
    FieldOfFile{FieldOfFile::Table, offsetof(layout::Preamble, instance), 8},
    FieldOfFile{FieldOfFile::Table, offsetof(layout::ReaderTable, entry_count), 4},
    FieldOfFile{FieldOfFile::Table, offsetof(layout::ReaderTable, entry_bytes), 4},
    FieldOfFile{FieldOfFile::Table, offsetof(layout::ReaderTable, active), 8},
    FieldOfFile{FieldOfFile::Table, offsetof(layout::ReaderTable, writer_waiting), 4},
    FieldOfFile{FieldOfFile::Entry, offsetof(layout::ReaderEntry, lease), 8},
    FieldOfFile{FieldOfFile::Entry, offsetof(layout::ReaderEntry, cursor), 8},
    FieldOfFile{FieldOfFile::Entry, offsetof(layout::ReaderEntry, flags), 4},
    FieldOfFile{FieldOfFile::Entry, offsetof(layout::ReaderEntry, frames), 8},

    FieldOfFile{FieldOfFile::Segment, offsetof(layout::Preamble, major), 2},
    FieldOfFile{FieldOfFile::Segment, offsetof(layout::Preamble, header_bytes), 4},
    FieldOfFile{FieldOfFile::Segment, offsetof(layout::Preamble, instance), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, file_bytes), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, generation), 4},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, slot_count), 4},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, slot_headers_offset), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, slot_header_bytes), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, data_offset), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, slot_bytes), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, attributes_offset), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, attributes_bytes), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, metadata_capacity), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, dtype), 4},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, byte_order), 4},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, ndim), 4},
    FieldOfFile{FieldOfFile::Segment, in_segment::geometry + offsetof(layout::SegmentGeometry, frame_bytes), 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::shape, 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::shape + 8, 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::shape + 16, 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::shape + 31 * 8, 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::strides, 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::strides + 8, 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::strides + 16, 8},
    FieldOfFile{FieldOfFile::Segment, in_segment::strides + 31 * 8, 8},
    FieldOfFile{FieldOfFile::Segment, offsetof(layout::SegmentHeader, latest), 8},
    FieldOfFile{FieldOfFile::Segment, offsetof(layout::SegmentHeader, pinned), 4},
    FieldOfFile{FieldOfFile::Segment, sizeof(layout::SegmentHeader), 4},      // length of the first key
    FieldOfFile{FieldOfFile::Segment, sizeof(layout::SegmentHeader) + 4, 4},  // and of its value

    FieldOfFile{FieldOfFile::Slot, offsetof(layout::SlotHeader, state), 8},
    FieldOfFile{FieldOfFile::Slot, offsetof(layout::SlotHeader, info) + offsetof(FrameInfo, number), 8},
    FieldOfFile{FieldOfFile::Slot, offsetof(layout::SlotHeader, info) + offsetof(FrameInfo, published), 8},
    FieldOfFile{FieldOfFile::Slot, offsetof(layout::SlotHeader, metadata_bytes), 8},

    FieldOfFile{FieldOfFile::CompatControl, 0, 8},
    FieldOfFile{FieldOfFile::CompatData, 0, 8},   // when it was written
    FieldOfFile{FieldOfFile::CompatData, 8, 8},   // dtype index, big-endian
    FieldOfFile{FieldOfFile::CompatData, 16, 8},  // ndim
    FieldOfFile{FieldOfFile::CompatData, 24, 8},  // lengths
    FieldOfFile{FieldOfFile::CompatData, 32, 8},
};
// clang-format on

}  // namespace ndsharray::fuzz
