// SPDX-License-Identifier: BSD-3-Clause
// A .npy file that grows frame by frame and can be read at any time.
#pragma once

#include "file.hpp"

#include <ndsharray/array.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ndsharray::cli {

/// The header counts the frames that are complete. It is written once a second and at the end, so that even a
/// program that is killed leaves a file that NumPy reads.
class NpyWriter {
  public:
    NpyWriter(File file, const ArraySpec& frame);

    /// Writes what is not yet in the header.
    /// \throws std::system_error.
    void finish();

    bool accepts(const ArraySpec& frame) const;

    /// Appends a frame, in C order without padding whatever its strides are.
    /// \throws std::system_error, such as for a full disk; the frames before stay.
    void append(const ArrayView& frame);

    const std::string& path() const noexcept { return file_.path(); }
    std::uint64_t frames() const noexcept { return frames_; }
    std::uint64_t bytes() const noexcept { return frames_ * frame_.bytes; }

  private:
    void write_header();

    File file_;
    const ArraySpec frame_;  // contiguous
    std::size_t header_bytes_ = 0;
    std::uint64_t frames_ = 0;
    std::vector<std::byte> packed_;
    std::chrono::steady_clock::time_point header_due_;
};

}  // namespace ndsharray::cli
