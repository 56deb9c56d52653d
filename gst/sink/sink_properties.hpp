// SPDX-License-Identifier: BSD-3-Clause
// The properties of ndshsink: what a user sets, and its counters.
#pragma once

#include <gst/gst.h>

#include <ndsharray/writer.hpp>

#include <cstdint>
#include <string>

namespace ndsharray::gst {

/// A plain value: what the next Writer is opened with.
struct SinkSettings {
    std::string tag;
    WriterOptions writer;
    bool wait_for_reader = false;
};

/// What ndshsink counts: with what the Writer counts, the "stats" property.
struct SinkStats {
    WriterStats writer;
    std::uint64_t copied = 0;         ///< published frames whose pixels were copied into shared memory
    std::uint64_t zero_copied = 0;    ///< those that upstream wrote there
    std::uint64_t dropped_metas = 0;  ///< metas that did not cross
    std::uint64_t lost = 0;           ///< frames dropped for another reason than a missing slot
};

/// Property ids of ndshsink from 1 on; set_sink_property() knows those before NumReaders.
enum class SinkProperty : guint {
    Tag = 1,
    Slots,
    Permissions,
    Backpressure,
    WaitForReader,
    Compat,
    NumReaders,
    Stats,
};

/// Installs every property of ndshsink, the read-only ones too.
void install_sink_properties(GObjectClass* klass);

/// \returns false if there is no such setting.
bool set_sink_property(SinkSettings& settings, SinkProperty property, const GValue* value);
bool get_sink_property(const SinkSettings& settings, SinkProperty property, GValue* value);

/// \returns (transfer full)
GstStructure* to_structure(const SinkStats& stats);

}  // namespace ndsharray::gst
