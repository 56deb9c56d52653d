// SPDX-License-Identifier: BSD-3-Clause
// Everything over HTTP: which path is what.
#include "serve/site.hpp"

#include <ndsharray/tag.hpp>

#include <gio/gio.h>

#include <map>
#include <stdexcept>
#include <utility>

#include "serve/frames.hpp"
#include "serve/guard.hpp"
#include "serve/picture_file.hpp"
#include "serve/pixel.hpp"

namespace ndsharray::serve {
namespace {

constexpr const char* json_type = "application/json";

const std::map<std::string, std::string>& file_types() {
    static const std::map<std::string, std::string> types{{"html", "text/html; charset=utf-8"},
                                                          {"css", "text/css; charset=utf-8"},
                                                          {"js", "text/javascript; charset=utf-8"},
                                                          {"svg", "image/svg+xml"}};
    return types;
}

/// A file of the page, which is compiled in: no path leads to the file system.
Answer page_file(const std::string& name) {
    const std::string path = "/ndsharray/serve/" + name;
    GBytes* bytes = g_resources_lookup_data(path.c_str(), G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
    const auto type = file_types().find(name.substr(name.rfind('.') + 1));
    if (bytes == nullptr || type == file_types().end()) {
        g_clear_pointer(&bytes, g_bytes_unref);
        return refusal(SOUP_STATUS_NOT_FOUND, "there is no such file");
    }
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    Answer answer{SOUP_STATUS_OK, type->second, std::string(data, size)};
    g_bytes_unref(bytes);
    return answer;
}

const char* query_of(SoupServerMessage* message) {
    return g_uri_get_query(soup_server_message_get_uri(message));
}

/// A path of a tag in its two parts: "/TAG.png" and "/TAG/mjpeg". Where there is no such thing both are
/// empty.
std::pair<std::string, std::string> split(const std::string& path) {
    const auto slash = path.find('/', 1);
    const auto cut = slash != std::string::npos ? slash : path.rfind('.');
    if (cut == std::string::npos || cut < 1)
        return {};
    std::string tag = path.substr(1, cut - 1);
    if (!tag_problem(tag).empty())
        return {};
    return {std::move(tag), path.substr(cut)};
}

}  // namespace

Site::Site(const Options& options, EncodedTags* encoded, const RtspServer* rtsp)
    : options_(options),
      rtsp_(rtsp),
      workers_({.begun = [this](SoupServerMessage* message) { connections_->hold(message); },
                .made = [this](SoupServerMessage* message) { connections_->progress(message, true); }}),
      mjpeg_(options.owner),
      events_(options.owner),
      whep_(options, encoded, workers_),
      server_(soup_server_new(nullptr, nullptr)) {
    guard(server_, options_);
    soup_server_add_handler(server_, nullptr, handle, this, nullptr);
    g_signal_connect(server_, "request-started", G_CALLBACK(request_started), this);
    g_signal_connect(server_, "request-read", G_CALLBACK(request_read), this);
    g_signal_connect(server_, "request-finished", G_CALLBACK(request_finished), this);
    g_signal_connect(server_, "request-aborted", G_CALLBACK(request_finished), this);
    try {
        connections_ = std::make_unique<Connections>(server_, options_);
    } catch (...) {
        g_object_unref(server_);
        throw;
    }
}

Site::~Site() {
    g_signal_handlers_disconnect_by_data(server_, this);
    soup_server_disconnect(server_);
    connections_.reset();
    g_object_unref(server_);
}

std::string Site::address() const {
    return std::string(options_.has_tls() ? "https://" : "http://") + options_.host() + ':' +
           std::to_string(connections_->port()) + '/';
}

/// Under the name by which the viewer knows this machine.
std::string Site::rtsp_address(SoupServerMessage* message) const {
    if (rtsp_ == nullptr)
        return {};
    const char* host = soup_message_headers_get_one(soup_server_message_get_request_headers(message), "Host");
    return rtsp_->address(without_port(host != nullptr ? host : ""));
}

void Site::request_started(SoupServer*, SoupServerMessage* message, Site* site) {
    g_signal_connect(message, "wrote-body-data", G_CALLBACK(wrote), site);
}

void Site::request_read(SoupServer*, SoupServerMessage* message, Site* site) {
    ++site->served_.requests;
    site->connections_->progress(message, true);
}

void Site::request_finished(SoupServer*, SoupServerMessage* message, Site* site) {
    g_signal_handlers_disconnect_by_data(message, site);
    site->connections_->progress(message, false);
}

void Site::wrote(SoupServerMessage* message, unsigned bytes, Site* site) {
    site->served_.bytes += bytes;
    site->connections_->progress(message, true);
}

void Site::handle(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*, gpointer site) {
    try {
        static_cast<Site*>(site)->answer(message, path);
    } catch (const std::invalid_argument& error) {
        send(message, refusal(SOUP_STATUS_BAD_REQUEST, error.what()));
    } catch (const std::exception& error) {
        send(message, refusal(SOUP_STATUS_INTERNAL_SERVER_ERROR, error.what()));
    }
}

void Site::answer(SoupServerMessage* message, const std::string& path) {
    const auto [tag, what] = split(path);
    if (!tag.empty() && WhepViewers::is_path(what))
        return whep_.answer(message, tag, what);
    const std::string method = soup_server_message_get_method(message);
    if (method != "GET" && method != "HEAD") {
        soup_message_headers_replace(soup_server_message_get_response_headers(message), "Allow", "GET, HEAD");
        return send(message, refusal(SOUP_STATUS_METHOD_NOT_ALLOWED, "GET it"));
    }
    if (answer_fixed(message, path))
        return;
    if (tag.empty() || !is_live(tag, options_.owner))
        return send(message, refusal(SOUP_STATUS_NOT_FOUND, "nobody writes such a tag"));
    answer_of_tag(message, tag, what);
}

bool Site::answer_fixed(SoupServerMessage* message, const std::string& path) {
    constexpr std::string_view files = "/~/";
    if (path == "/") {
        send(message, page_file("index.html"));
    } else if (path.starts_with(files)) {
        send(message, page_file(path.substr(files.size())));
    } else if (path == "/api/tags") {
        send(message, {SOUP_STATUS_OK, json_type,
                       text_of(to_json(live_tags(options_.owner), rtsp_address(message))) + "\n"});
    } else if (path == "/api/events") {
        whep_.prepare();  // a page is open
        events_.add(message, rtsp_address(message));
    } else if (path == "/metrics") {
        served_.connections = connections_->count();
        served_.mjpeg = mjpeg_.count();
        served_.rtsp = rtsp_ != nullptr ? rtsp_->viewers() : 0;
        served_.rtsp_connections = rtsp_ != nullptr ? rtsp_->connections() : 0;
        served_.rtsp_bytes = rtsp_ != nullptr ? rtsp_->bytes() : 0;
        served_.whep = whep_.count();
        served_.whep_bytes = WhepSession::bytes();
        send(message, {SOUP_STATUS_OK, "text/plain; version=0.0.4; charset=utf-8",
                       metrics(live_tags(options_.owner), served_)});
    } else {
        return false;
    }
    return true;
}

void Site::answer_of_tag(SoupServerMessage* message, const std::string& tag, const std::string& what) {
    const char* query = query_of(message);
    const View view = view_of(query);
    const std::string& owner = options_.owner;
    if (what == "/mjpeg") {
        mjpeg_.add(message, tag, query != nullptr ? query : "", view);
    } else if (what == "/value") {
        answer_value(message, tag, view);
    } else if (what == "/latency") {
        const double seconds = std::chrono::duration<double>(whep_.age(tag)).count();
        send(message, {SOUP_STATUS_OK, json_type, text_of({{"sent", seconds}}) + "\n"});
    } else if (what == ".npy") {
        workers_.answer(message, [tag, owner] {
            return Answer{SOUP_STATUS_OK, "application/octet-stream", npy(newest_frame(tag, owner))};
        });
    } else if (what == ".png") {
        workers_.answer(message, [tag, owner, view] {
            return Answer{SOUP_STATUS_OK, "image/png", png(picture_of(newest_frame(tag, owner), view, true))};
        });
    } else if (what == ".jpg") {
        workers_.answer(message, [tag, owner, view] {
            const Picture picture = picture_of(newest_frame(tag, owner), view, false);
            return Answer{SOUP_STATUS_OK, "image/jpeg", jpeg(picture, view.quality)};
        });
    } else {
        send(message, refusal(SOUP_STATUS_NOT_FOUND, "there is .jpg, .png, .npy, /mjpeg, /whep and /value"));
    }
}

void Site::answer_value(SoupServerMessage* message, const std::string& tag, const View& view) {
    const auto x = number_in(query_of(message), "x");
    const auto y = number_in(query_of(message), "y");
    workers_.answer(message, [tag, owner = options_.owner, view, x, y] {
        const Frame frame = newest_frame(tag, owner);
        return Answer{SOUP_STATUS_OK, json_type,
                      text_of(pixel(frame, view, x.value_or(0), y.value_or(0))) + "\n"};
    });
}

}  // namespace ndsharray::serve
