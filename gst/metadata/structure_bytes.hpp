// SPDX-License-Identifier: BSD-3-Clause
// GstStructure as bytes. Only values with the same meaning in every process are possible. gst/METADATA.md has
// the format.
#pragma once

#include <gst/gst.h>

#include <string>

#include "metadata/byte_stream.hpp"
#include "owned.hpp"

namespace ndsharray::gst {

/// \returns false if a value has a type that does not cross, or if there is no room. The caller then takes
/// back the bytes that were written.
bool write_structure(ByteWriter& bytes, const GstStructure* structure);

/// \throws DamagedBytes
Owned<GstStructure> read_structure(ByteReader& bytes);

/// Reads a text that becomes a quark. GLib keeps quarks until the process ends, so their number is limited:
/// a writer cannot fill the memory with new ones.
/// \returns 0 for an empty text
/// \throws DamagedBytes
GQuark read_quark(ByteReader& bytes);

}  // namespace ndsharray::gst
