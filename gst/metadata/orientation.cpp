// SPDX-License-Identifier: BSD-3-Clause
// The orientation of pictures: the tag "image-orientation" in events.
#include "metadata/orientation.hpp"

namespace ndsharray::gst {

const char* orientation_tag(Orientation orientation) {
    switch (orientation) {
        case GST_VIDEO_ORIENTATION_90R:
            return "rotate-90";
        case GST_VIDEO_ORIENTATION_180:
            return "rotate-180";
        case GST_VIDEO_ORIENTATION_90L:
            return "rotate-270";
        case GST_VIDEO_ORIENTATION_HORIZ:
            return "flip-rotate-0";
        case GST_VIDEO_ORIENTATION_VERT:
            return "flip-rotate-180";
        case GST_VIDEO_ORIENTATION_UL_LR:
            return "flip-rotate-270";
        case GST_VIDEO_ORIENTATION_UR_LL:
            return "flip-rotate-90";
        case GST_VIDEO_ORIENTATION_IDENTITY:
        case GST_VIDEO_ORIENTATION_AUTO:
        case GST_VIDEO_ORIENTATION_CUSTOM:
            break;
    }
    return "rotate-0";
}

GstEvent* orientation_event(Orientation orientation) {
    GstTagList* tags = gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, orientation_tag(orientation), nullptr);
    gst_tag_list_set_scope(tags, GST_TAG_SCOPE_STREAM);
    return gst_event_new_tag(tags);
}

bool OrientationOfStream::observe(GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START) {
        *this = {};
        return true;
    }
    if (GST_EVENT_TYPE(event) != GST_EVENT_TAG) {
        return false;
    }
    GstTagList* tags = nullptr;
    gst_event_parse_tag(event, &tags);
    Orientation orientation = GST_VIDEO_ORIENTATION_IDENTITY;
    if (!gst_video_orientation_from_tag(tags, &orientation)) {
        return false;  // another tag
    }
    (gst_tag_list_get_scope(tags) == GST_TAG_SCOPE_STREAM ? of_stream_ : of_container_) = orientation;
    return true;
}

}  // namespace ndsharray::gst
