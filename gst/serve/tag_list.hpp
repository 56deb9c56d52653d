// SPDX-License-Identifier: BSD-3-Clause
// All live tags: as JSON for the page, and as Prometheus wants them.
#pragma once

#include <ndsharray/tag_info.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray::serve {

/// What the server itself did.
struct Served {
    std::uint64_t bytes = 0;  ///< of bodies, over HTTP
    std::uint64_t requests = 0;
    unsigned connections = 0;
    unsigned mjpeg = 0;  ///< viewers now
    unsigned whep = 0;   ///< likewise
    unsigned rtsp = 0;   ///< likewise
    unsigned rtsp_connections = 0;
    std::uint64_t rtsp_bytes = 0;  ///< of encoded frames, for each viewer
    std::uint64_t whep_bytes = 0;  ///< likewise
};

/// Tags that a living writer writes and this process may look at; sorted.
std::vector<TagInfo> live_tags(const std::string& owner);

/// Prints why there can be no tags: once when that begins, not again while it lasts.
void tell_obstacle();

/// Whether there is a live tag of that name.
bool is_live(const std::string& tag, const std::string& owner);

/// Whether there is a live tag of that name to which nothing was written yet.
bool has_no_frame_yet(const std::string& tag, const std::string& owner);

/// Whether the tag has frames that can be sent as video.
bool is_video(const TagInfo& info);

/// \param rtsp address of the RTSP server, to which a tag is added; empty: there is none
nlohmann::ordered_json to_json(const std::vector<TagInfo>& tags, const std::string& rtsp);

/// In the text format of Prometheus.
std::string metrics(const std::vector<TagInfo>& tags, const Served& served);

/// JSON as text; what is no UTF-8 is replaced.
std::string text_of(const nlohmann::ordered_json& json);

}  // namespace ndsharray::serve
