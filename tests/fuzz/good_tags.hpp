// SPDX-License-Identifier: BSD-3-Clause
// Tags as real writers make them, for inputs to start from.
#pragma once

#include <functional>
#include <string>

namespace ndsharray::fuzz {

inline constexpr unsigned good_tag_count = 6;

/// Calls `look` while the files of such a tag are there, with the name of its segment.
void with_good_tag(unsigned which, const std::function<void(const std::string& segment)>& look);

}  // namespace ndsharray::fuzz
