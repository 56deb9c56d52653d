// SPDX-License-Identifier: BSD-3-Clause
// The properties of ndshsink: settings and counters.
#pragma once

#include <gst/gst.h>

#include <ndsharray/writer.hpp>

#include <cstdint>
#include <string>

namespace ndsharray::gst {

/// Settings for the next Writer. A plain value.
struct SinkSettings {
    std::string tag;
    WriterOptions writer;
    bool wait_for_reader = false;
};

/// Counters of ndshsink and of its Writer, for the property "stats".
struct SinkStats {
    WriterStats writer;
    std::uint64_t copied = 0;         ///< published frames whose pixels were copied into shared memory
    std::uint64_t dropped_metas = 0;  ///< metas that did not cross
    std::uint64_t lost = 0;           ///< frames that were dropped although a slot was free
};

/// Property ids of ndshsink from 1 on. set_sink_property() knows those before NumReaders.
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

/// Installs all properties of ndshsink, including the read-only ones.
void install_sink_properties(GObjectClass* klass);

/// \returns false if there is no such setting.
bool set_sink_property(SinkSettings& settings, SinkProperty property, const GValue* value);
bool get_sink_property(const SinkSettings& settings, SinkProperty property, GValue* value);

/// \returns (transfer full)
GstStructure* to_structure(const SinkStats& stats);

}  // namespace ndsharray::gst
