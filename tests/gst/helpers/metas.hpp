// SPDX-License-Identifier: BSD-3-Clause
// Metas as tests attach them to buffers and look at them.
#pragma once

#include <gst/video/video.h>

#include <ostream>
#include <string>
#include <vector>

#include "held.hpp"

namespace ndsharray::test {

struct Place {
    guint x = 0, y = 0, width = 0, height = 0;
    bool operator==(const Place&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Place& place) {
    return out << place.x << ',' << place.y << ' ' << place.width << 'x' << place.height;
}

inline Place place_of(const GstVideoCropMeta& crop) {
    return {crop.x, crop.y, crop.width, crop.height};
}

inline Place place_of(const GstVideoRegionOfInterestMeta& region) {
    return {region.x, region.y, region.w, region.h};
}

inline void set(GstVideoCropMeta& crop, const Place& place) {
    crop.x = place.x;
    crop.y = place.y;
    crop.width = place.width;
    crop.height = place.height;
}

inline GstVideoRegionOfInterestMeta* add_region(GstBuffer* buffer, const char* type, const Place& place) {
    return gst_buffer_add_video_region_of_interest_meta(buffer, type, place.x, place.y, place.width,
                                                        place.height);
}

/// From GStreamer's text form.
inline Held<GstStructure> structure(const char* text) {
    return Held<GstStructure>(gst_structure_from_string(text, nullptr));
}

inline Held<GstCaps> caps(const char* text) {
    return Held<GstCaps>(gst_caps_from_string(text));
}

inline void add_parameter(GstVideoRegionOfInterestMeta* region, const char* text) {
    gst_video_region_of_interest_meta_add_param(region, structure(text).release());
}

/// The metas of one API, in their order.
template <class Meta>
std::vector<Meta*> metas_of(GstBuffer* buffer, GType api) {
    std::vector<Meta*> result;
    gpointer state = nullptr;
    while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, api))
        result.push_back(reinterpret_cast<Meta*>(meta));
    return result;
}

inline std::vector<GstVideoRegionOfInterestMeta*> regions_of(GstBuffer* buffer) {
    return metas_of<GstVideoRegionOfInterestMeta>(buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
}

/// All that a time code says, as one line.
inline std::string text_of(const GstVideoTimeCode& code) {
    const gst::Owned<char> time(gst_video_time_code_to_string(&code));
    std::string result = time.get();
    result += " " + std::to_string(code.field_count) + " " + std::to_string(code.config.fps_n) + "/" +
              std::to_string(code.config.fps_d) + " ";
    if (!code.config.latest_daily_jam)
        return result + "-";
    const gst::Owned<char> jam(g_date_time_format(code.config.latest_daily_jam, "%FT%T.%f%:z"));
    return result + jam.get();
}

}  // namespace ndsharray::test
