// SPDX-License-Identifier: BSD-3-Clause
// The properties of ndshsink: settings and counters.
#include "sink/sink_properties.hpp"

#include <algorithm>

namespace ndsharray::gst {
namespace {

constexpr auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
constexpr auto mutable_ready =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

constexpr guint all_permissions = 0777;

void install(GObjectClass* klass, SinkProperty property, GParamSpec* spec) {
    g_object_class_install_property(klass, static_cast<guint>(property), spec);
}

void install_settings(GObjectClass* klass) {
    install(
        klass, SinkProperty::Tag,
        g_param_spec_string(
            "tag", "Tag",
            "Name under which readers find the frames: 1 to 128 of A-Z a-z 0-9 . _ -, not starting with a "
            "dot. One writer at a time per tag. Required, no default",
            nullptr, mutable_ready));
    install(klass, SinkProperty::Slots,
            g_param_spec_uint(
                "slots", "Slots",
                "Number of frames in shared memory, 3 to 32. Readers hold them or may still read them. "
                "Each takes the memory of a frame. Default: 0 = 8, fewer if space is short",
                0, max_slots, 0, mutable_ready));
    install(klass, SinkProperty::Permissions,
            g_param_spec_uint(
                "permissions", "Permissions",
                "Mode of the shared-memory files, as a number. With octal 0640 (416) the group may read, "
                "too; with 0644 (420) everybody. A write bit beside a read bit lets them read without a "
                "copy. Only the owner can write pixels. Default: 384, which is 0600, the user alone",
                0, all_permissions, WriterOptions{}.permissions, mutable_ready));
    install(
        klass, SinkProperty::Backpressure,
        g_param_spec_boolean(
            "backpressure", "Backpressure",
            "Wait for readers with mode=every, so that each of them gets every frame. Otherwise frames that "
            "they have not read are overwritten. EOS and stopping wait for them, too. Default: false",
            FALSE, mutable_ready));
    install(klass, SinkProperty::WaitForReader,
            g_param_spec_boolean("wait-for-reader", "Wait for reader",
                                 "Hold the first frame until a reader is attached. Default: false", FALSE,
                                 mutable_ready));
    install(
        klass, SinkProperty::Compat,
        g_param_spec_boolean(
            "compat", "Compatible with ndsharray 1.x",
            "Also publish in the layout of the Python package ndsharray 1.x, for scripts that use it: one "
            "more copy of each frame, with packed rows and in the machine's byte order. Default: false",
            FALSE, mutable_ready));
}

}  // namespace

void install_sink_properties(GObjectClass* klass) {
    install_settings(klass);
    install(klass, SinkProperty::NumReaders,
            g_param_spec_uint(
                "num-readers", "Number of readers",
                "Number of readers that are attached to the tag. Notifies at each change. 0 by default", 0,
                G_MAXUINT, 0, read_only));
    install(
        klass, SinkProperty::Stats,
        g_param_spec_boxed(
            "stats", "Statistics",
            "Counters since the tag was opened: published (frames that readers could see), dropped (frames "
            "without a free slot), zero-copied and copied (how published frames got into shared memory), "
            "metas-dropped (metas without room, or without meaning in another process), reclaimed (dead "
            "readers that were cleared), generation and segment (the shared memory in use), readers "
            "(attached now). All 0 by default",
            GST_TYPE_STRUCTURE, read_only));
}

bool set_sink_property(SinkSettings& settings, SinkProperty property, const GValue* value) {
    switch (property) {
        case SinkProperty::Tag: {
            const char* tag = g_value_get_string(value);
            settings.tag = tag ? tag : "";
            return true;
        }
        case SinkProperty::Slots:
            settings.writer.slots = g_value_get_uint(value);
            return true;
        case SinkProperty::Permissions:
            settings.writer.permissions = g_value_get_uint(value);
            return true;
        case SinkProperty::Backpressure:
            settings.writer.backpressure = g_value_get_boolean(value);
            return true;
        case SinkProperty::WaitForReader:
            settings.wait_for_reader = g_value_get_boolean(value);
            return true;
        case SinkProperty::Compat:
            settings.writer.compat = g_value_get_boolean(value);
            return true;
        case SinkProperty::NumReaders:
        case SinkProperty::Stats:
            break;
    }
    return false;
}

bool get_sink_property(const SinkSettings& settings, SinkProperty property, GValue* value) {
    switch (property) {
        case SinkProperty::Tag:
            g_value_set_string(value, settings.tag.empty() ? nullptr : settings.tag.c_str());
            return true;
        case SinkProperty::Slots:
            g_value_set_uint(value, settings.writer.slots);
            return true;
        case SinkProperty::Permissions:
            g_value_set_uint(value, settings.writer.permissions);
            return true;
        case SinkProperty::Backpressure:
            g_value_set_boolean(value, settings.writer.backpressure);
            return true;
        case SinkProperty::WaitForReader:
            g_value_set_boolean(value, settings.wait_for_reader);
            return true;
        case SinkProperty::Compat:
            g_value_set_boolean(value, settings.writer.compat);
            return true;
        case SinkProperty::NumReaders:
        case SinkProperty::Stats:
            break;
    }
    return false;
}

GstStructure* to_structure(const SinkStats& stats) {
    // A frame that is just being published counts as copied already.
    const std::uint64_t copied = std::min(stats.copied, stats.writer.published);
    return gst_structure_new("application/x-ndshsink-stats",                                          //
                             "published", G_TYPE_UINT64, guint64{stats.writer.published},             //
                             "dropped", G_TYPE_UINT64, guint64{stats.writer.dropped + stats.lost},    //
                             "zero-copied", G_TYPE_UINT64, guint64{stats.writer.published - copied},  //
                             "copied", G_TYPE_UINT64, guint64{copied},                                //
                             "metas-dropped", G_TYPE_UINT64, guint64{stats.dropped_metas},            //
                             "reclaimed", G_TYPE_UINT64, guint64{stats.writer.reclaimed},             //
                             "generation", G_TYPE_UINT, guint{stats.writer.generation},               //
                             "segment", G_TYPE_STRING, stats.writer.segment.c_str(),                  //
                             "readers", G_TYPE_UINT, guint{stats.writer.readers}, nullptr);
}

}  // namespace ndsharray::gst
