// SPDX-License-Identifier: BSD-3-Clause
// The properties of ndshsrc: settings and counters.
#include "source/src_properties.hpp"

#include <utility>

namespace ndsharray::gst {
namespace {

constexpr auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
constexpr auto mutable_ready =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto mutable_playing =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);

constexpr unsigned most_leases = 32;

// ------------------------------------------------------------------------------------------- enum types

// The values of an enumeration must live as long as its type.
constexpr GEnumValue modes[] = {
    {static_cast<int>(ReadMode::Latest), "The newest frame; those in between are skipped", "latest"},
    {static_cast<int>(ReadMode::Every), "Each frame in order; all of them if the writer has backpressure",
     "every"},
    {0, nullptr, nullptr}};

constexpr GEnumValue on_disconnects[] = {
    {static_cast<int>(OnDisconnect::Wait), "Go on waiting for a writer", "wait"},
    {static_cast<int>(OnDisconnect::Eos), "End the stream", "eos"},
    {static_cast<int>(OnDisconnect::Error), "Post an error", "error"},
    {0, nullptr, nullptr}};

constexpr GEnumValue on_eoses[] = {
    {static_cast<int>(OnEos::Eos), "End the stream", "eos"},
    {static_cast<int>(OnEos::Wait), "Wait for the writer's next stream, or the next writer", "wait"},
    {0, nullptr, nullptr}};

constexpr GEnumValue timestamp_modes[] = {
    {static_cast<int>(TimestampMode::Auto), "stream where the writer has backpressure, else clock", "auto"},
    {static_cast<int>(TimestampMode::Clock), "The same instant as in the writer's pipeline", "clock"},
    {static_cast<int>(TimestampMode::Stream), "The writer's running time as it is", "stream"},
    {static_cast<int>(TimestampMode::Arrival), "When the frame was read", "arrival"},
    {0, nullptr, nullptr}};

GType enum_type(const char* type_name, const GEnumValue* values) {
    const GType type = g_enum_register_static(type_name, values);
    gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
    return type;
}

GParamSpec* enum_spec(const char* property, const char* nick, const char* blurb, GType type,
                      int default_value, GParamFlags flags) {
    return g_param_spec_enum(property, nick, blurb, type, default_value, flags);
}

// ------------------------------------------------------------------------------------------- properties

void install(GObjectClass* klass, SrcProperty property, GParamSpec* spec) {
    g_object_class_install_property(klass, static_cast<guint>(property), spec);
}

void install_what_to_read(GObjectClass* klass) {
    install(klass, SrcProperty::Tag,
            g_param_spec_string(
                "tag", "Tag",
                "Name under which the frames are written: 1 to 128 of A-Z a-z 0-9 . _ -, not "
                "starting with a dot. Required, no default. If it changes while PLAYING, the source "
                "moves to the new tag, with DISCONT and with new caps if they differ. A malformed tag "
                "is then refused with a warning, and the source stays",
                nullptr, mutable_playing));
    install(
        klass, SrcProperty::Mode,
        enum_spec("mode", "Mode",
                  "Which frame to take next. Default: latest, the newest frame. A change takes effect at the "
                  "next start or change of tag",
                  enum_type("NdshSrcMode", modes), static_cast<int>(ReadMode::Latest), mutable_ready));
    install(klass, SrcProperty::MaxLeases,
            g_param_spec_uint("max-leases", "Maximum leases",
                              "Number of frames that downstream may hold without a copy. Further frames are "
                              "copied. Each held frame takes a slot from the writer. Default: 2",
                              0, most_leases, ReaderOptions{}.max_leases, mutable_ready));
    install(
        klass, SrcProperty::Owner,
        g_param_spec_string("owner", "Owner",
                            "Name or number of the user who must own the tag. Default, unset: the user of "
                            "this process, or root",
                            nullptr, mutable_ready));
    install(
        klass, SrcProperty::Caps,
        g_param_spec_boxed(
            "caps", "Caps",
            "Caps of arrays that were written without caps, as from NumPy. The shape gives width and height. "
            "Default, unset: (H,W) uint8 GRAY8, (H,W) uint16 GRAY16, (H,W,3) uint8 RGB, (H,W,4) uint8 "
            "RGBA, "
            "(H,W,4) uint16 RGBA64",
            GST_TYPE_CAPS, mutable_ready));
}

void install_what_to_do(GObjectClass* klass) {
    install(
        klass, SrcProperty::Timeout,
        g_param_spec_uint64("timeout", "Timeout",
                            "How long to wait for a writer or a frame, in nanoseconds, before on-disconnect "
                            "applies. Default: 0 = for ever",
                            0, G_MAXINT64, 0, mutable_playing));
    install(
        klass, SrcProperty::OnDisconnect,
        enum_spec(
            "on-disconnect", "On disconnect",
            "What to do when the writer has left or timeout has passed. Default: wait for the next writer",
            enum_type("NdshSrcOnDisconnect", on_disconnects), static_cast<int>(OnDisconnect::Wait),
            mutable_playing));
    install(
        klass, SrcProperty::OnEos,
        enum_spec("on-eos", "On EOS", "What to do when the writer's stream ended. Default: eos, end as well",
                  enum_type("NdshSrcOnEos", on_eoses), static_cast<int>(OnEos::Eos), mutable_playing));
    install(klass, SrcProperty::Timestamps,
            enum_spec("timestamps", "Timestamps",
                      "Source of the PTS of a frame. Default: auto, which is stream if the writer has "
                      "backpressure, otherwise clock",
                      enum_type("NdshSrcTimestamps", timestamp_modes), static_cast<int>(TimestampMode::Auto),
                      mutable_playing));
    install(klass, SrcProperty::Keepalive,
            g_param_spec_uint64(
                "keepalive", "Keepalive",
                "If no frame comes for this time, in nanoseconds, push the last frame again, "
                "with a current PTS and this duration. Repeat this until frames come, also "
                "while there is no writer. Longer than a frame, at least 1000000. Default: 0 = off",
                0, G_MAXINT64, 0, mutable_playing));
    install(
        klass, SrcProperty::MinLatency,
        g_param_spec_uint64("min-latency", "Minimum latency",
                            "Least latency to report, in nanoseconds. The reported latency is the age of "
                            "the writer's frames when they arrive. A LATENCY message announces a change. Set "
                            "this if the application does not handle such messages, or if the latency must "
                            "not change. Default: 0",
                            0, G_MAXINT64, 0, mutable_playing));
    install(
        klass, SrcProperty::Stats,
        g_param_spec_boxed(
            "stats", "Statistics",
            "Counters since the element started: frames (delivered), missed (published but not "
            "delivered), copied (delivered as a copy), metas-dropped (damaged, or of a kind that is unknown "
            "here), generation and segment (the shared "
            "memory read from), reconnects (writers after the first), latency-ns (from publication to "
            "arrival here, of the newest frame), repeated (frames pushed again for keepalive). All 0 "
            "by default",
            GST_TYPE_STRUCTURE, read_only));
}

void set_text(std::string& text, const GValue* value) {
    const char* given = g_value_get_string(value);
    text = given ? given : "";
}

void get_text(const std::string& text, GValue* value) {
    g_value_set_string(value, text.empty() ? nullptr : text.c_str());
}

/// A property in nanoseconds. 0 means that it is not used.
std::optional<std::chrono::nanoseconds> duration(const GValue* value) {
    const guint64 nanoseconds = g_value_get_uint64(value);
    return nanoseconds > 0 ? std::optional(std::chrono::nanoseconds(nanoseconds)) : std::nullopt;
}

void set_duration(GValue* value, std::optional<std::chrono::nanoseconds> duration) {
    g_value_set_uint64(value, duration ? static_cast<guint64>(duration->count()) : 0);
}

}  // namespace

void install_src_properties(GObjectClass* klass) {
    install_what_to_read(klass);
    install_what_to_do(klass);
}

bool set_src_property(SrcSettings& settings, SrcProperty property, const GValue* value) {
    switch (property) {
        case SrcProperty::Tag:
            set_text(settings.tag, value);
            return true;
        case SrcProperty::Mode:
            settings.reader.mode = static_cast<ReadMode>(g_value_get_enum(value));
            return true;
        case SrcProperty::Timeout:
            settings.policy.timeout = duration(value);
            return true;
        case SrcProperty::OnDisconnect:
            settings.policy.on_disconnect = static_cast<OnDisconnect>(g_value_get_enum(value));
            return true;
        case SrcProperty::OnEos:
            settings.policy.on_eos = static_cast<OnEos>(g_value_get_enum(value));
            return true;
        case SrcProperty::Timestamps:
            settings.policy.timestamps = static_cast<TimestampMode>(g_value_get_enum(value));
            return true;
        case SrcProperty::MaxLeases:
            settings.reader.max_leases = g_value_get_uint(value);
            return true;
        case SrcProperty::Owner:
            set_text(settings.reader.owner, value);
            return true;
        case SrcProperty::Caps:
            settings.caps = share(const_cast<GstCaps*>(gst_value_get_caps(value)));
            return true;
        case SrcProperty::Keepalive:
            settings.policy.keepalive = duration(value);
            return true;
        case SrcProperty::MinLatency:
            settings.policy.min_latency = std::chrono::nanoseconds(g_value_get_uint64(value));
            return true;
        case SrcProperty::Stats:
            break;
    }
    return false;
}

bool get_src_property(const SrcSettings& settings, SrcProperty property, GValue* value) {
    switch (property) {
        case SrcProperty::Tag:
            get_text(settings.tag, value);
            return true;
        case SrcProperty::Mode:
            g_value_set_enum(value, static_cast<int>(settings.reader.mode));
            return true;
        case SrcProperty::Timeout:
            set_duration(value, settings.policy.timeout);
            return true;
        case SrcProperty::OnDisconnect:
            g_value_set_enum(value, static_cast<int>(settings.policy.on_disconnect));
            return true;
        case SrcProperty::OnEos:
            g_value_set_enum(value, static_cast<int>(settings.policy.on_eos));
            return true;
        case SrcProperty::Timestamps:
            g_value_set_enum(value, static_cast<int>(settings.policy.timestamps));
            return true;
        case SrcProperty::MaxLeases:
            g_value_set_uint(value, settings.reader.max_leases);
            return true;
        case SrcProperty::Owner:
            get_text(settings.reader.owner, value);
            return true;
        case SrcProperty::Caps:
            gst_value_set_caps(value, settings.caps.get());
            return true;
        case SrcProperty::Keepalive:
            set_duration(value, settings.policy.keepalive);
            return true;
        case SrcProperty::MinLatency:
            set_duration(value, settings.policy.min_latency);
            return true;
        case SrcProperty::Stats:
            break;
    }
    return false;
}

GstStructure* to_structure(const SrcStats& stats) {
    return gst_structure_new("application/x-ndshsrc-stats",                                         //
                             "frames", G_TYPE_UINT64, guint64{stats.reader.frames},                 //
                             "missed", G_TYPE_UINT64, guint64{stats.reader.missed},                 //
                             "copied", G_TYPE_UINT64, guint64{stats.reader.copied + stats.copied},  //
                             "metas-dropped", G_TYPE_UINT64, guint64{stats.dropped_metas},          //
                             "generation", G_TYPE_UINT, guint{stats.reader.generation},             //
                             "segment", G_TYPE_STRING, stats.reader.segment.c_str(),                //
                             "reconnects", G_TYPE_UINT64, guint64{stats.reader.reconnects},         //
                             "latency-ns", G_TYPE_UINT64, guint64{stats.latency_ns},                //
                             "repeated", G_TYPE_UINT64, guint64{stats.repeated}, nullptr);
}

}  // namespace ndsharray::gst
