// SPDX-License-Identifier: BSD-3-Clause
// The connections over HTTP: how many there may be, and how long one may keep the server waiting.
#pragma once

#include <libsoup/soup.h>

#include <cstdint>
#include <map>
#include <string>

#include "serve/options.hpp"

namespace ndsharray::serve {

/// Listens, and hands connections to a SoupServer. A connection is closed that for some time neither had a
/// whole request nor took a byte of its answer: it cannot trickle, stall or just stay. Where all places are
/// taken, the oldest that has not asked for anything yet makes room.
class Connections {
  public:
    /// \throws std::runtime_error where it cannot listen.
    Connections(SoupServer* server, const Options& options);
    ~Connections();
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    std::uint16_t port() const { return port_; }
    unsigned count() const { return static_cast<unsigned>(all_.size()); }

    /// Something happened on the connection of this message: its time starts anew.
    /// \param has_asked whether a whole request came
    void progress(SoupServerMessage* message, bool has_asked);

    /// The server makes an answer: until there is progress, nobody waits for the other side.
    void hold(SoupServerMessage* message);

  private:
    struct Connection {
        Connections* connections;
        std::string key;
        GSocketConnection* stream;  // not owned
        std::uint64_t number;
        unsigned timer = 0;
        bool has_asked = false;
    };

    static gboolean incoming(GSocketService*, GSocketConnection* stream, GObject*, gpointer self);
    static void gone(gpointer connection, GObject*);
    void accept(GSocketConnection* stream);
    bool make_room();
    static void stop_timer(Connection& connection);
    void restart_timer(Connection& connection);
    static void drop(Connection& connection);

    SoupServer* server_;
    GSocketService* service_;
    GTlsCertificate* certificate_;
    std::uint16_t port_ = 0;
    std::uint64_t accepted_ = 0;
    std::map<std::string, Connection> all_;  // by the address of the other side
};

}  // namespace ndsharray::serve
