// SPDX-License-Identifier: BSD-3-Clause
// What an RTSP viewer gets of one tag: packets of its EncodedTag, in one pipeline for all viewers.
#pragma once

#include <gst/rtsp-server/rtsp-server.h>

#include <cstdint>
#include <string>

#include "serve/encoded_tag.hpp"

namespace ndsharray::serve {

/// A factory of shared media of that tag: made at the first viewer, gone after the last.
GstRTSPMediaFactory* rtsp_media_factory_new(EncodedTags& tags, const std::string& tag);

/// Whether somebody waited for a frame of the tag a moment ago, and none came.
bool gave_no_frame(GstRTSPMediaFactory* factory);

/// How many viewers it has now, for sent_bytes().
void set_viewers(GstRTSPMedia* media, unsigned viewers);

/// Bytes of encoded frames that went to viewers of all media so far, counted for each viewer.
std::uint64_t sent_bytes();

/// The next frame of that media becomes a key frame.
void request_key_frame(GstRTSPMedia* media);

}  // namespace ndsharray::serve
