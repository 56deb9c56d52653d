// SPDX-License-Identifier: BSD-3-Clause
// Writes the metas of a buffer as the bytes that are published with its pixels.
#include "metadata/encoder.hpp"

#include <gst/video/video-anc.h>

#include <algorithm>

#include "metadata/structure_bytes.hpp"

namespace ndsharray::gst {

namespace {

constexpr unsigned bit_of(MetadataKind kind) {
    return 1U << static_cast<unsigned>(kind);
}

/// The kinds of metas that a buffer has, as bits.
unsigned kinds_of(GstBuffer* buffer) {
    unsigned kinds = 0;
    gpointer state = nullptr;
    while (const GstMeta* meta = gst_buffer_iterate_meta(buffer, &state)) {
        if (const auto kind = kind_of(meta->info)) {
            kinds |= bit_of(*kind);
        }
    }
    return kinds;
}

/// Writes one record, or nothing.
template <class Content>
bool put_record(ByteWriter& bytes, MetadataKind kind, Content content) {
    const std::size_t begin = bytes.size();
    bytes.put(static_cast<std::uint32_t>(kind));
    const std::size_t length_at = bytes.size();
    bytes.put(std::uint32_t{0});
    const std::size_t content_at = bytes.size();
    if (!content() || bytes.is_full()) {
        bytes.take_back(begin);
        return false;
    }
    bytes.replace(length_at, static_cast<std::uint32_t>(bytes.size() - content_at));
    return true;
}

// ------------------------------------------------------------------------------------------- one of a kind

bool encode_crop(ByteWriter& bytes, const GstVideoCropMeta& crop, const GstVideoInfo& info) {
    if (!is_within(crop, info)) {
        return false;
    }
    for (const guint number : {crop.x, crop.y, crop.width, crop.height}) {
        bytes.put(std::uint32_t{number});
    }
    return true;
}

void encode_daily_jam(ByteWriter& bytes, GDateTime* jam) {
    bytes.put(std::uint8_t{jam != nullptr});
    if (jam) {
        bytes.put(std::int64_t{g_date_time_to_unix(jam)});
        bytes.put(std::int32_t{g_date_time_get_microsecond(jam)});
        bytes.put(static_cast<std::int32_t>(g_date_time_get_utc_offset(jam) / G_TIME_SPAN_SECOND));
    }
}

bool encode_time_code(ByteWriter& bytes, const GstVideoTimeCode& code) {
    if (code.config.fps_d == 0 || !gst_video_time_code_is_valid(&code)) {
        return false;
    }
    for (const guint number : {code.config.fps_n, code.config.fps_d, static_cast<guint>(code.config.flags),
                               code.hours, code.minutes, code.seconds, code.frames, code.field_count}) {
        bytes.put(std::uint32_t{number});
    }
    encode_daily_jam(bytes, code.config.latest_daily_jam);
    return true;
}

bool encode_reference_timestamp(ByteWriter& bytes, const GstReferenceTimestampMeta& reference) {
    GstCaps* caps = reference.reference;
    if (!GST_CLOCK_TIME_IS_VALID(reference.timestamp) || !caps || gst_caps_get_size(caps) != 1 ||
        !gst_caps_features_is_equal(gst_caps_get_features(caps, 0), GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY)) {
        return false;
    }
    bytes.put(std::uint64_t{reference.timestamp});
    bytes.put(std::uint64_t{reference.duration});
    return write_structure(bytes, gst_caps_get_structure(caps, 0));
}

bool encode_caption(ByteWriter& bytes, const GstVideoCaptionMeta& caption) {
    if (caption.caption_type == GST_VIDEO_CAPTION_TYPE_UNKNOWN || caption.size == 0) {
        return false;
    }
    bytes.put(static_cast<std::uint32_t>(caption.caption_type));
    bytes.put(static_cast<std::uint32_t>(caption.size));
    bytes.put_bytes(std::as_bytes(std::span(caption.data, caption.size)));
    return true;
}

bool encode_custom(ByteWriter& bytes, GstMeta* meta) {
    return write_structure(bytes, gst_custom_meta_get_structure(reinterpret_cast<GstCustomMeta*>(meta)));
}

}  // namespace

bool MetadataEncoder::encode_region(ByteWriter& bytes, const GstVideoRegionOfInterestMeta& region) {
    const gchar* type = g_quark_to_string(region.roi_type);
    const auto part = cut_ ? moved_into({region.x, region.y, region.w, region.h}, *cut_)
                           : std::optional(Rectangle{region.x, region.y, region.w, region.h});
    if (!part || (type && !g_utf8_validate(type, -1, nullptr))) {
        return false;
    }
    bytes.put(std::int32_t{region.id});
    bytes.put(std::int32_t{region.parent_id});
    for (const guint number : {part->x, part->y, part->width, part->height}) {
        bytes.put(std::uint32_t{number});
    }
    bytes.put_text(type ? type : "");
    // The parameters go up to the end of the record.
    for (const GList* param = region.params; param && !bytes.is_full(); param = param->next) {
        const std::size_t begin = bytes.size();
        if (!write_structure(bytes, static_cast<const GstStructure*>(param->data)) && !bytes.is_full()) {
            bytes.take_back(begin);  // a region without one of its parameters is better than none
            ++left_out_;
        }
    }
    return true;
}

// --------------------------------------------------------------------------- what serializes itself,
// from 1.24

#if GST_CHECK_VERSION(1, 24, 0)
namespace {

/// Lets a meta write into a vector of fixed size.
struct BoundedArray {
    GstByteArrayInterface parent{};

    explicit BoundedArray(std::vector<guint8>& bytes) {
        parent.data = bytes.data();
        parent.resize = [](GstByteArrayInterface*, gsize length) -> gboolean {
            return length <= metadata_capacity;
        };
    }
};

}  // namespace

bool MetadataEncoder::encode_serialized(ByteWriter& bytes, const GstMeta* meta) {
    if (!meta->info->serialize_func) {
        return false;
    }
    serialized_.resize(metadata_capacity);  // allocates once
    BoundedArray array(serialized_);
    guint8 version = 0;
    if (!meta->info->serialize_func(meta, &array.parent, &version)) {
        return false;
    }
    bytes.put_text(g_type_name(meta->info->type));
    bytes.put(version);
    bytes.put_bytes(std::as_bytes(std::span(serialized_).first(array.parent.len)));
    return true;
}
#else
bool MetadataEncoder::encode_serialized(ByteWriter&, const GstMeta*) {
    return false;
}
#endif

// ----------------------------------------------------------------------------------------------- all of it

bool MetadataEncoder::encode_meta(ByteWriter& bytes, GstMeta* meta, MetadataKind kind) {
    return put_record(bytes, kind, [&] {
        switch (kind) {
            case MetadataKind::Crop:
                return encode_crop(bytes, *reinterpret_cast<GstVideoCropMeta*>(meta), *info_);
            case MetadataKind::TimeCode:
                return encode_time_code(bytes, reinterpret_cast<GstVideoTimeCodeMeta*>(meta)->tc);
            case MetadataKind::ReferenceTimestamp:
                return encode_reference_timestamp(bytes, *reinterpret_cast<GstReferenceTimestampMeta*>(meta));
            case MetadataKind::RegionOfInterest:
                return encode_region(bytes, *reinterpret_cast<GstVideoRegionOfInterestMeta*>(meta));
            case MetadataKind::Custom:
                return encode_custom(bytes, meta);
            case MetadataKind::Serialized:
                return encode_serialized(bytes, meta);
            case MetadataKind::Caption:
                return encode_caption(bytes, *reinterpret_cast<GstVideoCaptionMeta*>(meta));
            case MetadataKind::Orientation:
                break;
        }
        return false;
    });
}

void MetadataEncoder::encode_kind(ByteWriter& bytes, GstBuffer* buffer, MetadataKind kind) {
    gpointer state = nullptr;
    while (GstMeta* meta = gst_buffer_iterate_meta(buffer, &state)) {
        if (kind_of(meta->info) == kind && !encode_meta(bytes, meta, kind)) {
            ++left_out_;
        }
    }
}

std::span<const std::byte> MetadataEncoder::encode(GstBuffer* buffer, const GstVideoInfo& info,
                                                   const std::optional<Rectangle>& cut,
                                                   std::optional<Orientation> orientation) {
    left_out_ = 0;
    unsigned kinds = kinds_of(buffer);
    if (kinds == 0 && !orientation) {
        return {};
    }
    cut_ = cut;
    if (cut_) {
        kinds &= ~bit_of(MetadataKind::Crop);  // the frame is cropped already
    }
    info_ = &info;
    ByteWriter bytes(area_);
    if (orientation) {
        put_record(bytes, MetadataKind::Orientation, [&] {
            bytes.put(static_cast<std::uint32_t>(*orientation));
            return true;
        });
    }
    for (const auto kind : {MetadataKind::Crop, MetadataKind::TimeCode, MetadataKind::ReferenceTimestamp,
                            MetadataKind::RegionOfInterest, MetadataKind::Custom, MetadataKind::Serialized,
                            MetadataKind::Caption}) {
        if (kinds & bit_of(kind)) {
            encode_kind(bytes, buffer, kind);
        }
    }
    return bytes.written();
}

}  // namespace ndsharray::gst
