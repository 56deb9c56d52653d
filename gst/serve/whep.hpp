// SPDX-License-Identifier: BSD-3-Clause
// WHEP (draft-ietf-wish-whep): viewers over WebRTC come by POST, say more by PATCH, and leave by DELETE.
#pragma once

#include <libsoup/soup.h>

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "serve/answers.hpp"
#include "serve/options.hpp"
#include "serve/whep_session.hpp"

namespace ndsharray::serve {

/// Of the main loop.
class WhepViewers {
  public:
    /// \param encoded nullptr where no encoder works
    /// \param workers outlive this
    WhepViewers(const Options& options, EncodedTags* encoded, Workers& workers)
        : options_(options), encoded_(encoded), workers_(workers) {}
    ~WhepViewers();
    WhepViewers(const WhepViewers&) = delete;
    WhepViewers& operator=(const WhepViewers&) = delete;

    /// Whether a path behind a tag is one of these: "/whep" and "/whep/ID".
    static bool is_path(const std::string& what);

    /// Somebody may ask soon: what takes a while and is made once is made, in a thread.
    void prepare();

    void answer(SoupServerMessage* message, const std::string& tag, const std::string& what);

    /// How long ago the newest frame was read when it was sent to a viewer of the tag; 0: none was.
    std::chrono::microseconds age(const std::string& tag) const;

    unsigned count() const { return static_cast<unsigned>(all_.size()); }

  private:
    struct Viewer {
        std::string tag;
        std::string etag;
        std::shared_ptr<WhepSession> session;
        SoupServerMessage* asking = nullptr;  ///< for which the answer is made
    };

    void answer_endpoint(SoupServerMessage* message, const std::string& tag);
    void answer_session(SoupServerMessage* message, const std::string& tag, const std::string& id);
    void add(SoupServerMessage* message, const std::string& tag);
    void begin(SoupServerMessage* message, const std::string& tag, std::shared_ptr<const Offer> offer,
               std::shared_ptr<EncodedTag> encoded);
    void patch(SoupServerMessage* message, Viewer& viewer);
    void created(const std::string& id, const std::string& answer);
    void ended(const std::string& id, const std::string& why);
    static void finished(SoupServerMessage* message, WhepViewers* self);
    void add_ice_servers(SoupServerMessage* message) const;

    Options options_;
    EncodedTags* encoded_;
    Workers& workers_;
    std::thread preparation_;
    std::map<std::string, Viewer> all_;  // by id
};

}  // namespace ndsharray::serve
