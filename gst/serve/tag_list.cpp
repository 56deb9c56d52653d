// SPDX-License-Identifier: BSD-3-Clause
// All live tags: as JSON for the page, and as Prometheus wants them.
#include "serve/tag_list.hpp"

#include <ndsharray/error.hpp>
#include <ndsharray/tag.hpp>

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <optional>
#include <sstream>

#include "serve/picture.hpp"
#include "video/caps.hpp"

namespace ndsharray::serve {
namespace {

using nlohmann::ordered_json;

bool is_live(const TagInfo& info) {
    return info.alive && info.state != TagState::Closed;
}

std::optional<double> age_of(const TagInfo& info) {
    if (info.last_published == no_time)
        return std::nullopt;
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t nanoseconds = now.tv_sec * 1'000'000'000LL + now.tv_nsec;
    return static_cast<double>(std::max<std::int64_t>(0, nanoseconds - info.last_published)) / 1e9;
}

std::uint64_t sum(const TagInfo& info, std::uint64_t TagReader::*counter) {
    std::uint64_t total = 0;
    for (const TagReader& reader : info.readers)
        total += reader.*counter;
    return total;
}

double latency_of(const TagInfo& info) {
    std::uint64_t most = 0;
    for (const TagReader& reader : info.readers)
        if (reader.alive)
            most = std::max(most, reader.latency_ns);
    return static_cast<double>(most) / 1e9;
}

std::string caps_of(const TagInfo& info) {
    const auto found = info.attributes.find(gst::caps_attribute);
    return found == info.attributes.end() ? std::string() : found->second;
}

ordered_json to_json(const TagInfo& info, const std::string& rtsp) {
    const auto age = age_of(info);
    ordered_json json{{"tag", info.tag},
                      {"state", name(info.state)},
                      {"dtype", nullptr},
                      {"shape", nullptr},
                      {"leading", nullptr},
                      {"caps", caps_of(info)},
                      {"video", is_video(info)},
                      {"rate", info.rate},
                      {"published", info.published},
                      {"age", age ? ordered_json(*age) : ordered_json()},
                      {"readers", info.readers_known ? ordered_json(info.readers.size()) : ordered_json()},
                      {"missed", sum(info, &TagReader::missed)},
                      {"latency", latency_of(info)},
                      {"memory_bytes", info.memory_bytes},
                      {"generation", info.generation},
                      {"writer_pid", info.writer_pid},
                      {"rtsp", rtsp.empty() ? ordered_json() : ordered_json(rtsp + info.tag)}};
    if (info.generation != 0) {
        const std::vector shape(info.spec.shape.begin(), info.spec.shape.begin() + info.spec.ndim);
        ordered_json leading = ordered_json::array();
        for (const std::uint32_t axis : axes_of(info.spec, Channels::Auto).leading)
            leading.push_back(shape[axis]);
        json["dtype"] = name(info.spec.dtype);
        json["shape"] = shape;
        json["leading"] = leading;
    }
    return json;
}

/// One metric, with a line per tag.
void add(std::ostringstream& text, const char* name, const char* type, const char* help,
         const std::vector<TagInfo>& tags, const std::function<double(const TagInfo&)>& value) {
    text << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
    for (const TagInfo& info : tags)
        text << name << "{tag=\"" << info.tag << "\"} " << value(info) << '\n';
}

void add(std::ostringstream& text, const char* name, const char* type, const char* help, double value) {
    text << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n'
         << name << ' ' << value << '\n';
}

}  // namespace

std::vector<TagInfo> live_tags(const std::string& owner) {
    std::vector<TagInfo> live;
    std::vector<std::string> names;
    tell_obstacle();
    try {
        names = tag_names();
    } catch (const Error&) {
        return live;  // the directory may not be listed
    }
    for (const std::string& tag : names) {
        try {
            TagInfo info = inspect(tag, owner);
            if (is_live(info))
                live.push_back(std::move(info));
        } catch (const Error&) {
            // Gone meanwhile, or somebody else's.
        }
    }
    return live;
}

void tell_obstacle() {
    static std::atomic<bool> told{false};
    const std::string problem = directory_problem();
    if (!told.exchange(!problem.empty()) && !problem.empty())
        std::fprintf(stderr, "ndsh-serve: %s\n", problem.c_str());
}

bool is_live(const std::string& tag, const std::string& owner) {
    try {
        return is_live(inspect(tag, owner));
    } catch (const Error&) {
        return false;
    }
}

bool has_no_frame_yet(const std::string& tag, const std::string& owner) {
    try {
        const TagInfo info = inspect(tag, owner);
        return is_live(info) && info.generation == 0;
    } catch (const Error&) {
        return false;
    }
}

bool is_video(const TagInfo& info) {
    if (info.generation == 0)
        return false;
    try {
        gst::frame_caps(info.spec, info.attributes, nullptr);
        return true;
    } catch (const gst::NoCaps&) {
        return false;
    }
}

ordered_json to_json(const std::vector<TagInfo>& tags, const std::string& rtsp) {
    ordered_json json = ordered_json::array();
    for (const TagInfo& info : tags)
        json.push_back(to_json(info, rtsp));
    return json;
}

std::string metrics(const std::vector<TagInfo>& tags, const Served& served) {
    std::ostringstream text;
    text.precision(15);
    add(text, "ndsharray_frames_published_total", "counter", "Frames published under the tag", tags,
        [](const TagInfo& info) { return static_cast<double>(info.published); });
    add(text, "ndsharray_frame_rate", "gauge", "Frames per second", tags,
        [](const TagInfo& info) { return info.rate; });
    add(text, "ndsharray_frames_missed", "gauge", "Frames that the readers attached now did not get", tags,
        [](const TagInfo& info) { return static_cast<double>(sum(info, &TagReader::missed)); });
    add(text, "ndsharray_latency_seconds", "gauge",
        "From publication to delivery of the last frame, of the slowest reader", tags, latency_of);
    add(text, "ndsharray_readers", "gauge", "Attached readers", tags,
        [](const TagInfo& info) { return static_cast<double>(info.readers.size()); });
    add(text, "ndsharray_memory_bytes", "gauge", "Shared memory of the tag", tags,
        [](const TagInfo& info) { return static_cast<double>(info.memory_bytes); });
    add(text, "ndsharray_last_frame_age_seconds", "gauge", "Age of the last frame", tags,
        [](const TagInfo& info) { return age_of(info).value_or(0); });
    text << "# HELP ndsharray_serve_viewers Viewers now\n# TYPE ndsharray_serve_viewers gauge\n"
         << "ndsharray_serve_viewers{protocol=\"mjpeg\"} " << served.mjpeg << '\n'
         << "ndsharray_serve_viewers{protocol=\"rtsp\"} " << served.rtsp << '\n'
         << "ndsharray_serve_viewers{protocol=\"whep\"} " << served.whep << '\n';
    add(text, "ndsharray_serve_connections", "gauge", "Connections over HTTP now", served.connections);
    add(text, "ndsharray_serve_requests_total", "counter", "Requests over HTTP",
        static_cast<double>(served.requests));
    add(text, "ndsharray_serve_sent_bytes_total", "counter", "Bytes of answers over HTTP",
        static_cast<double>(served.bytes));
    add(text, "ndsharray_serve_rtsp_connections", "gauge", "Connections over RTSP now",
        served.rtsp_connections);
    add(text, "ndsharray_serve_rtsp_sent_bytes_total", "counter", "Bytes of encoded frames to RTSP viewers",
        static_cast<double>(served.rtsp_bytes));
    add(text, "ndsharray_serve_whep_sent_bytes_total", "counter", "Bytes of encoded frames to WHEP viewers",
        static_cast<double>(served.whep_bytes));
    return text.str();
}

std::string text_of(const ordered_json& json) {
    return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace ndsharray::serve
