// SPDX-License-Identifier: BSD-3-Clause
// One viewer over WebRTC: what the encoder of its tag makes, sent through a webrtcbin of its own.
#include "serve/whep_session.hpp"

#include <gst/app/gstappsrc.h>
#include <gst/sdp/sdp.h>

#include <stdexcept>
#include <utility>

#include "serve/certificate.hpp"
#include "serve/main_loop.hpp"
#include "serve/playout_delay.hpp"

namespace ndsharray::serve {
namespace {

/// Packets have room for the headers of IPv6, UDP, SRTP and a tunnel.
constexpr int packet_bytes = 1200;

/// Of what is encoded and not sent yet. Nobody on the network is waited for: more is there only if the
/// machine is too busy.
constexpr guint64 most_frames_waiting = 8;

std::atomic<std::uint64_t> sent{0};

constexpr unsigned milliseconds_between_looks = 1000;
constexpr std::int64_t microseconds = 1'000'000;

std::string launch_line(Codec codec, unsigned payload) {
    const bool is_h264 = codec == Codec::H264;
    return std::string(
               "appsrc name=source is-live=true format=time do-timestamp=true emit-signals=false ! ") +
           (is_h264 ? "rtph264pay name=payloader config-interval=-1 aggregate-mode=zero-latency"
                    : "rtpvp8pay name=payloader picture-id-mode=2") +
           " mtu=" + std::to_string(packet_bytes) + " pt=" + std::to_string(payload) +
           " ! application/x-rtp,media=video,encoding-name=" + name_of(codec) +
           ",clock-rate=90000,payload=" + std::to_string(payload) +
           " ! webrtcbin name=webrtc bundle-policy=max-bundle latency=0";
}

GstWebRTCSessionDescription* description(GstWebRTCSDPType type, const std::string& text) {
    GstSDPMessage* message = nullptr;
    if (gst_sdp_message_new_from_text(text.c_str(), &message) != GST_SDP_OK)
        throw std::runtime_error("the session description is not understood");
    return gst_webrtc_session_description_new(type, message);
}

std::string text_of(const GstWebRTCSessionDescription* description) {
    gchar* text = gst_sdp_message_as_text(description->sdp);
    std::string copy(text);
    g_free(text);
    return copy;
}

/// What went wrong, where a reply of webrtcbin says so.
std::string problem_of(const GstStructure* reply) {
    GError* error = nullptr;
    if (reply != nullptr && gst_structure_get(reply, "error", G_TYPE_ERROR, &error, nullptr)) {
        std::string text = error->message;
        g_error_free(error);
        return text;
    }
    return {};
}

}  // namespace

// ------------------------------------------------------------------------------------- life of a session

WhepSession::WhepSession(std::shared_ptr<const Offer> offer, std::shared_ptr<EncodedTag> encoded,
                         const Options& options)
    : offer_(std::move(offer)), encoded_(std::move(encoded)), begun_(g_get_monotonic_time()) {
    const Codec codec = encoded_->codec();
    GError* error = nullptr;
    pipeline_.reset(gst_parse_launch_full(launch_line(codec, offer_->payload(codec).value()).c_str(), nullptr,
                                          GST_PARSE_FLAG_FATAL_ERRORS, &error));
    if (!pipeline_) {
        const std::string sentence = error->message;
        g_error_free(error);
        throw std::runtime_error(sentence);
    }
    source_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source"));
    webrtc_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "webrtc"));
    listen_at(options);
    g_signal_connect(webrtc_.get(), "notify::ice-gathering-state", G_CALLBACK(notified), this);
    g_signal_connect(webrtc_.get(), "notify::connection-state", G_CALLBACK(notified), this);
    g_signal_connect(webrtc_.get(), "deep-element-added", G_CALLBACK(element_added), this);
    GstPad* pad = gst_element_get_static_pad(source_.get(), "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, asked, this, nullptr);
    gst_object_unref(pad);
    if (const auto number = offer_->playout_delay()) {
        const gst::Owned<GstObject> payloader(
            GST_OBJECT(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "payloader")));
        const gst::Owned<GstObject> out(
            GST_OBJECT(gst_element_get_static_pad(GST_ELEMENT(payloader.get()), "src")));
        ask_for_no_playout_delay(GST_PAD(out.get()), *number);
    }
    GstBus* bus = gst_element_get_bus(pipeline_.get());
    gst_bus_add_watch(bus, message, this);
    gst_object_unref(bus);
}

WhepSession::~WhepSession() {
    if (timer_ != 0)
        g_source_remove(timer_);
    subscription_.reset();
    GstBus* bus = gst_element_get_bus(pipeline_.get());
    gst_bus_remove_watch(bus);
    gst_object_unref(bus);
    // Its threads end here, and no callback comes any more.
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    g_signal_handlers_disconnect_by_data(webrtc_.get(), this);
}

/// A server that is told to listen at one address does not listen at, nor tell anybody of, another one.
void WhepSession::listen_at(const Options& options) {
    GObject* found = nullptr;
    g_object_get(webrtc_.get(), "ice-agent", &found, nullptr);
    const gst::Owned<GObject> ice(found);
    g_object_get(ice.get(), "agent", &found, nullptr);
    const gst::Owned<GObject> agent(found);
    g_object_set(agent.get(), "upnp", FALSE, nullptr);
    if (!options.is_any()) {
        gboolean added = FALSE;
        g_signal_emit_by_name(ice.get(), "add-local-ip-address", options.listen.c_str(), &added);
        if (!added)
            throw std::runtime_error("WebRTC cannot listen on " + options.listen);
    }
    if (options.is_local())
        return;
    for (const IceServer& server : options.ice_servers) {
        gboolean added = FALSE;
        if (server.scheme == "stun")
            g_object_set(webrtc_.get(), "stun-server", server.uri().c_str(), nullptr);
        else
            g_signal_emit_by_name(webrtc_.get(), "add-turn-server", server.uri().c_str(), &added);
    }
}

void WhepSession::start(Told told) {
    GstWebRTCSessionDescription* remote =
        description(GST_WEBRTC_SDP_TYPE_OFFER, offer_->reduced(encoded_->codec()));
    told_ = std::move(told);
    subscription_ = encoded_->subscribe([this](GstSample* sample) { return take(sample); });
    timer_ = every(milliseconds_between_looks, [this] { return tick(); });
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    GstPromise* promise = then([](WhepSession& session, const GstStructure*) {
        session.add(session.offer_->ice());
        g_signal_emit_by_name(
            session.webrtc_.get(), "create-answer", nullptr,
            session.then([](WhepSession& self, const GstStructure* reply) { self.describe(reply); }));
    });
    g_signal_emit_by_name(webrtc_.get(), "set-remote-description", remote, promise);
    gst_webrtc_session_description_free(remote);
}

void WhepSession::end(const std::string& why) {
    if (std::exchange(has_ended_, true))
        return;
    const auto ended = told_.ended;
    ended(why);
}

bool WhepSession::tick() {
    const std::int64_t now = g_get_monotonic_time();
    const auto keep = shared_from_this();  // until this returns
    if (!is_connected_ && now - begun_ > connects_within_seconds * microseconds)
        end("no connection came about");
    else if (is_connected_ && now - heard_ > silent_seconds * microseconds)
        end("the viewer is silent");
    if (has_ended_)
        timer_ = 0;
    return !has_ended_;
}

// ---------------------------------------------------------------------------------------------- webrtcbin

struct WhepSession::Call {
    std::weak_ptr<WhepSession> session;
    Then next;
};

/// A promise that `next` is called in the main loop when it is replied to. An error ends the session. Who
/// replies has a reference of its own; the one that this returns is given up in replied().
GstPromise* WhepSession::then(Then next) {
    auto call = std::make_unique<Call>(Call{weak_from_this(), std::move(next)});
    return gst_promise_new_with_change_func(replied, call.release(),
                                            [](gpointer data) { delete static_cast<Call*>(data); });
}

void WhepSession::replied(GstPromise* promise, gpointer data) {
    const GstStructure* reply =
        gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED ? gst_promise_get_reply(promise) : nullptr;
    const std::shared_ptr<GstStructure> copy(reply != nullptr ? gst_structure_copy(reply) : nullptr,
                                             [](GstStructure* structure) {
                                                 if (structure != nullptr)
                                                     gst_structure_free(structure);
                                             });
    in_main_loop([call = *static_cast<Call*>(data), copy] {
        const auto session = call.session.lock();
        if (!session || session->has_ended_)
            return;
        const std::string problem = problem_of(copy.get());
        if (problem.empty())
            call.next(*session, copy.get());
        else
            session->end(problem);
    });
    gst_promise_unref(promise);
}

void WhepSession::describe(const GstStructure* reply) {
    GstWebRTCSessionDescription* local = nullptr;
    if (reply == nullptr ||
        !gst_structure_get(reply, "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &local, nullptr))
        return end("there is no answer");
    g_signal_emit_by_name(webrtc_.get(), "set-local-description", local,
                          then([](WhepSession& session, const GstStructure*) {
                              session.has_description_ = true;
                              session.look();
                          }));
    gst_webrtc_session_description_free(local);
}

void WhepSession::notified(GObject*, GParamSpec*, gpointer data) {
    in_main_loop([weak = static_cast<WhepSession*>(data)->weak_from_this()] {
        if (const auto session = weak.lock())
            session->look();
    });
}

/// \throws std::runtime_error where what webrtcbin says is not understood.
std::string WhepSession::answer() const {
    GstWebRTCSessionDescription* local = nullptr;
    g_object_get(webrtc_.get(), "local-description", &local, nullptr);
    const std::string text = text_of(local);
    gst_webrtc_session_description_free(local);
    return offer_->answer(text, encoded_->codec());
}

/// Something changed.
void WhepSession::look() {
    if (has_ended_)
        return;
    auto gathering = GST_WEBRTC_ICE_GATHERING_STATE_NEW;
    auto connection = GST_WEBRTC_PEER_CONNECTION_STATE_NEW;
    g_object_get(webrtc_.get(), "ice-gathering-state", &gathering, "connection-state", &connection, nullptr);
    if (has_description_ && !has_answered_ && gathering == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE) {
        has_answered_ = true;
        begun_ = g_get_monotonic_time();
        try {
            told_.answered(answer());
        } catch (const std::exception& error) {
            return end(error.what());
        }
    }
    if (connection == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED && !is_connected_)
        connected();
    else if (connection == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED)
        end("the connection failed");
    else if (connection == GST_WEBRTC_PEER_CONNECTION_STATE_CLOSED)
        end("the viewer left");
}

/// webrtcbin does not compare the certificate with the offer.
bool WhepSession::is_who_offered() const {
    GstWebRTCRTPTransceiver* transceiver = nullptr;
    g_signal_emit_by_name(webrtc_.get(), "get-transceiver", 0, &transceiver);
    if (transceiver == nullptr)
        return false;
    gchar* certificate = nullptr;
    GstWebRTCRTPSender* sender = nullptr;
    GstWebRTCDTLSTransport* transport = nullptr;
    g_object_get(transceiver, "sender", &sender, nullptr);
    g_object_get(sender, "transport", &transport, nullptr);
    g_object_get(transport, "remote-certificate", &certificate, nullptr);
    const bool is_same = certificate != nullptr && has_fingerprint(certificate, offer_->fingerprint());
    g_free(certificate);
    g_clear_object(&transport);
    g_object_unref(sender);
    g_object_unref(transceiver);
    return is_same;
}

void WhepSession::connected() {
    if (!is_who_offered())
        return end("the viewer has another certificate than it said");
    heard_ = g_get_monotonic_time();
    is_connected_ = true;
    encoded_->request_key_frame();
}

void WhepSession::add(const IceFragment& fragment) {
    for (const std::string& candidate : fragment.candidates)
        g_signal_emit_by_name(webrtc_.get(), "add-ice-candidate", 0, ("candidate:" + candidate).c_str());
}

void WhepSession::element_added(GstBin*, GstBin*, GstElement* element, gpointer session) {
    GstElementFactory* factory = gst_element_get_factory(element);
    if (factory == nullptr || g_strcmp0(GST_OBJECT_NAME(factory), "nicesrc") != 0)
        return;
    GstPad* pad = gst_element_get_static_pad(element, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, heard, session, nullptr);
    gst_object_unref(pad);
}

GstPadProbeReturn WhepSession::heard(GstPad*, GstPadProbeInfo*, gpointer session) {
    static_cast<WhepSession*>(session)->heard_ = g_get_monotonic_time();
    return GST_PAD_PROBE_OK;
}

/// The viewer lost something, and wants to begin anew.
GstPadProbeReturn WhepSession::asked(GstPad*, GstPadProbeInfo* info, gpointer session) {
    const GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (gst_event_has_name(const_cast<GstEvent*>(event), "GstForceKeyUnit"))
        static_cast<WhepSession*>(session)->encoded_->request_key_frame();
    return GST_PAD_PROBE_OK;
}

gboolean WhepSession::message(GstBus*, GstMessage* message, gpointer data) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
        return G_SOURCE_CONTINUE;
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    const std::string why = error->message;
    g_error_free(error);
    const auto session = static_cast<WhepSession*>(data)->shared_from_this();  // until this returns
    session->end(why);
    return G_SOURCE_CONTINUE;
}

// -------------------------------------------------------------------------------------------- the pictures

/// In the thread of the encoder.
bool WhepSession::take(GstSample* sample) {
    auto* source = GST_APP_SRC(source_.get());
    const bool is_full = gst_app_src_get_current_level_buffers(source) >= most_frames_waiting;
    if (is_full)
        encoded_->request_key_frame();
    if (is_full || !is_connected_)
        return false;
    GstBuffer* buffer = gst_buffer_copy(gst_sample_get_buffer(sample));
    const GstClockTime arrived = encoded_->base_time() + GST_BUFFER_PTS(buffer);
    age_us_ = g_get_monotonic_time() - static_cast<std::int64_t>(arrived / GST_USECOND);
    // It is sent as soon as it is there, and dated so: how long encoding took is no jitter of the network.
    GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    gst_app_src_set_caps(source, gst_sample_get_caps(sample));
    sent += gst_buffer_get_size(buffer);
    return gst_app_src_push_buffer(source, buffer) == GST_FLOW_OK;
}

std::uint64_t WhepSession::bytes() {
    return sent;
}

}  // namespace ndsharray::serve
