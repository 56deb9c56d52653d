// SPDX-License-Identifier: BSD-3-Clause
// A picture of a frame: of video its colours, of any other array what a View makes of its numbers.
#pragma once

#include <ndsharray/frame.hpp>

#include <cstdint>
#include <optional>
#include <vector>

#include "serve/view.hpp"

namespace ndsharray::serve {

/// Which axes of an array are the rows, columns and channels of a picture.
struct Axes {
    std::optional<std::uint32_t> row;  ///< none: a single row
    std::optional<std::uint32_t> column;
    std::optional<std::uint32_t> channel;
    std::vector<std::uint32_t> leading;  ///< those an index is for
};

Axes axes_of(const ArraySpec& spec, Channels channels);

struct Picture {
    unsigned width = 0;
    unsigned height = 0;
    unsigned channels = 1;   ///< 1 gray, 3 RGB
    unsigned depth = 8;      ///< bits per channel, 8 or 16 (native order)
    std::uint64_t step = 1;  ///< from one pixel to the next in the array, either way
    std::vector<std::uint8_t> bytes{};
};

/// \param deep whether 16 bits are wanted where the frame has them
/// \throws std::runtime_error with a sentence, where there is nothing to see: no elements, an index outside.
Picture picture_of(const Frame& frame, const View& view, bool deep);

}  // namespace ndsharray::serve
