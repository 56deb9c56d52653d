// SPDX-License-Identifier: BSD-3-Clause
// rtsp://HOST:PORT/TAG for every live tag: who may connect, how long, and what is told of it.
#pragma once

#include <gst/rtsp-server/rtsp-server.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "serve/encoded_tag.hpp"
#include "serve/options.hpp"
#include "serve/rtsp_thread.hpp"

namespace ndsharray::serve {

/// Serves each tag over UDP and TCP, over TLS inside of its connection alone. A connection that has no
/// session for some time is closed, and a session ends whose viewer gives no sign of life, or with its
/// connection.
class RtspServer {
  public:
    /// \throws std::runtime_error where it cannot listen.
    RtspServer(const Options& options, EncodedTags& tags);
    ~RtspServer();
    RtspServer(const RtspServer&) = delete;
    RtspServer& operator=(const RtspServer&) = delete;

    /// Such as "rtsp://127.0.0.1:8554/"; the tag follows.
    std::string address() const { return address(options_.host()); }
    std::string address(std::string_view host) const;

    /// Makes a live tag known to the server, and forgets one that is gone. Any thread.
    void mount(const std::string& tag);

    /// Viewers that play now.
    unsigned viewers() const { return viewers_; }

    /// Connections now.
    unsigned connections() const;

    /// Of encoded frames, for each viewer who plays, so far.
    std::uint64_t bytes() const;

  private:
    struct Client {
        std::uint64_t number = 0;
        std::vector<std::string> sessions{};  // their ids
        bool has_session = false;
        unsigned rounds_without_session = 0;
        bool is_dropped = false;  // and goes soon
    };

    static void connected(GstRTSPServer*, GstRTSPClient* client, RtspServer* self);
    static void closed(GstRTSPClient* client, RtspServer* self);
    static void new_session(GstRTSPClient* client, GstRTSPSession* session, RtspServer* self);
    static GstRTSPStatusCode asked(GstRTSPClient*, GstRTSPContext* context, RtspServer* self);
    static GstRTSPStatusCode wants_transport(GstRTSPClient* client, GstRTSPContext* context, RtspServer*);
    static void played(GstRTSPClient*, GstRTSPContext* context, RtspServer* self);
    static void playing_changed(GstRTSPClient*, GstRTSPContext*, RtspServer* self);
    bool sweep();
    void make_room();
    void count_viewers();

    Options options_;
    EncodedTags& tags_;
    GstRTSPServer* server_;
    GstRTSPSessionPool* sessions_;
    GstRTSPMountPoints* mounts_;
    GstRTSPAddressPool* addresses_;
    GSource* source_ = nullptr;
    std::uint16_t port_ = 0;
    std::unique_ptr<RtspThread> thread_;
    std::atomic<unsigned> viewers_ = 0;

    mutable std::mutex mutex_;  // guards what follows
    std::map<GstRTSPClient*, Client> clients_;
    std::uint64_t accepted_ = 0;
    bool is_sweeping_ = false;
};

}  // namespace ndsharray::serve
