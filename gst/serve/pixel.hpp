// SPDX-License-Identifier: BSD-3-Clause
// What is exactly under a pixel of a picture: from the array, never from the picture.
#pragma once

#include <ndsharray/frame.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>

#include "serve/view.hpp"

namespace ndsharray::serve {

/// {"index": ..., "value": ..., "frame": ...}; of video in planes or packed words {"format", "components"}
/// instead of an index. \throws std::out_of_range outside of the picture.
nlohmann::ordered_json pixel(const Frame& frame, const View& view, std::uint64_t x, std::uint64_t y);

}  // namespace ndsharray::serve
