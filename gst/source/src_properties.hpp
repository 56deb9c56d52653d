// SPDX-License-Identifier: BSD-3-Clause
// The properties of ndshsrc: settings and counters.
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

/// Reaction of ndshsrc when the writer has left, or when no frame came for `timeout`.
enum class OnDisconnect { Wait, Eos, Error };

/// Reaction of ndshsrc when the writer's stream has ended.
enum class OnEos { Eos, Wait };

/// Settings that may change at any time. ndshsrc reads them again before each wait.
struct SrcPolicy {
    std::optional<std::chrono::nanoseconds> timeout;  ///< nothing: for ever
    OnDisconnect on_disconnect = OnDisconnect::Wait;
    OnEos on_eos = OnEos::Eos;
    TimestampMode timestamps = TimestampMode::Auto;
    std::optional<std::chrono::nanoseconds> keepalive;  ///< nothing: off
    std::chrono::nanoseconds min_latency{0};            ///< least latency to report
};

struct SrcSettings {
    std::string tag;
    ReaderOptions reader;
    SrcPolicy policy;
    Owned<GstCaps> caps;
};

/// The settings. All functions are for any thread.
class SharedSettings {
  public:
    /// Calls `use` with the settings and returns its result. Other threads have no access meanwhile, so `use`
    /// must not wait.
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

/// Counters of ndshsrc and of its Reader, for the property "stats".
struct SrcStats {
    ReaderStats reader;
    std::uint64_t copied = 0;  ///< frames that the element copied, without those that the Reader copied
    std::uint64_t dropped_metas = 0;  ///< metas that could not be added to buffers
    std::uint64_t latency_ns = 0;     ///< age of the newest frame when it was read
    std::uint64_t repeated = 0;       ///< times a frame was pushed again for `keepalive`
};

/// Property ids of ndshsrc from 1 on. set_src_property() knows all except Stats.
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

/// Installs all properties of ndshsrc, including the read-only one.
void install_src_properties(GObjectClass* klass);

/// \returns false if there is no such setting.
bool set_src_property(SrcSettings& settings, SrcProperty property, const GValue* value);
bool get_src_property(const SrcSettings& settings, SrcProperty property, GValue* value);

/// \returns (transfer full)
GstStructure* to_structure(const SrcStats& stats);

}  // namespace ndsharray::gst
