// SPDX-License-Identifier: BSD-3-Clause
// What an RTSP viewer gets of one tag: packets of its EncodedTag, in one pipeline for all viewers.
#include "serve/rtsp_media.hpp"

#include <gst/base/gstbasesink.h>

#include <atomic>
#include <memory>
#include <utility>

#include "serve/encoded_feed.hpp"
#include "serve/main_loop.hpp"

namespace ndsharray::serve {
namespace {

constexpr const char* feed_key = "ndsh-feed";

std::atomic<std::uint64_t> sent{0};

/// A media waits so long for the first frame, and with it the one thread in which all clients are served.
/// gst-rtsp-server would wait for 20 s.
constexpr unsigned most_milliseconds_without_a_frame = 6000;

/// Nobody waits for the tag again for so long when nothing came.
constexpr gint64 most_microseconds_refused = 10'000'000;

/// Of one media: whether its first frame came, or it is gone.
using Settled = std::shared_ptr<std::atomic<bool>>;

/// When nobody is refused any more, in the time of g_get_monotonic_time().
using RefusedUntil = std::shared_ptr<std::atomic<gint64>>;

/// What goes into one media.
class Feed {
  public:
    Feed(std::shared_ptr<EncodedTag> tag, GstAppSrc* appsrc, Settled settled)
        : settled_(std::move(settled)),
          counter_(tag->subscribe([this](GstSample* sample) {
              sent += viewers_ * gst_buffer_get_size(gst_sample_get_buffer(sample));
              return true;
          })),
          feed_(std::move(tag), appsrc) {}
    ~Feed() { *settled_ = true; }
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    void request_key_frame() { feed_.request_key_frame(); }
    void set_viewers(unsigned viewers) { viewers_ = viewers; }

  private:
    std::atomic<unsigned> viewers_ = 0;
    Settled settled_;
    std::unique_ptr<EncodedTag::Subscription> counter_;
    EncodedFeed feed_;
};

/// \returns nullptr where the media is gone already.
Feed* feed_of(GstRTSPMedia* media) {
    const gst::Owned<GstObject> bin(GST_OBJECT(gst_rtsp_media_get_element(media)));
    return static_cast<Feed*>(g_object_get_data(G_OBJECT(bin.get()), feed_key));
}

struct Source {
    EncodedTags* tags;
    std::string tag;
    RefusedUntil refused_until = std::make_shared<std::atomic<gint64>>(0);
};

struct Factory {
    GstRTSPMediaFactory parent;
    Source* source;
};

struct FactoryClass {
    GstRTSPMediaFactoryClass parent;
};

G_DEFINE_TYPE(Factory, ndsh_rtsp_media_factory, GST_TYPE_RTSP_MEDIA_FACTORY)

Source* source_of(gpointer factory) {
    return static_cast<Factory*>(factory)->source;
}

/// One media for a tag, however the rest of the URL is written.
char* gen_key(GstRTSPMediaFactory* factory, const GstRTSPUrl*) {
    return g_strdup(source_of(factory)->tag.c_str());
}

/// A media to which no frame comes ends with an error.
void end_without_frame(GstElement* appsrc, const Settled& settled, const RefusedUntil& refused_until) {
    const std::shared_ptr<GstElement> kept(GST_ELEMENT(gst_object_ref(appsrc)), gst_object_unref);
    const gst::Owned<GstObject> pad(GST_OBJECT(gst_element_get_static_pad(appsrc, "src")));
    gst_pad_add_probe(
        GST_PAD(pad.get()), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo*, gpointer data) {
            **static_cast<Settled*>(data) = true;
            return GST_PAD_PROBE_REMOVE;
        },
        std::make_unique<Settled>(settled).release(),
        [](gpointer data) { delete static_cast<Settled*>(data); });
    in_main_loop([kept, settled, refused_until] {
        after(most_milliseconds_without_a_frame, [kept, settled, refused_until] {
            if (*settled)
                return;
            *refused_until = g_get_monotonic_time() + most_microseconds_refused;
            GST_ELEMENT_ERROR(kept.get(), STREAM, FAILED, ("no frame came"), (nullptr));
        });
    });
}

/// \returns nullptr where there is nothing to see; the viewer is told that there is no such media.
GstElement* create_element(GstRTSPMediaFactory* factory, const GstRTSPUrl*) {
    const Source* source = source_of(factory);
    try {
        auto tag = source->tags->of(source->tag);
        // No packet waits for another one. Key frames have SPS and PPS already.
        const char* payloader = tag->codec() == Codec::Vp8
                                    ? "rtpvp8pay name=pay0 pt=96 picture-id-mode=15-bit"
                                    : "rtph264pay name=pay0 pt=96 aggregate-mode=zero-latency";
        const std::string text = "appsrc name=feed ! " + std::string(payloader);
        GstElement* bin = gst_parse_bin_from_description(text.c_str(), FALSE, nullptr);
        if (bin == nullptr)
            return nullptr;
        const gst::Owned<GstObject> appsrc(GST_OBJECT(gst_bin_get_by_name(GST_BIN(bin), "feed")));
        const auto settled = std::make_shared<std::atomic<bool>>(false);
        auto feed = std::make_unique<Feed>(std::move(tag), GST_APP_SRC(appsrc.get()), settled);
        end_without_frame(GST_ELEMENT(appsrc.get()), settled, source->refused_until);
        g_object_set_data_full(G_OBJECT(bin), feed_key, feed.release(),
                               [](gpointer data) { delete static_cast<Feed*>(data); });
        return bin;
    } catch (const std::exception& error) {
        GST_WARNING("%s: %s", source->tag.c_str(), error.what());
        return nullptr;
    }
}

/// A packet is sent as soon as there is one: the frame was late when it was encoded, and need not wait for
/// its time, nor a sink for what other sinks need.
void send_at_once(GstElement* sink) {
    g_object_set(sink, "sync", FALSE, "processing-deadline", guint64{0}, nullptr);
}

/// What a viewer sends through its connection comes out of an appsrc to which gst-rtsp-server gives no caps.
/// It does to a udpsrc beside it, and then these would come after the segment.
void say_what_comes(GstAppSrc* appsrc) {
    if (const gst::Owned<GstCaps> known{gst_app_src_get_caps(appsrc)})
        return;
    const gst::Owned<GstCaps> caps(gst_caps_new_empty_simple("application/x-rtcp"));
    gst_app_src_set_caps(appsrc, caps.get());
}

void element_added(GstBin*, GstBin*, GstElement* element, gpointer) {
    if (GST_IS_BASE_SINK(element))
        send_at_once(element);
    else if (GST_IS_APP_SRC(element))
        say_what_comes(GST_APP_SRC(element));
}

GstElement* create_pipeline(GstRTSPMediaFactory* factory, GstRTSPMedia* media) {
    GstElement* pipeline =
        GST_RTSP_MEDIA_FACTORY_CLASS(ndsh_rtsp_media_factory_parent_class)->create_pipeline(factory, media);
    if (pipeline != nullptr)
        g_signal_connect(pipeline, "deep-element-added", G_CALLBACK(element_added), nullptr);
    return pipeline;
}

void finalize(GObject* object) {
    delete source_of(object);
    G_OBJECT_CLASS(ndsh_rtsp_media_factory_parent_class)->finalize(object);
}

void ndsh_rtsp_media_factory_class_init(FactoryClass* type) {
    G_OBJECT_CLASS(type)->finalize = finalize;
    type->parent.gen_key = gen_key;
    type->parent.create_element = create_element;
    type->parent.create_pipeline = create_pipeline;
}

void ndsh_rtsp_media_factory_init(Factory*) {}

}  // namespace

GstRTSPMediaFactory* rtsp_media_factory_new(EncodedTags& tags, const std::string& tag) {
    auto* factory = GST_RTSP_MEDIA_FACTORY(g_object_new(ndsh_rtsp_media_factory_get_type(), nullptr));
    reinterpret_cast<Factory*>(factory)->source =
        std::make_unique<Source>(Source{.tags = &tags, .tag = tag}).release();
    gst_rtsp_media_factory_set_shared(factory, TRUE);
    gst_rtsp_media_factory_set_latency(factory, 0);
    gst_rtsp_media_factory_set_stop_on_disconnect(factory, TRUE);
    gst_rtsp_media_factory_set_transport_mode(factory, GST_RTSP_TRANSPORT_MODE_PLAY);
    // That of the EncodedTag, whose times are taken over.
    const gst::Owned<GstClock> clock(gst_system_clock_obtain());
    gst_rtsp_media_factory_set_clock(factory, clock.get());
    return factory;
}

bool gave_no_frame(GstRTSPMediaFactory* factory) {
    return g_get_monotonic_time() < *source_of(factory)->refused_until;
}

void set_viewers(GstRTSPMedia* media, unsigned viewers) {
    if (Feed* feed = feed_of(media))
        feed->set_viewers(viewers);
}

std::uint64_t sent_bytes() {
    return sent;
}

void request_key_frame(GstRTSPMedia* media) {
    if (Feed* feed = feed_of(media))
        feed->request_key_frame();
}

}  // namespace ndsharray::serve
