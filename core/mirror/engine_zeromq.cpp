// SPDX-License-Identifier: BSD-3-Clause
#include "engine.hpp"

#include "connections.hpp"
#include "descriptors.hpp"
#include "wire.hpp"

#include <ndsharray/error.hpp>

#include <netdb.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <utility>

namespace ndsharray::mirror {
namespace {

// What a session has on the way is bounded by itself: 64 items with their layouts, and 32 parts. libzmq may
// count twice as many, as it hears of what was taken half a queue at a time.
constexpr int most_to_send = 512;
// Messages of a connection that wait here; what comes then waits in the network.
constexpr int most_requests = 64, most_answers = 8;
// What may come over a connection before a message is whole: more than a mirror asks for in the time, and
// more than wait here of the largest frames' heads. A part without bytes takes two of these and 64 bytes of
// memory.
constexpr ConnectionBounds of_requests{64 * 1024, 1024}, of_answers{10 * 1024 * 1024, 1};
constexpr int heartbeat_ms = 1000, heartbeat_timeout_ms = 3000, handshake_ms = 3000, linger_ms = 200;
constexpr int reconnect_ms = 100, slowest_reconnect_ms = 1000;

constexpr const char* outlets = "inproc://outlets";
constexpr const char* authentication = "inproc://zeromq.zap.01";  // the name that libzmq gives it

[[noreturn]] void fail(const std::string& what) {
    throw Error(ErrorCode::System, what + ": " + zmq_strerror(zmq_errno()));
}

Socket open_socket(void* context, int type) {
    Socket socket(zmq_socket(context, type));
    if (!socket)
        fail("no socket can be made");
    return socket;
}

void set_bytes(const Socket& socket, int option, const void* bytes, std::size_t length) {
    if (zmq_setsockopt(socket.get(), option, bytes, length) != 0)
        fail("ZeroMQ does not take its option " + std::to_string(option));
}

template <typename Value>
void set(const Socket& socket, int option, const Value& value) {
    set_bytes(socket, option, &value, sizeof value);
}

void set(const Socket& socket, int option, const std::string& text) {
    set_bytes(socket, option, text.c_str(), text.size());
}

void set_for_network(const Socket& socket, std::size_t longest_message, int most_to_receive) {
    set(socket, ZMQ_IPV6, 1);
    set(socket, ZMQ_LINGER, linger_ms);
    set(socket, ZMQ_HEARTBEAT_IVL, heartbeat_ms);
    set(socket, ZMQ_HEARTBEAT_TIMEOUT, heartbeat_timeout_ms);
    set(socket, ZMQ_HANDSHAKE_IVL, handshake_ms);
    set(socket, ZMQ_RECONNECT_IVL, reconnect_ms);
    set(socket, ZMQ_RECONNECT_IVL_MAX, slowest_reconnect_ms);
    set(socket, ZMQ_SNDHWM, most_to_send);
    set(socket, ZMQ_RCVHWM, most_to_receive);
    set(socket, ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(longest_message));
}

std::string endpoint_of(const Address& address) {
    return "tcp://" + address.to_string();
}

std::string bound_port(void* socket) {
    std::array<char, 256> endpoint{};
    std::size_t length = endpoint.size();
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint.data(), &length) != 0)
        fail("the port is not known");
    const std::string text = endpoint.data();
    return text.substr(text.rfind(':') + 1);
}

}  // namespace

/// In a named namespace, as Part::Content, which is made of it: otherwise GCC warns where this file is
/// included.
struct RawPart {
    zmq_msg_t content;
    RawPart() { zmq_msg_init(&content); }
    ~RawPart() { zmq_msg_close(&content); }
    RawPart(const RawPart&) = delete;
    RawPart& operator=(const RawPart&) = delete;

    bool receive(void* socket) { return zmq_msg_recv(&content, socket, ZMQ_DONTWAIT) >= 0; }
    bool has_more() { return zmq_msg_more(&content) != 0; }
    void* message() { return &content; }
    std::string text() { return {static_cast<const char*>(zmq_msg_data(&content)), zmq_msg_size(&content)}; }
};

namespace {

void drop_rest(void* socket, bool more) {
    while (more) {
        RawPart rest;
        if (!rest.receive(socket))
            return;
        more = rest.has_more();
    }
}

}  // namespace

// ---- parts of messages

struct Part::Content : RawPart {};

Part::Part() = default;
Part::~Part() = default;
Part::Part(Part&& other) noexcept = default;
Part& Part::operator=(Part&& other) noexcept = default;

std::span<const std::byte> Part::bytes() const {
    if (!content_)
        return {};
    return {static_cast<const std::byte*>(zmq_msg_data(&content_->content)),
            zmq_msg_size(&content_->content)};
}

// ---- the engine

Engine::Engine() : context_(zmq_ctx_new()) {
    if (context_ == nullptr)
        fail("ZeroMQ cannot be started");
}

void Engine::End::operator()(void* context) const {
    zmq_ctx_term(context);
}

void CloseSocket::operator()(void* socket) const {
    zmq_close(socket);
}

// ---- who listens

struct Listener::Implementation {
    Socket router{};
    std::unique_ptr<Connections> connections{};
    Socket from_outlets{};
    Socket keeper{};  // asked whether a key may come in
    Address address{};
    std::optional<ShareKeys> keys{};
    std::deque<std::string> gone{};

    bool may_enter(const std::string& binary_key) const {
        std::array<char, 41> text{};
        return binary_key.size() == 32 &&
               zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(binary_key.data()), 32) !=
                   nullptr &&
               std::find(keys->mirrors.begin(), keys->mirrors.end(), text.data()) != keys->mirrors.end();
    }

    /// A request as RFC 27 of ZeroMQ has it: the last of its parts is the key.
    void answer_keeper() {
        std::deque<std::string> parts;
        for (bool more = true; more;) {
            RawPart part;
            if (!part.receive(keeper.get()))
                return;
            more = part.has_more();
            parts.push_back(part.text());
        }
        const bool may = parts.size() == 7 && parts[5] == "CURVE" && may_enter(parts[6]);
        const std::string id = parts.size() > 1 ? parts[1] : "";
        for (const std::string& part : {std::string("1.0"), id, std::string(may ? "200" : "400"),
                                        std::string(may ? "OK" : "unknown key"), std::string()})
            zmq_send(keeper.get(), part.data(), part.size(), ZMQ_SNDMORE);
        zmq_send(keeper.get(), "", 0, 0);
    }

    void pass_on() {
        RawPart peer;
        if (!peer.receive(from_outlets.get()))
            return;
        const std::string name = peer.text();
        if (zmq_send(router.get(), name.data(), name.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
            gone.push_back(name);
            drop_rest(from_outlets.get(), peer.has_more());
            return;
        }
        for (bool more = peer.has_more(); more;) {
            RawPart part;
            if (!part.receive(from_outlets.get()))
                return;
            more = part.has_more();
            zmq_msg_send(&part.content, router.get(), (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT);
        }
    }

    std::optional<Received> receive_one() {
        RawPart peer;
        if (!peer.receive(router.get()))
            return std::nullopt;
        if (!peer.has_more())
            return std::nullopt;
        Received received;
        received.peer = peer.text();
        received.head.content_ = std::make_unique<Part::Content>();
        if (!received.head.content_->receive(router.get()))
            return std::nullopt;
        connections->delivered(received.head.content_->message());
        if (received.head.content_->has_more()) {
            received.body.content_ = std::make_unique<Part::Content>();
            received.body.content_->receive(router.get());
            drop_rest(router.get(), received.body.content_->has_more());
        }
        return received;
    }
};

Listener::Listener(Engine& engine, const Address& address, const std::optional<ShareKeys>& keys)
    : implementation_(std::make_unique<Implementation>()) {
    Implementation& own = *implementation_;
    own.keys = keys;
    own.from_outlets = open_socket(engine.context_.get(), ZMQ_PULL);
    set(own.from_outlets, ZMQ_RCVHWM, 0);  // bounded by the sessions
    if (zmq_bind(own.from_outlets.get(), outlets) != 0)
        fail("no socket can be made");
    own.router = open_socket(engine.context_.get(), ZMQ_ROUTER);
    set_for_network(own.router, max_request_bytes, most_requests);
    set(own.router, ZMQ_ROUTER_MANDATORY, 1);
    ConnectionBounds bounds = of_requests;
    bounds.connections = std::min(bounds.connections, most_descriptors() / 4);  // the others are for tags
    own.connections = std::make_unique<Connections>(engine.context_.get(), own.router.get(), bounds);
    if (keys) {
        own.keeper = open_socket(engine.context_.get(), ZMQ_REP);
        if (zmq_bind(own.keeper.get(), authentication) != 0)
            fail("no socket can be made");
        set(own.router, ZMQ_CURVE_SERVER, 1);
        set(own.router, ZMQ_CURVE_SECRETKEY, keys->secret);
        set(own.router, ZMQ_ZAP_DOMAIN, std::string("ndsharray"));
    }
    Address bound = address;
    if (bound.port == "0")
        bound.port = "*";
    if (zmq_bind(own.router.get(), endpoint_of(bound).c_str()) != 0)
        fail("cannot listen on " + address.to_string());
    own.address = address;
    own.address.port = bound_port(own.router.get());
}

Listener::~Listener() = default;

const Address& Listener::address() const {
    return implementation_->address;
}

std::optional<Received> Listener::receive(std::chrono::milliseconds timeout, int descriptor) {
    Implementation& own = *implementation_;
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
        own.connections->look();
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        std::array<zmq_pollitem_t, 4> items{{{own.router.get(), 0, ZMQ_POLLIN, 0},
                                             {own.from_outlets.get(), 0, ZMQ_POLLIN, 0},
                                             {nullptr, descriptor, ZMQ_POLLIN, 0},
                                             {own.keeper.get(), 0, ZMQ_POLLIN, 0}}};
        const int used = own.keeper ? 4 : 3;
        const auto wait = std::min(left, Connections::look_again);
        if (zmq_poll(items.data(), used, std::max<long>(0, wait.count())) <= 0) {
            if (wait == left)
                return std::nullopt;
            continue;
        }
        if ((items[3].revents & ZMQ_POLLIN) != 0)
            own.answer_keeper();
        if ((items[0].revents & ZMQ_POLLIN) != 0)
            return own.receive_one();
        if ((items[2].revents & ZMQ_POLLIN) != 0)
            return std::nullopt;
        if ((items[1].revents & ZMQ_POLLIN) != 0) {
            own.pass_on();
            if (!own.gone.empty())
                return std::nullopt;
        }
    }
}

bool Listener::send(const std::string& peer, std::string_view head) {
    if (zmq_send(implementation_->router.get(), peer.data(), peer.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return zmq_errno() != EHOSTUNREACH;
    zmq_send(implementation_->router.get(), head.data(), head.size(), ZMQ_DONTWAIT);
    return true;
}

std::optional<std::string> Listener::take_gone() {
    if (implementation_->gone.empty())
        return std::nullopt;
    std::string peer = std::move(implementation_->gone.front());
    implementation_->gone.pop_front();
    return peer;
}

// ---- other threads of the one that listens

Outlet::Outlet(Engine& engine) : socket_(open_socket(engine.context_.get(), ZMQ_PUSH)) {
    set(socket_, ZMQ_SNDHWM, 0);
    set(socket_, ZMQ_LINGER, 0);
    if (zmq_connect(socket_.get(), outlets) != 0)
        fail("no socket can be made");
}

void Outlet::send(const std::string& peer, std::string_view head) {
    zmq_send(socket_.get(), peer.data(), peer.size(), ZMQ_SNDMORE);
    zmq_send(socket_.get(), head.data(), head.size(), 0);
}

void Outlet::send(const std::string& peer, std::string_view head, std::span<const std::byte> body,
                  std::shared_ptr<void> keep) {
    zmq_send(socket_.get(), peer.data(), peer.size(), ZMQ_SNDMORE);
    zmq_send(socket_.get(), head.data(), head.size(), ZMQ_SNDMORE);
    auto held = std::make_unique<std::shared_ptr<void>>(std::move(keep));
    const auto release = [](void*, void* held) { delete static_cast<std::shared_ptr<void>*>(held); };
    zmq_msg_t message;
    if (zmq_msg_init_data(&message, const_cast<std::byte*>(body.data()), body.size(), release, held.get()) !=
        0) {
        zmq_send(socket_.get(), "", 0, 0);
        return;
    }
    held.release();  // the message has it
    if (zmq_msg_send(&message, socket_.get(), 0) < 0)
        zmq_msg_close(&message);
}

// ---- who connects

Link::Link(Engine& engine, const Address& address, const std::optional<MirrorKeys>& keys)
    : host_(address.host), socket_(open_socket(engine.context_.get(), ZMQ_DEALER)) {
    set_for_network(socket_, max_answer_bytes, most_answers);
    if (keys) {
        set(socket_, ZMQ_CURVE_SERVERKEY, keys->share);
        set(socket_, ZMQ_CURVE_PUBLICKEY, keys->public_key);
        set(socket_, ZMQ_CURVE_SECRETKEY, keys->secret);
    }
    connections_ = std::make_unique<Connections>(engine.context_.get(), socket_.get(), of_answers);
    if (zmq_connect(socket_.get(), endpoint_of(address).c_str()) != 0)
        fail("cannot connect to " + address.to_string());
}

Link::~Link() = default;

void Link::send(std::string_view head) {
    zmq_send(socket_.get(), head.data(), head.size(), ZMQ_DONTWAIT);
}

std::optional<Received> Link::receive(std::chrono::milliseconds timeout) {
    keep_bounds();
    zmq_pollitem_t item{socket_.get(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, std::max<long>(0, timeout.count())) <= 0)
        return std::nullopt;
    Received received;
    received.head.content_ = std::make_unique<Part::Content>();
    if (!received.head.content_->receive(socket_.get()))
        return std::nullopt;
    connections_->delivered(received.head.content_->message());
    if (received.head.content_->has_more()) {
        received.body.content_ = std::make_unique<Part::Content>();
        received.body.content_->receive(socket_.get());
        drop_rest(socket_.get(), received.body.content_->has_more());
    }
    return received;
}

void Link::keep_bounds() {
    connections_->look();
}

bool Link::take_ended() {
    return connections_->take_ended();
}

std::string Link::trouble() {
    const std::string trouble = connections_->trouble();
    if (trouble != Connections::nothing_listens)
        return trouble;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host_.c_str(), nullptr, nullptr, &found);
    if (error != 0)
        return "no address is known for that name: " + std::string(::gai_strerror(error));
    if (found != nullptr)
        ::freeaddrinfo(found);
    return trouble;
}

}  // namespace ndsharray::mirror
