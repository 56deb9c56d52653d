// SPDX-License-Identifier: BSD-3-Clause
// The newest frame of a tag, and what is exactly in it: the whole array, or one element.
#pragma once

#include <ndsharray/frame.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray::serve {

/// The newest frame; waits a moment where none is there yet. Its reader is gone when this returns.
/// \throws std::runtime_error with a sentence where none came.
Frame newest_frame(const std::string& tag, const std::string& owner);

/// As numpy.save() writes it.
std::string npy(const Frame& frame);

/// Element at an index per axis, as JSON says it: number, true, [real, imaginary], or "nan", "inf", "-inf".
/// \throws std::out_of_range
nlohmann::ordered_json element(const ArrayView& array, const std::vector<std::uint64_t>& index);

}  // namespace ndsharray::serve
