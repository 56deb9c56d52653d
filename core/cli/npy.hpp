// SPDX-License-Identifier: BSD-3-Clause
// The header of NumPy's .npy files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <ndsharray/array.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ndsharray::cli {

/// What a .npy file holds: frames of one layout, in C order; the array's first axis counts them.
struct NpyContent {
    ArraySpec frame;  // contiguous
    std::uint64_t frames = 0;
    std::uint64_t data_offset = 0;
};

/// A header for that, of the same length for any number of frames: it can be written again as they get more.
std::string make_npy_header(const ArraySpec& frame, std::uint64_t frames);

/// How many bytes of a file to give to parse_npy_header() at least, if it has so many.
inline constexpr std::size_t npy_header_look = 64 * 1024;

/// Reads a header of version 1, 2 or 3.
/// \param start the first bytes of the file. \param file_bytes how long it is.
/// \throws std::runtime_error, with a sentence that says what is wrong and what to do.
NpyContent parse_npy_header(std::string_view start, std::uint64_t file_bytes);

/// Turns the bytes of each element around, or of each half of a complex one.
void swap_bytes(std::byte* elements, const ArraySpec& spec) noexcept;

}  // namespace ndsharray::cli
