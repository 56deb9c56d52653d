// SPDX-License-Identifier: BSD-3-Clause
// Makes the metas of a buffer from the bytes that were published with its pixels.
#include "metadata/decoder.hpp"

#include <gst/video/video-anc.h>

#include <memory>
#include <string>
#include <utility>

#include "metadata/structure_bytes.hpp"
#include "owned.hpp"
#include "video/crop.hpp"

#if GST_CHECK_VERSION(1, 24, 0)
#include <gst/video/video-sei.h>
#endif

namespace ndsharray::gst {
namespace {

/// Registers metas, so that they are found by name. GStreamer registers each at its first use.
void register_metas() {
#if GST_CHECK_VERSION(1, 24, 0)
    gst_ancillary_meta_get_info();
    gst_video_afd_meta_get_info();
    gst_video_bar_meta_get_info();
    gst_video_sei_user_data_unregistered_meta_get_info();
#endif
}

// ------------------------------------------------------------------------------------------- one of a kind

// Each function returns false if the meta has no meaning in this process. Each throws DamagedBytes.

Orientation read_orientation(ByteReader& bytes) {
    const auto number = bytes.get<std::uint32_t>();
    if (number > GST_VIDEO_ORIENTATION_UR_LL) {
        throw DamagedBytes();
    }
    return static_cast<Orientation>(number);
}

/// Elements do not check a crop. If it reached beyond the picture, they would read other memory.
bool add_crop(GstBuffer* buffer, ByteReader& bytes, const GstVideoInfo& info) {
    GstVideoCropMeta crop{};
    for (guint* number : {&crop.x, &crop.y, &crop.width, &crop.height}) {
        *number = bytes.get<std::uint32_t>();
    }
    if (!is_within(crop, info)) {
        throw DamagedBytes();
    }
    GstVideoCropMeta* meta = gst_buffer_add_video_crop_meta(buffer);
    meta->x = crop.x;
    meta->y = crop.y;
    meta->width = crop.width;
    meta->height = crop.height;
    return true;
}

struct UnrefDateTime {
    void operator()(GDateTime* time) const noexcept { g_date_time_unref(time); }
};
using OwnedDateTime = std::unique_ptr<GDateTime, UnrefDateTime>;

OwnedDateTime read_daily_jam(ByteReader& bytes) {
    if (bytes.get<std::uint8_t>() == 0) {
        return nullptr;
    }
    const auto seconds = bytes.get<std::int64_t>();
    const auto microseconds = bytes.get<std::int32_t>();
    const auto offset = bytes.get<std::int32_t>();
    constexpr std::int32_t day = 24 * 60 * 60;
    if (microseconds < 0 || microseconds >= G_USEC_PER_SEC || offset <= -day || offset >= day) {
        throw DamagedBytes();
    }
    const OwnedDateTime whole(g_date_time_new_from_unix_utc(seconds));  // nullptr outside of years 1 to 9999
    const OwnedDateTime exact(whole ? g_date_time_add(whole.get(), microseconds) : nullptr);
    if (!exact) {
        throw DamagedBytes();
    }
    GTimeZone* zone = g_time_zone_new_offset(offset);
    OwnedDateTime result(g_date_time_to_timezone(exact.get(), zone));
    g_time_zone_unref(zone);
    if (!result) {
        throw DamagedBytes();
    }
    return result;
}

bool add_time_code(GstBuffer* buffer, ByteReader& bytes) {
    GstVideoTimeCode code{};
    guint flags = 0;
    for (guint* number : {&code.config.fps_n, &code.config.fps_d, &flags, &code.hours, &code.minutes,
                          &code.seconds, &code.frames, &code.field_count}) {
        *number = bytes.get<std::uint32_t>();
    }
    const OwnedDateTime jam = read_daily_jam(bytes);
    constexpr guint known = GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME | GST_VIDEO_TIME_CODE_FLAGS_INTERLACED;
    code.config.flags = static_cast<GstVideoTimeCodeFlags>(flags & known);
    code.config.latest_daily_jam = jam.get();
    // GStreamer multiplies these as int.
    constexpr guint most = 1'000'000;
    if (code.config.fps_d == 0 || code.config.fps_n > most || code.config.fps_d > most ||
        !gst_video_time_code_is_valid(&code) || !gst_buffer_add_video_time_code_meta(buffer, &code)) {
        throw DamagedBytes();
    }
    return true;
}

bool add_reference_timestamp(GstBuffer* buffer, ByteReader& bytes) {
    const auto timestamp = bytes.get<std::uint64_t>();
    const auto duration = bytes.get<std::uint64_t>();
    Owned<GstStructure> structure = read_structure(bytes);
    if (!GST_CLOCK_TIME_IS_VALID(timestamp)) {
        throw DamagedBytes();
    }
    const Owned<GstCaps> caps(gst_caps_new_full(structure.release(), nullptr));
    gst_buffer_add_reference_timestamp_meta(buffer, caps.get(), timestamp, duration);
    return true;
}

bool add_region(GstBuffer* buffer, ByteReader& bytes) {
    const auto id = bytes.get<std::int32_t>();
    const auto parent = bytes.get<std::int32_t>();
    Rectangle place{};
    for (guint* number : {&place.x, &place.y, &place.width, &place.height}) {
        *number = bytes.get<std::uint32_t>();
    }
    const GQuark type = read_quark(bytes);
    auto* meta = gst_buffer_add_video_region_of_interest_meta_id(buffer, type, place.x, place.y, place.width,
                                                                 place.height);
    meta->id = id;
    meta->parent_id = parent;
    while (!bytes.is_at_end()) {
        gst_video_region_of_interest_meta_add_param(meta, read_structure(bytes).release());
    }
    return true;
}

bool add_caption(GstBuffer* buffer, ByteReader& bytes) {
    const auto type = bytes.get<std::uint32_t>();
    const auto data = bytes.get_bytes(bytes.get<std::uint32_t>());
    if (type < GST_VIDEO_CAPTION_TYPE_CEA608_RAW || type > GST_VIDEO_CAPTION_TYPE_CEA708_CDP ||
        data.empty()) {
        throw DamagedBytes();
    }
    gst_buffer_add_video_caption_meta(buffer, static_cast<GstVideoCaptionType>(type),
                                      reinterpret_cast<const guint8*>(data.data()), data.size());
    return true;
}

bool add_custom(GstBuffer* buffer, ByteReader& bytes) {
    const Owned<GstStructure> structure = read_structure(bytes);
    const gchar* name = gst_structure_get_name(structure.get());
    const GstMetaInfo* info = gst_meta_get_info(name);
    if (!info || !gst_meta_info_is_custom(info)) {
        return false;
    }
    GstStructure* fields = gst_custom_meta_get_structure(gst_buffer_add_custom_meta(buffer, name));
    for (gint i = 0; i < gst_structure_n_fields(structure.get()); ++i) {
        const gchar* field = gst_structure_nth_field_name(structure.get(), static_cast<guint>(i));
        gst_structure_set_value(fields, field, gst_structure_get_value(structure.get(), field));
    }
    return true;
}

#if GST_CHECK_VERSION(1, 24, 0)
/// Refuses metas that have a kind of their own. GStreamer would read some of them by its recursive parser,
/// which is not safe with bytes of unknown origin.
bool add_serialized(GstBuffer* buffer, ByteReader& bytes) {
    const std::string name = bytes.get_text();
    const auto version = bytes.get<std::uint8_t>();
    const auto content = bytes.get_rest();
    const GstMetaInfo* info = name.empty() ? nullptr : gst_meta_get_info(name.c_str());
    if (!info || !info->deserialize_func || kind_of(info) != MetadataKind::Serialized) {
        return false;
    }
    return info->deserialize_func(info, buffer, reinterpret_cast<const guint8*>(content.data()),
                                  content.size(), version) != nullptr;
}
#else
bool add_serialized(GstBuffer*, ByteReader& bytes) {
    bytes.get_rest();
    return false;
}
#endif

// ----------------------------------------------------------------------------------------------- all of it

struct Attached {
    std::optional<Orientation> orientation;
    std::uint64_t unknown = 0;
};

/// A later version may add fields at the end of a record. They are not read.
void attach_record(GstBuffer* buffer, MetadataKind kind, ByteReader content, const GstVideoInfo& info,
                   Attached& attached) {
    const auto add = [&]() -> bool {
        switch (kind) {
            case MetadataKind::Orientation:
                attached.orientation = read_orientation(content);
                return true;
            case MetadataKind::Crop:
                return add_crop(buffer, content, info);
            case MetadataKind::TimeCode:
                return add_time_code(buffer, content);
            case MetadataKind::ReferenceTimestamp:
                return add_reference_timestamp(buffer, content);
            case MetadataKind::RegionOfInterest:
                return add_region(buffer, content);
            case MetadataKind::Custom:
                return add_custom(buffer, content);
            case MetadataKind::Serialized:
                return add_serialized(buffer, content);
            case MetadataKind::Caption:
                return add_caption(buffer, content);
        }
        return false;
    };
    attached.unknown += add() ? 0 : 1;
}

Attached attach_records(GstBuffer* buffer, ByteReader bytes, const GstVideoInfo& info) {
    Attached attached;
    while (!bytes.is_at_end()) {
        const auto kind = static_cast<MetadataKind>(bytes.get<std::uint32_t>());
        const ByteReader content(bytes.get_bytes(bytes.get<std::uint32_t>()));
        attach_record(buffer, kind, content, info, attached);
    }
    return attached;
}

/// Removes all metas except those of the pool.
void remove_metas(GstBuffer* buffer) {
    gst_buffer_foreach_meta(
        buffer,
        [](GstBuffer*, GstMeta** meta, gpointer) -> gboolean {
            if (!GST_META_FLAG_IS_SET(*meta, GST_META_FLAG_POOLED)) {
                *meta = nullptr;
            }
            return TRUE;
        },
        nullptr);
}

}  // namespace

MetadataDecoder::MetadataDecoder() {
    register_metas();
}

void MetadataDecoder::copy(std::span<const std::byte> metadata) {
    has_metadata_ = !metadata.empty();
    too_long_ = metadata.size() > most_metadata;
    bytes_.assign(metadata.begin(), too_long_ ? metadata.begin() : metadata.end());
}

std::optional<Orientation> MetadataDecoder::attach_copy(GstBuffer* buffer, const GstVideoInfo& info) {
    try {
        if (too_long_) {
            throw DamagedBytes();
        }
        const Attached attached = attach_records(buffer, ByteReader(bytes_), info);
        dropped_ += attached.unknown;
        return attached.orientation;
    } catch (const DamagedBytes&) {
        remove_metas(buffer);
        ++dropped_;
        return std::nullopt;
    }
}

}  // namespace ndsharray::gst
