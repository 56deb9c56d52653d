// SPDX-License-Identifier: BSD-3-Clause
// What inspect() found, as JSON. The names are those of TagInfo.
#pragma once

#include <ndsharray/error.hpp>
#include <ndsharray/tag_info.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace ndsharray::cli {

nlohmann::ordered_json to_json(const TagInfo& info);

/// For a tag that cannot be looked at.
nlohmann::ordered_json to_json(const std::string& tag, const Error& error);

/// As text, indented, with a newline. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace ndsharray::cli
