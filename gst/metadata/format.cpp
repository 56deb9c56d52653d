// SPDX-License-Identifier: BSD-3-Clause
// The kinds of metadata that cross with a frame, and the room for them. gst/METADATA.md has the format.
#include "metadata/format.hpp"

#include <gst/video/video-anc.h>

namespace ndsharray::gst {
namespace {

/// Whether a meta is about the buffer's memory or layout, and not about the picture.
bool is_about_memory(const GstMetaInfo* info) {
    static const GQuark memory = g_quark_from_static_string(GST_META_TAG_MEMORY_STR);
    static const GQuark reference = g_quark_from_static_string("memory-reference");
    return info->api == GST_PARENT_BUFFER_META_API_TYPE || gst_meta_api_type_has_tag(info->api, memory) ||
           gst_meta_api_type_has_tag(info->api, reference);
}

}  // namespace

std::optional<MetadataKind> kind_of(const GstMetaInfo* info) {
    static const GType layout = GST_VIDEO_META_API_TYPE;
    if (info->api == layout) {  // first, because most buffers have only this one
        return std::nullopt;
    }
    if (info->api == GST_VIDEO_CROP_META_API_TYPE) {
        return MetadataKind::Crop;
    }
    if (info->api == GST_VIDEO_TIME_CODE_META_API_TYPE) {
        return MetadataKind::TimeCode;
    }
    if (info->api == GST_REFERENCE_TIMESTAMP_META_API_TYPE) {
        return MetadataKind::ReferenceTimestamp;
    }
    if (info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) {
        return MetadataKind::RegionOfInterest;
    }
    if (info->api == GST_VIDEO_CAPTION_META_API_TYPE) {
        return MetadataKind::Caption;
    }
    if (is_about_memory(info)) {
        return std::nullopt;
    }
    if (gst_meta_info_is_custom(info)) {
        return MetadataKind::Custom;
    }
    return MetadataKind::Serialized;
}

}  // namespace ndsharray::gst
