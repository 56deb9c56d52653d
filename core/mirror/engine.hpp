// SPDX-License-Identifier: BSD-3-Clause
// The engine: messages between machines, by ZeroMQ. Nothing else here knows which engine it is.
#pragma once

#include "keys.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ndsharray::mirror {

/// HOST:PORT, HOST, [IPv6]:PORT or [IPv6].
struct Address {
    std::string host = "127.0.0.1";
    std::string port = "7447";

    /// \throws Error InvalidArgument.
    static Address parse(const std::string& text);

    std::string to_string() const;
    bool is_local() const;  ///< reaches this machine only
};

/// One part of a message, or no part.
class Part {
  public:
    Part();
    ~Part();
    Part(Part&& other) noexcept;
    Part& operator=(Part&& other) noexcept;

    std::span<const std::byte> bytes() const;

  private:
    friend class Listener;
    friend class Link;
    friend class Outlet;
    struct Content;
    std::unique_ptr<Content> content_;
};

/// A message with its second part, where it has one. `peer` names who sent it, at a Listener.
struct Received {
    std::string peer{};
    Part head{};
    Part body{};
};

/// All sockets of a process.
class Engine {
  public:
    /// \throws Error System.
    Engine();

  private:
    friend class Listener;
    friend class Link;
    friend class Outlet;
    struct End {
        void operator()(void* context) const;
    };
    std::unique_ptr<void, End> context_;
};

struct CloseSocket {
    void operator()(void* socket) const;
};
using Socket = std::unique_ptr<void, CloseSocket>;

/// Where mirrors connect. Used by one thread; other threads send through Outlets.
class Listener {
  public:
    /// \throws Error System: it cannot listen there.
    Listener(Engine& engine, const Address& address, const std::optional<ShareKeys>& keys);
    ~Listener();

    /// Where it listens, with the port that was found for "0".
    const Address& address() const;

    /// The next message. Meanwhile passes on what Outlets send. Returns early when `descriptor` is readable.
    std::optional<Received> receive(std::chrono::milliseconds timeout, int descriptor);

    /// To a peer, without waiting. What a peer that does not read has no room for, is not sent.
    /// \returns false if it is gone.
    bool send(const std::string& peer, std::string_view head);

    /// A peer that was gone when an Outlet's message was to be passed on.
    std::optional<std::string> take_gone();

  private:
    friend class Outlet;
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

/// Sends to a Listener's peers from another thread. Never waits: how much is on the way is the caller's
/// matter.
class Outlet {
  public:
    explicit Outlet(Engine& engine);

    void send(const std::string& peer, std::string_view head);

    /// `keep` lives until the bytes of `body` are not needed any more. It may be destroyed in any thread.
    void send(const std::string& peer, std::string_view head, std::span<const std::byte> body,
              std::shared_ptr<void> keep);

  private:
    Socket socket_;
};

class Connections;

/// A connection to a Listener elsewhere, which may come later, break and come back.
class Link {
  public:
    Link(Engine& engine, const Address& address, const std::optional<MirrorKeys>& keys);
    ~Link();

    void send(std::string_view head);
    std::optional<Received> receive(std::chrono::milliseconds timeout);

    /// While nothing is received: holds the bounds of what may come. receive() does so, too.
    void keep_bounds();

    /// Whether a connection has ended since the last call.
    bool take_ended();

    /// Why nothing may be heard, as far as the engine knows: "it does not take our key"; or nothing.
    std::string trouble();

  private:
    const std::string host_;
    Socket socket_;
    std::unique_ptr<Connections> connections_;
};

}  // namespace ndsharray::mirror
