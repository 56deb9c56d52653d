// SPDX-License-Identifier: BSD-3-Clause
// The TCP connections of a ZeroMQ socket: how many there are, what comes over each, and what became of them.
#pragma once

#include "engine.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ndsharray::mirror {

/// What connections may cost. libzmq bounds each part of a message. It keeps the parts until the last one has
/// come, however many there are, and takes any number of connections.
struct ConnectionBounds {
    std::uint64_t bytes = 0;      ///< that may come without a whole message among them
    std::size_t connections = 0;  ///< at a time
};

/// Cuts off who goes beyond the bounds. Used by the thread of the socket, which calls look() at least every
/// `look_again`.
class Connections {
  public:
    static constexpr std::chrono::milliseconds look_again{20};
    static constexpr std::string_view nothing_listens = "nothing listens there";

    /// Before the socket is bound or connected. \throws Error System.
    Connections(void* context, void* socket, ConnectionBounds bounds);
    ~Connections();

    /// Whole messages came over a connection: `message` is a part of the last one.
    void delivered(void* message);

    /// Does nothing if it was called a moment ago.
    void look();

    /// Whether a connection has ended since the last call.
    bool take_ended();

    /// Why nothing may be heard, as far as libzmq knows; or nothing.
    const std::string& trouble() const { return trouble_; }

  private:
    struct Connection {
        std::uint64_t base = 0;      // bytes when it was looked at after the last whole message
        bool has_delivered = false;  // since
    };

    void read_events();
    void on_event(unsigned event, int value);
    void came(int descriptor);
    static void cut_off(int descriptor);
    static std::uint64_t received_bytes(int descriptor);

    void* const socket_;
    const ConnectionBounds bounds_;
    Socket events_;
    std::map<int, Connection> connections_{};  // by descriptor
    std::chrono::steady_clock::time_point looked_{};
    bool ended_ = false;
    std::string trouble_{};
};

}  // namespace ndsharray::mirror
