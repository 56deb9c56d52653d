// SPDX-License-Identifier: BSD-3-Clause
// The properties of ndshsrc: what a user sets, and its counters.
#pragma once

#include <gst/gst.h>

#include <ndsharray/reader.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "owned.hpp"
#include "time/timestamps.hpp"

namespace ndsharray::gst {

/// What ndshsrc does when the writer went away, or nothing came for `timeout`.
enum class OnDisconnect { Wait, Eos, Error };

/// What ndshsrc does when the writer's stream ended.
enum class OnEos { Eos, Wait };

/// What may be changed at any time, looked at again before each wait.
struct SrcPolicy {
    std::optional<std::chrono::nanoseconds> timeout;  ///< nothing: for ever
    OnDisconnect on_disconnect = OnDisconnect::Wait;
    OnEos on_eos = OnEos::Eos;
    TimestampMode timestamps = TimestampMode::Auto;
    std::optional<std::chrono::nanoseconds> keepalive;  ///< nothing: off
    std::chrono::nanoseconds min_latency{0};            ///< no less is reported
};

struct SrcSettings {
    std::string tag;
    ReaderOptions reader;
    SrcPolicy policy;
    Owned<GstCaps> caps;
};

/// The settings, for any thread.
class SharedSettings {
  public:
    /// What `use` makes of the settings, which nobody else sees or changes meanwhile. It must not wait.
    template <class Use>
    auto with(Use&& use) {
        const std::lock_guard lock(mutex_);
        return use(settings_);
    }

    SrcPolicy policy() const {
        const std::lock_guard lock(mutex_);
        return settings_.policy;
    }

  private:
    mutable std::mutex mutex_;
    SrcSettings settings_;
};

/// What ndshsrc counts: with what the Reader counts, the "stats" property.
struct SrcStats {
    ReaderStats reader;
    std::uint64_t copied = 0;         ///< frames copied by the element, on top of those the Reader copied
    std::uint64_t dropped_metas = 0;  ///< metas that could not be added to buffers
    std::uint64_t latency_ns = 0;     ///< age of the newest frame when it was read
    std::uint64_t repeated = 0;       ///< times a frame was pushed again for `keepalive`
};

/// Property ids of ndshsrc from 1 on; set_src_property() knows all but Stats.
enum class SrcProperty : guint {
    Tag = 1,
    Mode,
    Timeout,
    OnDisconnect,
    OnEos,
    Timestamps,
    MaxLeases,
    Owner,
    Caps,
    Keepalive,
    MinLatency,
    Stats,
};

/// Installs every property of ndshsrc, the read-only one too.
void install_src_properties(GObjectClass* klass);

/// \returns false if there is no such setting.
bool set_src_property(SrcSettings& settings, SrcProperty property, const GValue* value);
bool get_src_property(const SrcSettings& settings, SrcProperty property, GValue* value);

/// \returns (transfer full)
GstStructure* to_structure(const SrcStats& stats);

}  // namespace ndsharray::gst
