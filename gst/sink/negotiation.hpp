// SPDX-License-Identifier: BSD-3-Clause
// What ndshsink and its upstream agree on: the form of the frames, and the memory that they come in.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "sink/tag_writer.hpp"

namespace ndsharray::gst {

/// The caps that the sink can be linked with. While its pipeline is being built, that is in the state NULL,
/// it can be linked to anything: an application that links then has no bus yet, and a refused link would not
/// tell it why. can_be_fed() posts an error with advice later. \returns nullptr for the caps of the pad's
/// template.
GstCaps* caps_to_link(GstElement* sink, GstCaps* filter);

/// The form that frames of these caps have in shared memory. Nothing, and an error message, for caps that are
/// not raw video. \throws Error InvalidArgument: GStreamer has no layout for frames of this size.
std::shared_ptr<const SlotFormat> slot_format(GstElement* sink, GstCaps* caps);

/// Answers an ALLOCATION query with a pool of slots, if the query is about frames of the present format, and
/// with the metas that cross.
void offer_slots(GstQuery* query, const std::shared_ptr<TagWriter>& writer);

}  // namespace ndsharray::gst
