// SPDX-License-Identifier: BSD-3-Clause
// Advice on the element to put before ndshsink if a stream is not raw video.
#include "sink/decoder_advice.hpp"

#include <array>
#include <string_view>

namespace ndsharray::gst {
namespace {

struct Decoder {
    std::string_view media_type, elements;
};

/// Decoders of common formats. For others, decodebin finds what is installed.
constexpr std::array<Decoder, 10> decoders = {{{"image/jpeg", "jpegdec"},
                                               {"image/png", "pngdec"},
                                               {"video/x-h264", "\"h264parse ! avdec_h264\""},
                                               {"video/x-h265", "\"h265parse ! avdec_h265\""},
                                               {"video/x-vp8", "vp8dec"},
                                               {"video/x-vp9", "vp9dec"},
                                               {"video/x-av1", "\"av1parse ! dav1ddec\""},
                                               {"video/mpeg", "\"mpegvideoparse ! avdec_mpeg2video\""},
                                               {"video/x-dv", "avdec_dvvideo"},
                                               {"video/x-theora", "theoradec"}}};

constexpr std::array<Decoder, 5> downloads = {{{"memory:GLMemory", "gldownload"},
                                               {"memory:CUDAMemory", "cudadownload"},
                                               {"memory:VAMemory", "vapostproc"},
                                               {"memory:VASurface", "vaapipostproc"},
                                               {"memory:D3D11Memory", "d3d11download"}}};

/// The kind of memory of raw video that is not in memory for the CPU. Empty for other caps.
std::string_view other_memory(const GstCaps* caps) {
    const GstCapsFeatures* features = gst_caps_get_features(caps, 0);
    for (guint i = 0; features && i < gst_caps_features_get_size(features); ++i) {
        const std::string_view feature = gst_caps_features_get_nth(features, i);
        if (feature.starts_with("memory:") && feature != GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY) {
            return feature;
        }
    }
    return {};
}

std::string download_advice(std::string_view memory) {
    std::string_view element = "the download element of its plugin";
    for (const Decoder& download : downloads) {
        if (memory == download.media_type) {
            element = download.elements;
        }
    }
    return "The frames are in " + std::string(memory) + ", where the sink cannot read them. Put " +
           std::string(element) + " before it.";
}

}  // namespace

std::string decoder_advice(const GstCaps* caps) {
    if (gst_caps_is_any(caps) || gst_caps_is_empty(caps)) {
        return decoder_advice();
    }
    const std::string type = gst_structure_get_name(gst_caps_get_structure(caps, 0));
    if (type == "video/x-raw" || type == "video/x-bayer") {
        const std::string_view memory = other_memory(caps);
        return memory.empty() ? "Frames of this format or size cannot be shared. Put videoconvert or "
                                "bayer2rgb before the sink."
                              : download_advice(memory);
    }
    if (type.starts_with("audio/")) {
        return "The sink takes raw video, and this is sound (" + type +
               "): link the sink to the video of the stream.";
    }
    if (type.starts_with("text/") || type.starts_with("subpicture/")) {
        return "The sink takes raw video, and this is text (" + type +
               "): link the sink to the video of the stream.";
    }
    for (const Decoder& decoder : decoders) {
        if (type == decoder.media_type) {
            return "The sink takes raw video, and this is compressed (" + type + "): put " +
                   std::string(decoder.elements) + " before it, or decodebin.";
        }
    }
    return "The sink takes raw video, and this is " + type + ": put decodebin before it.";
}

std::string decoder_advice() {
    return "The sink takes raw video, and this stream has no caps: put decodebin before the sink, or "
           "rawvideoparse if the bytes are frames.";
}

}  // namespace ndsharray::gst
