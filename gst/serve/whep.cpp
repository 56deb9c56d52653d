// SPDX-License-Identifier: BSD-3-Clause
// WHEP (draft-ietf-wish-whep): viewers over WebRTC come by POST, say more by PATCH, and leave by DELETE.
#include "serve/whep.hpp"

#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "serve/answers.hpp"
#include "serve/main_loop.hpp"
#include "serve/tag_list.hpp"

namespace ndsharray::serve {
namespace {

/// Each has some threads and sockets of its own.
constexpr std::size_t most_viewers = 32;

constexpr std::string_view endpoint = "/whep";
constexpr const char* sdp_type = "application/sdp";
constexpr const char* fragment_type = "application/trickle-ice-sdpfrag";

/// RFC 6585; libsoup has no name for it.
constexpr unsigned status_precondition_required = 428;

/// What nobody guesses.
std::string random_id() {
    std::array<unsigned char, 16> bytes{};
    if (getentropy(bytes.data(), bytes.size()) != 0)
        throw std::runtime_error("there are no random numbers");
    std::string id;
    for (const unsigned char byte : bytes) {
        id += "0123456789abcdef"[byte >> 4];
        id += "0123456789abcdef"[byte & 15];
    }
    return id;
}

SoupMessageHeaders* headers_of(SoupServerMessage* message) {
    return soup_server_message_get_response_headers(message);
}

std::string body_of(SoupServerMessage* message) {
    GBytes* bytes = soup_message_body_flatten(soup_server_message_get_request_body(message));
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    std::string text = data != nullptr ? std::string(data, size) : std::string();
    g_bytes_unref(bytes);
    return text;
}

bool is_of_type(SoupServerMessage* message, const char* wanted) {
    const char* type =
        soup_message_headers_get_content_type(soup_server_message_get_request_headers(message), nullptr);
    return type != nullptr && g_ascii_strcasecmp(type, wanted) == 0;
}

void refuse_another(SoupServerMessage* message) {
    soup_message_headers_replace(headers_of(message), "Retry-After", "10");
    send(message, refusal(SOUP_STATUS_SERVICE_UNAVAILABLE, "there are too many viewers"));
}

void allow(SoupServerMessage* message, const char* methods) {
    soup_message_headers_replace(headers_of(message), "Allow", methods);
}

}  // namespace

WhepViewers::~WhepViewers() {
    if (preparation_.joinable())
        preparation_.join();
    for (auto& [id, viewer] : all_) {
        if (viewer.asking == nullptr)
            continue;
        g_signal_handlers_disconnect_by_data(viewer.asking, this);
        g_object_unref(viewer.asking);
    }
}

void WhepViewers::prepare() {
    if (encoded_ == nullptr || preparation_.joinable())
        return;
    // The key of the certificate takes some tenths of a second; the element keeps it for the next ones.
    preparation_ = std::thread([] {
        for (const char* name : {"webrtcbin", "dtlssrtpdec"}) {
            GstElement* element = gst_element_factory_make(name, nullptr);
            if (element != nullptr)
                gst_object_unref(gst_object_ref_sink(element));
        }
    });
}

bool WhepViewers::is_path(const std::string& what) {
    return what == endpoint || what.starts_with(std::string(endpoint) + '/');
}

void WhepViewers::answer(SoupServerMessage* message, const std::string& tag, const std::string& what) {
    if (what == endpoint)
        answer_endpoint(message, tag);
    else
        answer_session(message, tag, what.substr(endpoint.size() + 1));
}

void WhepViewers::answer_endpoint(SoupServerMessage* message, const std::string& tag) {
    const std::string method = soup_server_message_get_method(message);
    allow(message, "OPTIONS, POST");
    soup_message_headers_replace(headers_of(message), "Accept-Post", sdp_type);
    if (method == "OPTIONS") {
        add_ice_servers(message);
        return soup_server_message_set_status(message, SOUP_STATUS_NO_CONTENT, nullptr);
    }
    if (method != "POST")
        return send(message, refusal(SOUP_STATUS_METHOD_NOT_ALLOWED, "POST an offer"));
    if (!is_live(tag, options_.owner))
        return send(message, refusal(SOUP_STATUS_NOT_FOUND, "nobody writes such a tag"));
    if (!is_of_type(message, sdp_type))
        return send(message, refusal(SOUP_STATUS_UNSUPPORTED_MEDIA_TYPE, "an offer is application/sdp"));
    if (encoded_ == nullptr)
        return send(message, refusal(SOUP_STATUS_NOT_IMPLEMENTED, "no encoder works here"));
    add(message, tag);
}

void WhepViewers::add(SoupServerMessage* message, const std::string& tag) {
    if (all_.size() >= most_viewers)
        return refuse_another(message);
    auto offer = std::make_shared<const Offer>(body_of(message));
    const Codec codec = encoded_->encoder().codec();
    if (!offer->payload(codec))
        return send(message, refusal(SOUP_STATUS_NOT_ACCEPTABLE,
                                     codec == Codec::H264 ? "the offer has no H264 with packetization-mode=1"
                                                          : "the offer has no VP8"));
    // A tag may have no frame yet, which is waited for.
    workers_.begin(message, [this, tag, offer = std::move(offer)] {
        return [this, tag, offer, encoded = encoded_->of(tag)](SoupServerMessage* asking) {
            begin(asking, tag, offer, encoded);
        };
    });
}

/// The message is paused.
void WhepViewers::begin(SoupServerMessage* message, const std::string& tag,
                        std::shared_ptr<const Offer> offer, std::shared_ptr<EncodedTag> encoded) {
    if (all_.size() >= most_viewers) {  // others came meanwhile
        refuse_another(message);
        return soup_server_message_unpause(message);
    }
    auto session = std::make_shared<WhepSession>(std::move(offer), std::move(encoded), options_);
    const std::string id = random_id();
    const std::string etag = '"' + random_id() + '"';
    session->start({[this, id](const std::string& answer) { created(id, answer); },
                    [this, id](const std::string& why) { ended(id, why); }});
    all_[id] = {tag, etag, std::move(session), SOUP_SERVER_MESSAGE(g_object_ref(message))};
    g_signal_connect(message, "finished", G_CALLBACK(finished), this);
}

void WhepViewers::created(const std::string& id, const std::string& answer) {
    Viewer& viewer = all_.at(id);
    SoupServerMessage* message = std::exchange(viewer.asking, nullptr);
    g_signal_handlers_disconnect_by_data(message, this);
    SoupMessageHeaders* headers = headers_of(message);
    soup_message_headers_replace(headers, "Location",
                                 ('/' + viewer.tag + std::string(endpoint) + '/' + id).c_str());
    soup_message_headers_replace(headers, "ETag", viewer.etag.c_str());
    soup_message_headers_replace(headers, "Accept-Patch", fragment_type);
    add_ice_servers(message);
    send(message, {SOUP_STATUS_CREATED, sdp_type, answer});
    soup_server_message_unpause(message);
    g_object_unref(message);
}

void WhepViewers::ended(const std::string& id, const std::string& why) {
    const auto found = all_.find(id);
    if (found == all_.end())
        return;
    const Viewer viewer = std::move(found->second);
    all_.erase(found);
    if (viewer.asking == nullptr)
        return;
    g_signal_handlers_disconnect_by_data(viewer.asking, this);
    send(viewer.asking, refusal(SOUP_STATUS_INTERNAL_SERVER_ERROR, why));
    soup_server_message_unpause(viewer.asking);
    g_object_unref(viewer.asking);
}

/// Who asked went away before there was an answer.
void WhepViewers::finished(SoupServerMessage* message, WhepViewers* self) {
    for (auto& [id, viewer] : self->all_) {
        if (viewer.asking != message)
            continue;
        g_signal_handlers_disconnect_by_data(message, self);
        viewer.asking = nullptr;
        self->all_.erase(std::string(id));
        g_object_unref(message);
        return;
    }
}

void WhepViewers::answer_session(SoupServerMessage* message, const std::string& tag, const std::string& id) {
    const auto found = all_.find(id);
    // Who does not know the whole id, which comes with the answer, does not learn that there is a session.
    if (found == all_.end() || found->second.tag != tag || found->second.asking != nullptr)
        return send(message, refusal(SOUP_STATUS_NOT_FOUND, "there is no such session"));
    const std::string method = soup_server_message_get_method(message);
    allow(message, "DELETE, OPTIONS, PATCH");
    soup_message_headers_replace(headers_of(message), "Accept-Patch", fragment_type);
    if (method == "OPTIONS") {
        soup_server_message_set_status(message, SOUP_STATUS_NO_CONTENT, nullptr);
    } else if (method == "PATCH") {
        patch(message, found->second);
    } else if (method == "DELETE") {
        all_.erase(found);
        soup_server_message_set_status(message, SOUP_STATUS_OK, nullptr);
    } else {
        send(message, refusal(SOUP_STATUS_METHOD_NOT_ALLOWED, "PATCH or DELETE it"));
    }
}

void WhepViewers::patch(SoupServerMessage* message, Viewer& viewer) {
    if (!is_of_type(message, fragment_type))
        return send(message, refusal(SOUP_STATUS_UNSUPPORTED_MEDIA_TYPE,
                                     "a fragment is application/trickle-ice-sdpfrag"));
    const char* match =
        soup_message_headers_get_list(soup_server_message_get_request_headers(message), "If-Match");
    if (match == nullptr)
        return send(message, refusal(status_precondition_required, "If-Match is needed"));
    if (std::string_view(match) != "*" && viewer.etag != match)
        return send(message, refusal(SOUP_STATUS_PRECONDITION_FAILED, "the session has another ETag"));
    const IceFragment fragment = IceFragment::parse(body_of(message));
    if (!fragment.ufrag.empty() && fragment.ufrag != viewer.session->ufrag())
        return send(message, refusal(SOUP_STATUS_UNPROCESSABLE_ENTITY, "ICE is not restarted: POST anew"));
    viewer.session->add(fragment);
    soup_server_message_set_status(message, SOUP_STATUS_NO_CONTENT, nullptr);
}

std::chrono::microseconds WhepViewers::age(const std::string& tag) const {
    for (const auto& [id, viewer] : all_)
        if (viewer.tag == tag && viewer.session->age().count() != 0)
            return viewer.session->age();
    return std::chrono::microseconds(0);
}

/// As RFC 9725 has it.
void WhepViewers::add_ice_servers(SoupServerMessage* message) const {
    for (const IceServer& server : options_.ice_servers)
        soup_message_headers_append(headers_of(message), "Link", server.link().c_str());
}

}  // namespace ndsharray::serve
