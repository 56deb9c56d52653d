// SPDX-License-Identifier: BSD-3-Clause
#include "connections.hpp"

#include <ndsharray/error.hpp>

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

namespace ndsharray::mirror {
namespace {

Socket open_events(void* context, void* socket) {
    static std::atomic<unsigned> monitors{0};
    const std::string name = "inproc://events-" + std::to_string(++monitors);
    Socket events(zmq_socket(context, ZMQ_PAIR));
    // libzmq waits until an event is taken, and with it all that it sends and receives. So none may be too
    // many.
    const int no_bound = 0;
    if (!events || zmq_setsockopt(events.get(), ZMQ_RCVHWM, &no_bound, sizeof no_bound) != 0 ||
        zmq_setsockopt(events.get(), ZMQ_LINGER, &no_bound, sizeof no_bound) != 0 ||
        zmq_socket_monitor(socket, name.c_str(), ZMQ_EVENT_ALL) != 0 ||
        zmq_connect(events.get(), name.c_str()) != 0)
        throw Error(ErrorCode::System,
                    std::string("connections cannot be watched: ") + zmq_strerror(zmq_errno()));
    return events;
}

/// The next part of what happened; -1 if there is none.
template <std::size_t size>
int receive(const Socket& events, std::array<char, size>& part, bool& more) {
    const int bytes = zmq_recv(events.get(), part.data(), size, ZMQ_DONTWAIT);
    std::size_t length = sizeof(int);
    int follows = 0;
    more = bytes >= 0 && zmq_getsockopt(events.get(), ZMQ_RCVMORE, &follows, &length) == 0 && follows != 0;
    return bytes;
}

}  // namespace

Connections::Connections(void* context, void* socket, ConnectionBounds bounds)
    : socket_(socket), bounds_(bounds), events_(open_events(context, socket)) {}

Connections::~Connections() {
    zmq_socket_monitor(socket_, nullptr, 0);
}

void Connections::delivered(void* message) {
    const int descriptor = zmq_msg_get(static_cast<zmq_msg_t*>(message), ZMQ_SRCFD);
    if (const auto found = connections_.find(descriptor); found != connections_.end())
        found->second.has_delivered = true;
}

void Connections::look() {
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_ < look_again)
        return;
    looked_ = now;
    read_events();
    for (auto& [descriptor, connection] : connections_) {
        const std::uint64_t received = received_bytes(descriptor);
        if (std::exchange(connection.has_delivered, false))
            connection.base = received;
        else if (received > connection.base + bounds_.bytes)
            cut_off(descriptor);
    }
}

/// libzmq drops what had come, and closes it. The other side is told at once, also where nothing more may be
/// sent.
void Connections::cut_off(int descriptor) {
    const linger none{1, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::shutdown(descriptor, SHUT_RDWR);
}

bool Connections::take_ended() {
    return std::exchange(ended_, false);
}

/// That the process has read. 0 if this is no TCP connection any more.
std::uint64_t Connections::received_bytes(int descriptor) {
    tcp_info info{};
    socklen_t length = sizeof info;
    int unread = 0;
    if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
        ::ioctl(descriptor, SIOCINQ, &unread) != 0)
        return 0;
    const auto came = info.tcpi_bytes_received;
    return came - std::min<std::uint64_t>(came, static_cast<std::uint64_t>(std::max(unread, 0)));
}

void Connections::read_events() {
    for (;;) {
        std::array<char, 6> what{};
        std::array<char, 1> address{};
        bool more = false;
        if (receive(events_, what, more) < 0)
            return;
        while (more)
            receive(events_, address, more);
        std::uint16_t event = 0;
        std::int32_t value = 0;
        std::memcpy(&event, what.data(), sizeof event);
        std::memcpy(&value, what.data() + sizeof event, sizeof value);
        on_event(event, value);
    }
}

void Connections::on_event(unsigned event, int value) {
    switch (event) {
        case ZMQ_EVENT_ACCEPTED:
        case ZMQ_EVENT_CONNECTED:
            came(value);
            break;
        case ZMQ_EVENT_DISCONNECTED:
        case ZMQ_EVENT_CLOSED:
            ended_ = ended_ || connections_.erase(value) > 0;
            break;
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            trouble_.clear();
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            trouble_ = "it does not accept the key of this machine";
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            trouble_ = "one side has keys, and the other has none or different ones";
            break;
        case ZMQ_EVENT_CONNECT_RETRIED:
            if (trouble_.empty())
                trouble_ = nothing_listens;
            break;
        default:
            break;
    }
}

void Connections::came(int descriptor) {
    if (connections_.size() >= bounds_.connections)
        cut_off(descriptor);
    connections_[descriptor] = {};
}

}  // namespace ndsharray::mirror
