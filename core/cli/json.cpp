// SPDX-License-Identifier: BSD-3-Clause
// What inspect() found, as JSON. The names are those of TagInfo.
#include "json.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <vector>

namespace ndsharray::cli {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const TagReader& reader) {
    return {{"pid", reader.pid},       {"mode", reader.mode == ReadMode::Every ? "every" : "latest"},
            {"alive", reader.alive},   {"suspended", reader.suspended},
            {"leased", reader.leased}, {"cursor", reader.cursor},
            {"frames", reader.frames}, {"missed", reader.missed},
            {"copied", reader.copied}, {"latency_ns", reader.latency_ns}};
}

ordered_json to_json(const ArraySpec& spec) {
    return {{"dtype", name(spec.dtype)},
            {"byte_order", spec.byte_order == ByteOrder::Little ? "little" : "big"},
            {"shape", std::vector(spec.shape.begin(), spec.shape.begin() + spec.ndim)},
            {"strides", std::vector(spec.strides.begin(), spec.strides.begin() + spec.ndim)},
            {"bytes", spec.bytes}};
}

}  // namespace

ordered_json to_json(const TagInfo& info) {
    const auto age = age_of(info);
    ordered_json readers = ordered_json::array();
    for (const TagReader& reader : info.readers)
        readers.push_back(to_json(reader));
    const bool has_segment = info.generation != 0;
    return {{"tag", info.tag},
            {"alive", info.alive},
            {"state", name(info.state)},
            {"writer_pid", info.writer_pid},
            {"epoch", info.epoch},
            {"backpressure", info.backpressure},
            {"compat", info.compat},
            {"generation", info.generation},
            {"segment", has_segment ? ordered_json(info.segment) : ordered_json()},
            {"array", has_segment ? to_json(info.spec) : ordered_json()},
            {"attributes", info.attributes},
            {"slots", info.slots},
            {"published", info.published},
            {"age_ns", age ? ordered_json(age->count()) : ordered_json()},
            {"rate", info.rate},
            {"memory_bytes", info.memory_bytes},
            {"owner", info.owner},
            {"permissions", fmt::format("{:04o}", info.permissions)},
            {"readers", info.readers_known ? readers : ordered_json()}};
}

ordered_json to_json(const std::string& tag, const Error& error) {
    return {{"tag", tag}, {"error", name(error.code())}, {"message", error.what()}};
}

std::string json_text(const ordered_json& json) {
    return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ndsharray::cli
