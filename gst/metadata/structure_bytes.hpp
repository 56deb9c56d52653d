// SPDX-License-Identifier: BSD-3-Clause
// GstStructure as bytes, of values that mean the same in every process; gst/METADATA.md has the format.
#pragma once

#include <gst/gst.h>

#include <string>

#include "metadata/byte_stream.hpp"
#include "owned.hpp"

namespace ndsharray::gst {

/// \returns false if it has a value of a type that does not cross, or does not fit; what was written until
/// then is to be taken back.
bool write_structure(ByteWriter& bytes, const GstStructure* structure);

/// \throws DamagedBytes
Owned<GstStructure> read_structure(ByteReader& bytes);

/// A text that GStreamer keeps for ever. A writer that sends new ones without end is refused at some point.
/// \returns 0 for an empty text
/// \throws DamagedBytes
GQuark read_quark(ByteReader& bytes);

}  // namespace ndsharray::gst
