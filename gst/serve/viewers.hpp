// SPDX-License-Identifier: BSD-3-Clause
// Answers without an end: moving pictures, and news of the tags. What a viewer does not take is left out.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "serve/picture_stream.hpp"

namespace ndsharray::serve {

/// A message whose body goes on; of the main loop.
class Viewer {
  public:
    /// \param type of the content
    Viewer(SoupServerMessage* message, const char* type);
    ~Viewer();
    Viewer(const Viewer&) = delete;
    Viewer& operator=(const Viewer&) = delete;

    bool is_ready() const { return is_ready_; }
    void write(const std::string& text);

    std::function<void()> on_ready;  ///< all that was written is sent
    std::function<void()> on_gone;

  private:
    static void wrote(SoupServerMessage*, Viewer* viewer);
    static void finished(SoupServerMessage*, Viewer* viewer);

    SoupServerMessage* message_;
    bool is_ready_ = true;
};

/// Everybody who looks at moving JPEGs.
class MjpegViewers {
  public:
    explicit MjpegViewers(std::string owner) : owner_(std::move(owner)) {}

    /// \param query the view as the URL says it, under which viewers share their pictures
    void add(SoupServerMessage* message, const std::string& tag, const std::string& query, const View& view);

    unsigned count() const;

  private:
    struct Shared {
        std::list<Viewer> viewers;
        std::unique_ptr<PictureStream> stream;
    };

    void show(Shared& shared, const Shot* shot);

    std::string owner_;
    std::map<std::string, Shared> shared_;
};

/// Everybody who follows the list of tags. While nobody does, nobody looks at the tags.
class EventViewers {
  public:
    explicit EventViewers(std::string owner) : owner_(std::move(owner)) {}
    ~EventViewers();

    /// \param rtsp address of the RTSP server for this viewer
    void add(SoupServerMessage* message, const std::string& rtsp);

  private:
    struct Follower {
        Follower(SoupServerMessage* message, std::string address)
            : viewer(message, "text/event-stream"), rtsp(std::move(address)) {}

        Viewer viewer;
        std::string rtsp;
    };

    bool tell();

    std::string owner_;
    std::list<Follower> followers_;
    unsigned timer_ = 0;
};

}  // namespace ndsharray::serve
