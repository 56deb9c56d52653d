// SPDX-License-Identifier: BSD-3-Clause
// The connections over HTTP: how many there may be, and how long one may keep the server waiting.
#include "serve/connections.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "serve/guard.hpp"
#include "serve/main_loop.hpp"

namespace ndsharray::serve {
namespace {

constexpr std::size_t most_connections = 128;

/// Connections that the kernel holds until they are accepted.
constexpr int most_waiting = 1024;

/// For a whole request to come, and for the next bytes of an answer to be taken.
constexpr unsigned most_milliseconds = 10'000;

[[noreturn]] void fail(const std::string& action, GError* error) {
    const std::string sentence = action + ": " + error->message;
    g_error_free(error);
    throw std::runtime_error(sentence);
}

std::string key_of(GSocketAddress* address) {
    if (address == nullptr || !G_IS_INET_SOCKET_ADDRESS(address))
        return {};
    auto* inet = G_INET_SOCKET_ADDRESS(address);
    gchar* host = g_inet_address_to_string(g_inet_socket_address_get_address(inet));
    const std::string key = std::string(host) + ' ' + std::to_string(g_inet_socket_address_get_port(inet));
    g_free(host);
    return key;
}

}  // namespace

Connections::Connections(SoupServer* server, const Options& options)
    : server_(server), service_(g_socket_service_new()), certificate_(certificate_of(options)) {
    GError* error = nullptr;
    // A crowd that comes at once waits here, and does not have to knock again.
    g_socket_listener_set_backlog(G_SOCKET_LISTENER(service_), most_waiting);
    GSocketAddress* wanted = g_inet_socket_address_new_from_string(options.listen.c_str(), options.http);
    GSocketAddress* address = nullptr;
    const gboolean listens =
        g_socket_listener_add_address(G_SOCKET_LISTENER(service_), wanted, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_TCP, nullptr, &address, &error);
    g_object_unref(wanted);
    if (!listens)
        fail("cannot listen on " + options.listen + " port " + std::to_string(options.http), error);
    port_ = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address));
    g_object_unref(address);
    g_signal_connect(service_, "incoming", G_CALLBACK(incoming), this);
    g_socket_service_start(service_);
}

Connections::~Connections() {
    g_signal_handlers_disconnect_by_data(service_, this);
    g_socket_service_stop(service_);
    g_socket_listener_close(G_SOCKET_LISTENER(service_));
    g_object_unref(service_);
    for (auto& [key, connection] : all_) {
        g_object_weak_unref(G_OBJECT(connection.stream), gone, &connection);
        stop_timer(connection);
    }
    g_clear_object(&certificate_);
}

gboolean Connections::incoming(GSocketService*, GSocketConnection* stream, GObject*, gpointer self) {
    static_cast<Connections*>(self)->accept(stream);
    return TRUE;
}

void Connections::accept(GSocketConnection* stream) {
    GSocketAddress* local = g_socket_connection_get_local_address(stream, nullptr);
    GSocketAddress* remote = g_socket_connection_get_remote_address(stream, nullptr);
    const std::string key = key_of(remote);
    GIOStream* transport = nullptr;
    if (!key.empty() && all_.find(key) == all_.end() && make_room()) {
        transport = certificate_ != nullptr
                        ? g_tls_server_connection_new(G_IO_STREAM(stream), certificate_, nullptr)
                        : G_IO_STREAM(g_object_ref(stream));
    }
    if (transport != nullptr) {
        g_tcp_connection_set_graceful_disconnect(G_TCP_CONNECTION(stream), FALSE);
        Connection& connection = all_[key];
        connection = {this, key, stream, ++accepted_};
        g_object_weak_ref(G_OBJECT(stream), gone, &connection);
        restart_timer(connection);
        GError* error = nullptr;
        if (!soup_server_accept_iostream(server_, transport, local, remote, &error))
            g_clear_error(&error);
        g_object_unref(transport);
    }
    g_clear_object(&local);
    g_clear_object(&remote);
}

/// \returns whether there is a place.
bool Connections::make_room() {
    if (all_.size() < most_connections)
        return true;
    Connection* oldest = nullptr;
    for (auto& [key, connection] : all_) {
        const bool is_dropped = !g_socket_is_connected(g_socket_connection_get_socket(connection.stream));
        if (!connection.has_asked && !is_dropped && (oldest == nullptr || connection.number < oldest->number))
            oldest = &connection;
    }
    if (oldest == nullptr)
        return false;
    drop(*oldest);
    // What was dropped goes in the next rounds of the loop; until then as many again may be there.
    return all_.size() < 2 * most_connections;
}

void Connections::gone(gpointer data, GObject*) {
    auto* connection = static_cast<Connection*>(data);
    stop_timer(*connection);
    Connections* self = connection->connections;
    self->all_.erase(std::string(connection->key));
}

void Connections::stop_timer(Connection& connection) {
    if (connection.timer != 0)
        g_source_remove(std::exchange(connection.timer, 0));
}

void Connections::restart_timer(Connection& connection) {
    stop_timer(connection);
    connection.timer = every(most_milliseconds, [&connection] {
        drop(connection);
        return true;
    });
}

/// Whoever waits for this socket sees it end; then the stream goes.
void Connections::drop(Connection& connection) {
    g_socket_shutdown(g_socket_connection_get_socket(connection.stream), TRUE, TRUE, nullptr);
}

void Connections::progress(SoupServerMessage* message, bool has_asked) {
    const auto found = all_.find(key_of(soup_server_message_get_remote_address(message)));
    if (found == all_.end())
        return;
    found->second.has_asked = has_asked;
    restart_timer(found->second);
}

void Connections::hold(SoupServerMessage* message) {
    const auto found = all_.find(key_of(soup_server_message_get_remote_address(message)));
    if (found != all_.end())
        stop_timer(found->second);
}

}  // namespace ndsharray::serve
