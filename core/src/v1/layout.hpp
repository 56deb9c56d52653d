// SPDX-License-Identifier: BSD-3-Clause
// The files of the Python package ndsharray 1.x: their names and every byte in them. core/PROTOCOL.md, 5.
#pragma once

#include "protocol/files.hpp"

#include <ndsharray/array.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray::v1 {

/// The double at the start and at the end of a data file: seconds of CLOCK_MONOTONIC.
inline constexpr std::size_t time_bytes = sizeof(double);

/// The most bytes before the elements: time, dtype, ndim, and the most lengths.
inline constexpr std::size_t max_header_bytes = time_bytes + (2 + max_dimensions) * sizeof(std::uint64_t);

/// The control file's path; it holds the name of the data file.
std::string control_path(const TagFiles& files);

/// Bytes of the control file.
std::size_t control_bytes(const TagFiles& files) noexcept;

/// A name for a new data file, which tells readers of ours that the file is one of ours.
std::string new_data_name(const TagFiles& files);
std::string data_path(const TagFiles& files, const std::string& name);

/// Whether this is the name of a data file of the tag.
bool is_data_name(const TagFiles& files, std::string_view name) noexcept;

/// Whether this is the name of a data file of the tag that a writer of ours made.
bool is_our_data_name(const TagFiles& files, std::string_view name);

/// Whether this is a control file as we make it, that never named a data file: nothing but zeros.
bool is_unused_control(const TagFiles& files, const platform::Descriptor& control);

/// What the control file says: the name of the tag's data file. Nothing if it says something else.
std::optional<std::string> read_control(const TagFiles& files, const platform::Descriptor& control);

/// What is in a data file.
struct DataLayout {
    ArraySpec spec;                 // native byte order, C order
    std::uint64_t data_offset = 0;  // of the elements

    std::uint64_t end_time_offset() const noexcept { return data_offset + spec.bytes; }
    std::uint64_t file_bytes() const noexcept { return end_time_offset() + time_bytes; }
};

/// The layout of a data file for such arrays: what a process of our word size would make.
/// \throws Error InvalidArgument as ArraySpec::contiguous.
DataLayout layout_for(const ArraySpec& spec);

/// The first `data_offset` bytes of the file; the time in it is 0.
std::vector<std::byte> make_header(const DataLayout& layout);

/// The layout of a data file that somebody made, from its first bytes and its size. Nothing if they do not
/// agree. Safe on any bytes.
std::optional<DataLayout> parse_header(std::span<const std::byte> start, std::uint64_t file_bytes);

/// The names of what a dead writer of ours left of a tag's files in this layout: never a data file of 1.x,
/// nor the control file while a writer of 1.x has it, which may have started since.
std::vector<std::string> leftover_names(const TagFiles& files);

/// Removes that, as far as it belongs to this process's user.
/// \param keep_control readers of 1.x have it mapped and would not notice another one.
void remove_leftovers(const TagFiles& files, bool keep_control);

}  // namespace ndsharray::v1
