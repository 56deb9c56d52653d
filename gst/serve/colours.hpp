// SPDX-License-Identifier: BSD-3-Clause
// The colour maps: what colour a number from 0 to 255 has.
#pragma once

#include <array>
#include <cstdint>

#include "serve/view.hpp"

namespace ndsharray::serve {

using Colour = std::array<std::uint8_t, 3>;

const std::array<Colour, 256>& colours(ColourMap map);

}  // namespace ndsharray::serve
