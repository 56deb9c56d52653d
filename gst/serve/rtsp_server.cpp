// SPDX-License-Identifier: BSD-3-Clause
// rtsp://HOST:PORT/TAG for every live tag: who may connect, how long, and what is told of it.
#include "serve/rtsp_server.hpp"

#include <ndsharray/tag.hpp>

#include <stdexcept>
#include <string_view>
#include <utility>

#include "serve/guard.hpp"
#include "serve/rtsp_media.hpp"
#include "serve/tag_list.hpp"

namespace ndsharray::serve {
namespace {

constexpr std::size_t most_rtsp_connections = 128;
constexpr unsigned most_sessions = 100;
constexpr unsigned most_sessions_of_connection = 4;

/// Requests of RTSP have no body worth mentioning.
constexpr unsigned most_rtsp_body = 16 * 1024;

/// Without a packet or a request of the viewer.
constexpr unsigned most_seconds_of_silence = 30;

/// Connections are looked at every so often, and closed that had no session twice in a row.
constexpr unsigned milliseconds_between_sweeps = 5000;
constexpr unsigned most_rounds_without_session = 2;

/// For the packets of each tag a pair.
constexpr std::uint16_t first_udp_port = 50'000;
constexpr std::uint16_t last_udp_port = 50'255;

std::string tag_in(const char* path) {
    std::string_view rest(path != nullptr ? path : "");
    if (!rest.starts_with('/'))
        return {};
    rest.remove_prefix(1);
    std::string tag(rest.substr(0, rest.find('/')));
    return tag_problem(tag).empty() ? tag : std::string();
}

/// Mount points that look for a tag when somebody asks for it.
struct Mounts {
    GstRTSPMountPoints parent;
    RtspServer* server;
};

struct MountsClass {
    GstRTSPMountPointsClass parent;
};

G_DEFINE_TYPE(Mounts, ndsh_rtsp_mounts, GST_TYPE_RTSP_MOUNT_POINTS)

char* make_path(GstRTSPMountPoints* mounts, const GstRTSPUrl* url) {
    const std::string tag = tag_in(url->abspath);
    if (!tag.empty())
        reinterpret_cast<Mounts*>(mounts)->server->mount(tag);
    return GST_RTSP_MOUNT_POINTS_CLASS(ndsh_rtsp_mounts_parent_class)->make_path(mounts, url);
}

void ndsh_rtsp_mounts_class_init(MountsClass* type) {
    type->parent.make_path = make_path;
}

void ndsh_rtsp_mounts_init(Mounts*) {}

/// Of the thread of RTSP.
unsigned sessions_of(GstRTSPClient* client) {
    GList* all = gst_rtsp_client_session_filter(client, nullptr, nullptr);
    const unsigned count = g_list_length(all);
    g_list_free_full(all, g_object_unref);
    return count;
}

bool is_there(GstRTSPSessionPool* sessions, const std::string& id) {
    GstRTSPSession* session = gst_rtsp_session_pool_find(sessions, id.c_str());
    const bool is_found = session != nullptr;
    g_clear_object(&session);
    return is_found;
}

/// Media that sessions have, and how many of those play it.
using Played = std::map<GstRTSPMedia*, unsigned>;

GstRTSPFilterResult count_media(GstRTSPSession*, GstRTSPSessionMedia* of_session, gpointer data) {
    GstRTSPMedia* media = gst_rtsp_session_media_get_media(of_session);
    const auto [entry, is_new] = static_cast<Played*>(data)->emplace(media, 0);
    if (is_new)
        g_object_ref(media);
    if (gst_rtsp_session_media_get_rtsp_state(of_session) == GST_RTSP_STATE_PLAYING)
        ++entry->second;
    return GST_RTSP_FILTER_KEEP;
}

GstRTSPFilterResult count_session(GstRTSPSessionPool*, GstRTSPSession* session, gpointer played) {
    gst_rtsp_session_filter(session, count_media, played);
    return GST_RTSP_FILTER_KEEP;
}

/// Whoever waits for this socket sees it end; then the client goes, in its own thread.
void drop(GstRTSPClient* client) {
    if (GstRTSPConnection* connection = gst_rtsp_client_get_connection(client))
        if (GSocket* socket = gst_rtsp_connection_get_read_socket(connection))
            g_socket_shutdown(socket, TRUE, TRUE, nullptr);
}

}  // namespace

RtspServer::RtspServer(const Options& options, EncodedTags& tags)
    : options_(options),
      tags_(tags),
      server_(gst_rtsp_server_new()),
      sessions_(gst_rtsp_server_get_session_pool(server_)),
      mounts_(GST_RTSP_MOUNT_POINTS(g_object_new(ndsh_rtsp_mounts_get_type(), nullptr))),
      addresses_(gst_rtsp_address_pool_new()) {
    reinterpret_cast<Mounts*>(mounts_)->server = this;
    gst_rtsp_server_set_mount_points(server_, mounts_);
    gst_rtsp_server_set_address(server_, options.listen.c_str());
    gst_rtsp_server_set_service(server_, std::to_string(options.rtsp).c_str());
    gst_rtsp_server_set_backlog(server_, 128);
    gst_rtsp_server_set_content_length_limit(server_, most_rtsp_body);
    gst_rtsp_session_pool_set_max_sessions(sessions_, most_sessions);
    gst_rtsp_address_pool_add_range(addresses_, options.listen.c_str(), options.listen.c_str(),
                                    first_udp_port, last_udp_port, 0);
    g_signal_connect(server_, "client-connected", G_CALLBACK(connected), this);
    GError* error = nullptr;
    try {
        guard(server_, options);
        thread_ = std::make_unique<RtspThread>(server_);
        source_ = gst_rtsp_server_create_source(server_, nullptr, &error);
        if (source_ == nullptr) {
            const std::string reason = error->message;
            g_error_free(error);
            throw std::runtime_error("cannot listen on " + options.listen + " port " +
                                     std::to_string(options.rtsp) + ": " + reason);
        }
    } catch (...) {
        g_object_unref(addresses_);
        g_object_unref(mounts_);
        g_object_unref(sessions_);
        g_object_unref(server_);
        throw;
    }
    g_source_attach(source_, nullptr);
    port_ = static_cast<std::uint16_t>(gst_rtsp_server_get_bound_port(server_));
}

RtspServer::~RtspServer() {
    g_source_destroy(source_);
    g_source_unref(source_);
    g_signal_handlers_disconnect_by_data(server_, this);
    thread_->run_and_wait([this] {
        gst_rtsp_server_client_filter(
            server_,
            [](GstRTSPServer*, GstRTSPClient* client, gpointer self) {
                g_signal_handlers_disconnect_by_data(client, self);
                return GST_RTSP_FILTER_REMOVE;
            },
            this);
        gst_rtsp_session_pool_filter(
            sessions_, [](GstRTSPSessionPool*, GstRTSPSession*, gpointer) { return GST_RTSP_FILTER_REMOVE; },
            nullptr);
        const std::lock_guard lock(mutex_);
        clients_.clear();
    });
    g_object_unref(addresses_);
    g_object_unref(mounts_);
    g_object_unref(sessions_);
    g_object_unref(server_);
    thread_.reset();
    // Waits for the threads of clients and media.
    gst_rtsp_thread_pool_cleanup();
}

std::string RtspServer::address(std::string_view host) const {
    return std::string(options_.has_tls() ? "rtsps://" : "rtsp://") + std::string(host) + ':' +
           std::to_string(port_) + '/';
}

std::uint64_t RtspServer::bytes() const {
    return sent_bytes();
}

unsigned RtspServer::connections() const {
    const std::lock_guard lock(mutex_);
    return static_cast<unsigned>(clients_.size());
}

// -------------------------------------------------------------------------------------------------- clients

void RtspServer::connected(GstRTSPServer*, GstRTSPClient* client, RtspServer* self) {
    g_signal_connect(client, "closed", G_CALLBACK(closed), self);
    g_signal_connect(client, "new-session", G_CALLBACK(new_session), self);
    g_signal_connect(client, "pre-describe-request", G_CALLBACK(asked), self);
    g_signal_connect(client, "pre-setup-request", G_CALLBACK(wants_transport), self);
    g_signal_connect(client, "play-request", G_CALLBACK(played), self);
    g_signal_connect(client, "pause-request", G_CALLBACK(playing_changed), self);
    g_signal_connect(client, "teardown-request", G_CALLBACK(playing_changed), self);
    const std::lock_guard lock(self->mutex_);
    self->clients_[client].number = ++self->accepted_;
    self->make_room();
    if (!std::exchange(self->is_sweeping_, true))
        self->thread_->every(milliseconds_between_sweeps, [self] { return self->sweep(); });
}

/// What the viewer had goes with the connection, also over UDP.
void RtspServer::closed(GstRTSPClient* client, RtspServer* self) {
    std::vector<std::string> sessions;
    {
        const std::lock_guard lock(self->mutex_);
        sessions = std::move(self->clients_[client].sessions);
        self->clients_.erase(client);
    }
    for (const std::string& id : sessions) {
        if (GstRTSPSession* session = gst_rtsp_session_pool_find(self->sessions_, id.c_str())) {
            gst_rtsp_session_pool_remove(self->sessions_, session);
            g_object_unref(session);
        }
    }
    self->thread_->run([self] { self->count_viewers(); });
}

/// Where all places are taken, the oldest that has no session makes room, or the newest.
void RtspServer::make_room() {
    std::size_t stay = 0;
    std::pair<GstRTSPClient*, Client*> oldest{};
    for (auto& [client, entry] : clients_) {
        if (entry.is_dropped)
            continue;
        ++stay;
        if (!entry.has_session && (oldest.second == nullptr || entry.number < oldest.second->number))
            oldest = {client, &entry};
    }
    if (stay <= most_rtsp_connections || oldest.second == nullptr)
        return;
    oldest.second->is_dropped = true;
    drop(oldest.first);
}

/// \returns whether there is somebody to look at.
bool RtspServer::sweep() {
    {
        // The thread goes on for a moment when the sessions are gone with the server.
        const std::lock_guard lock(mutex_);
        is_sweeping_ = !clients_.empty();
        if (!is_sweeping_)
            return false;
    }
    gst_rtsp_session_pool_cleanup(sessions_);
    count_viewers();
    const std::lock_guard lock(mutex_);
    for (auto& [client, entry] : clients_) {
        entry.has_session = sessions_of(client) != 0;
        entry.rounds_without_session = entry.has_session ? 0 : entry.rounds_without_session + 1;
        if (entry.rounds_without_session >= most_rounds_without_session)
            drop(client);
    }
    return true;
}

void RtspServer::new_session(GstRTSPClient* client, GstRTSPSession* session, RtspServer* self) {
    gst_rtsp_session_set_timeout(session, most_seconds_of_silence);
    const std::lock_guard lock(self->mutex_);
    if (const auto found = self->clients_.find(client); found != self->clients_.end()) {
        std::vector<std::string>& ids = found->second.sessions;
        std::erase_if(ids, [self](const std::string& id) { return !is_there(self->sessions_, id); });
        ids.emplace_back(gst_rtsp_session_get_sessionid(session));
        found->second.has_session = true;
    }
}

/// In the thread of RTSP, where nothing of the server is locked.
void RtspServer::count_viewers() {
    Played played;
    gst_rtsp_session_pool_filter(sessions_, count_session, &played);
    unsigned all = 0;
    for (const auto& [media, viewers] : played) {
        all += viewers;
        set_viewers(media, viewers);
        g_object_unref(media);
    }
    viewers_ = all;
}

// ------------------------------------------------------------------------------------------------- requests

/// A tag has a place in the server while it lives.
void RtspServer::mount(const std::string& tag) {
    const std::string path = '/' + tag;
    const std::lock_guard lock(mutex_);
    if (!is_live(tag, options_.owner))
        return gst_rtsp_mount_points_remove_factory(mounts_, path.c_str());
    gint matched = 0;
    if (GstRTSPMediaFactory* there = gst_rtsp_mount_points_match(mounts_, path.c_str(), &matched))
        return g_object_unref(there);
    GstRTSPMediaFactory* factory = rtsp_media_factory_new(tags_, tag);
    gst_rtsp_media_factory_set_address_pool(factory, addresses_);
    const auto all = static_cast<GstRTSPLowerTrans>(GST_RTSP_LOWER_TRANS_TCP | GST_RTSP_LOWER_TRANS_UDP);
    // UDP would carry the picture past TLS.
    gst_rtsp_media_factory_set_protocols(factory, options_.has_tls() ? GST_RTSP_LOWER_TRANS_TCP : all);
    allow_viewers(factory);
    gst_rtsp_mount_points_add_factory(mounts_, path.c_str(), factory);
}

/// Before it is described. A tag that has no frame yet is one that may be asked for again.
GstRTSPStatusCode RtspServer::asked(GstRTSPClient*, GstRTSPContext* context, RtspServer* self) {
    const std::string tag = tag_in(context->uri->abspath);
    gint matched = 0;
    GstRTSPMediaFactory* factory = gst_rtsp_mount_points_match(self->mounts_, ('/' + tag).c_str(), &matched);
    const bool was_without_frame = factory != nullptr && gave_no_frame(factory);
    g_clear_object(&factory);
    const bool is_refused = was_without_frame || has_no_frame_yet(tag, self->options_.owner);
    return is_refused ? GST_RTSP_STS_SERVICE_UNAVAILABLE : GST_RTSP_STS_OK;
}

/// One connection does not take the places of all others.
GstRTSPStatusCode RtspServer::wants_transport(GstRTSPClient* client, GstRTSPContext* context, RtspServer*) {
    const bool is_refused = context->session == nullptr && sessions_of(client) >= most_sessions_of_connection;
    return is_refused ? GST_RTSP_STS_SERVICE_UNAVAILABLE : GST_RTSP_STS_OK;
}

void RtspServer::played(GstRTSPClient* client, GstRTSPContext* context, RtspServer* self) {
    if (context->media != nullptr)
        request_key_frame(context->media);
    playing_changed(client, context, self);
}

void RtspServer::playing_changed(GstRTSPClient*, GstRTSPContext*, RtspServer* self) {
    self->thread_->run([self] { self->count_viewers(); });
}

}  // namespace ndsharray::serve
