// SPDX-License-Identifier: BSD-3-Clause
// Answers without an end: moving pictures, and news of the tags.
#include "serve/viewers.hpp"

#include <utility>

#include "serve/main_loop.hpp"
#include "serve/tag_list.hpp"

namespace ndsharray::serve {
namespace {

constexpr unsigned milliseconds_between_news = 500;

constexpr const char* boundary = "ndsh-frame";

std::string part(const Shot& shot) {
    return "--" + std::string(boundary) +
           "\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(shot.jpeg.size()) +
           "\r\nX-Frame: " + std::to_string(shot.frame) + "\r\nX-Age-Us: " + std::to_string(shot.age_us) +
           "\r\nX-Step: " + std::to_string(shot.step) + "\r\nX-Missed: " + std::to_string(shot.missed) +
           "\r\n\r\n" + shot.jpeg + "\r\n";
}

std::string event(const std::vector<TagInfo>& tags, const std::string& rtsp) {
    return "data: " + text_of(to_json(tags, rtsp)) + "\n\n";
}

}  // namespace

Viewer::Viewer(SoupServerMessage* message, const char* type)
    : message_(SOUP_SERVER_MESSAGE(g_object_ref(message))) {
    soup_server_message_set_status(message, SOUP_STATUS_OK, nullptr);
    SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
    soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
    soup_message_headers_set_content_type(headers, type, nullptr);
    // What is sent is not kept.
    soup_message_body_set_accumulate(soup_server_message_get_response_body(message), FALSE);
    g_signal_connect(message, "wrote-chunk", G_CALLBACK(wrote), this);
    g_signal_connect(message, "finished", G_CALLBACK(finished), this);
}

Viewer::~Viewer() {
    g_signal_handlers_disconnect_by_data(message_, this);
    g_object_unref(message_);
}

void Viewer::write(const std::string& text) {
    is_ready_ = false;
    soup_message_body_append(soup_server_message_get_response_body(message_), SOUP_MEMORY_COPY, text.data(),
                             text.size());
    soup_server_message_unpause(message_);
}

void Viewer::wrote(SoupServerMessage*, Viewer* viewer) {
    viewer->is_ready_ = true;
    if (viewer->on_ready)
        viewer->on_ready();
}

void Viewer::finished(SoupServerMessage*, Viewer* viewer) {
    if (const auto gone = std::exchange(viewer->on_gone, nullptr))
        gone();  // destroys the viewer
}

// --------------------------------------------------------------------------------------------------- MJPEG

void MjpegViewers::add(SoupServerMessage* message, const std::string& tag, const std::string& query,
                       const View& view) {
    const std::string key = tag + '?' + query;
    Shared& shared = shared_[key];
    if (!shared.stream) {
        shared.stream = std::make_unique<PictureStream>(
            tag, owner_, view,
            [this, &shared](std::shared_ptr<const Shot> shot) { show(shared, shot.get()); });
    }
    const std::string type = "multipart/x-mixed-replace; boundary=" + std::string(boundary);
    shared.viewers.emplace_front(message, type.c_str());
    const auto viewer = shared.viewers.begin();
    viewer->on_ready = [stream = shared.stream.get()] { stream->want(); };
    viewer->on_gone = [this, key, viewer] {
        Shared& left = shared_.at(key);
        left.viewers.erase(viewer);
        if (left.viewers.empty())
            shared_.erase(key);
    };
    shared.stream->want();
}

void MjpegViewers::show(Shared& shared, const Shot* shot) {
    // A line before a part means nothing, and tells whether the viewer is there.
    const std::string text = shot != nullptr ? part(*shot) : "\r\n";
    for (Viewer& viewer : shared.viewers)
        if (viewer.is_ready())
            viewer.write(text);
}

unsigned MjpegViewers::count() const {
    std::size_t viewers = 0;
    for (const auto& [key, shared] : shared_)
        viewers += shared.viewers.size();
    return static_cast<unsigned>(viewers);
}

// -------------------------------------------------------------------------------------------------- events

EventViewers::~EventViewers() {
    if (timer_ != 0)
        g_source_remove(timer_);
}

void EventViewers::add(SoupServerMessage* message, const std::string& rtsp) {
    followers_.emplace_front(message, rtsp);
    const auto follower = followers_.begin();
    follower->viewer.on_gone = [this, follower] { followers_.erase(follower); };
    follower->viewer.write(event(live_tags(owner_), rtsp));
    if (timer_ == 0)
        timer_ = every(milliseconds_between_news, [this] { return tell(); });
}

/// \returns whether somebody follows.
bool EventViewers::tell() {
    if (followers_.empty()) {
        timer_ = 0;
        return false;
    }
    const std::vector<TagInfo> tags = live_tags(owner_);
    for (Follower& follower : followers_)
        if (follower.viewer.is_ready())
            follower.viewer.write(event(tags, follower.rtsp));
    return true;
}

}  // namespace ndsharray::serve
