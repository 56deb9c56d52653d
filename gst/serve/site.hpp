// SPDX-License-Identifier: BSD-3-Clause
// Everything over HTTP: which path is what.
#pragma once

#include <libsoup/soup.h>

#include <memory>
#include <string>

#include "serve/answers.hpp"
#include "serve/connections.hpp"
#include "serve/encoded_tag.hpp"
#include "serve/options.hpp"
#include "serve/rtsp_server.hpp"
#include "serve/tag_list.hpp"
#include "serve/viewers.hpp"
#include "serve/whep.hpp"

namespace ndsharray::serve {

class Site {
  public:
    /// \param encoded nullptr where no encoder works; it outlives this
    /// \param rtsp nullptr where there is none; it outlives this
    /// \throws std::runtime_error where it cannot listen.
    Site(const Options& options, EncodedTags* encoded, const RtspServer* rtsp);
    ~Site();
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    /// Of the page.
    std::string address() const;

  private:
    static void handle(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer site);
    static void request_started(SoupServer*, SoupServerMessage* message, Site* site);
    static void request_read(SoupServer*, SoupServerMessage* message, Site* site);
    static void request_finished(SoupServer*, SoupServerMessage* message, Site* site);
    static void wrote(SoupServerMessage* message, unsigned bytes, Site* site);

    void answer(SoupServerMessage* message, const std::string& path);
    bool answer_fixed(SoupServerMessage* message, const std::string& path);
    void answer_of_tag(SoupServerMessage* message, const std::string& tag, const std::string& what);
    void answer_value(SoupServerMessage* message, const std::string& tag, const View& view);

    std::string rtsp_address(SoupServerMessage* message) const;

    Options options_;
    const RtspServer* rtsp_;
    Served served_;
    Workers workers_;
    MjpegViewers mjpeg_;
    EventViewers events_;
    WhepViewers whep_;
    SoupServer* server_;
    std::unique_ptr<Connections> connections_;
};

}  // namespace ndsharray::serve
