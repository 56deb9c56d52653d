// SPDX-License-Identifier: BSD-3-Clause
// The files of the Python package ndsharray 1.x: names and bytes. See core/PROTOCOL.md, section 5.
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

/// Largest number of bytes before the elements: time, dtype, ndim, and all lengths.
inline constexpr std::size_t max_header_bytes = time_bytes + (2 + max_dimensions) * sizeof(std::uint64_t);

/// The path of the control file. Its content is the name of the data file.
std::string control_path(const TagFiles& files);

/// Size of the control file in bytes.
std::size_t control_bytes(const TagFiles& files) noexcept;

/// A name for a new data file. Our readers know our files by their names.
std::string new_data_name(const TagFiles& files);
std::string data_path(const TagFiles& files, const std::string& name);

/// Whether this is the name of a data file of the tag.
bool is_data_name(const TagFiles& files, std::string_view name) noexcept;

/// Whether this is the name of a data file of the tag that one of our writers made.
bool is_our_data_name(const TagFiles& files, std::string_view name);

/// Whether this is a control file as we make it, which never named a data file: it has only zeros.
bool is_unused_control(const TagFiles& files, const platform::Descriptor& control);

/// Reads the control file. \returns the name of the tag's data file, or nothing for any other content.
std::optional<std::string> read_control(const TagFiles& files, const platform::Descriptor& control);

/// The layout of a data file.
struct DataLayout {
    ArraySpec spec;                 // native byte order, C order
    std::uint64_t data_offset = 0;  // of the elements

    std::uint64_t end_time_offset() const noexcept { return data_offset + spec.bytes; }
    std::uint64_t file_bytes() const noexcept { return end_time_offset() + time_bytes; }
};

/// The layout of a data file for such arrays, as a process with our word size makes it.
/// \throws Error InvalidArgument as ArraySpec::contiguous.
DataLayout layout_for(const ArraySpec& spec);

/// The first `data_offset` bytes of the file. The time in them is 0.
std::vector<std::byte> make_header(const DataLayout& layout);

/// The layout of an existing data file, from its first bytes and its size. Nothing if these do not agree.
/// Safe with any bytes.
std::optional<DataLayout> parse_header(std::span<const std::byte> start, std::uint64_t file_bytes);

/// The names of the files in this layout that one of our writers left when it died. A data file of 1.x is
/// never among them. The control file is not, either, if a writer of 1.x uses it: one may have started since.
std::vector<std::string> leftover_names(const TagFiles& files);

/// Removes those files that belong to this user.
/// \param keep_control keeps the control file: readers of 1.x have it mapped and would not notice a new one.
void remove_leftovers(const TagFiles& files, bool keep_control);

}  // namespace ndsharray::v1
