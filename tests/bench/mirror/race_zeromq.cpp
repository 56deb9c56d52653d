// SPDX-License-Identifier: BSD-3-Clause
// ZeroMQ in the race: a receiver asks for frames, two ahead; the sender answers with the newest, in place.
#include "race.hpp"

#include <zmq.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>

namespace {

constexpr int ahead = 2;
constexpr std::size_t most_in_a_message =
    256 * 1024;  // encrypting, carrying, decrypting go on at the same time

struct Slot {
    std::vector<std::byte> bytes;
    std::atomic<unsigned> sending{0};  // messages
};

std::array<char, 41> public_of(const std::string& secret) {
    std::array<char, 41> key{};
    zmq_curve_public(key.data(), secret.c_str());
    return key;
}

// Both sides have one key: what encryption costs does not depend on whose it is.
void secure(void* socket, const char* secret, bool server) {
    if (secret == nullptr)
        return;
    const auto key = public_of(secret);
    const int on = 1;
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 40);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, key.data(), 40);
    if (server)
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on);
    else
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, key.data(), 40);
}

void send_frames(void* socket, std::size_t size, double rate, double seconds) {
    std::array<Slot, 5> slots;
    for (Slot& slot : slots)
        slot.bytes.resize(size);
    Slot* newest = nullptr;
    std::string peer;
    int credit = 0;
    std::uint64_t published = 0;
    const auto period = std::int64_t(1e9 / rate);
    const auto frames = std::uint64_t(rate * seconds);
    const auto offer = [&] {
        if (newest == nullptr || credit == 0)
            return;
        newest->sending = unsigned((size + most_in_a_message - 1) / most_in_a_message);
        for (std::size_t at = 0; at < size; at += most_in_a_message) {
            zmq_msg_t body;
            zmq_msg_init_data(
                &body, newest->bytes.data() + at, std::min(most_in_a_message, size - at),
                [](void*, void* slot) { --static_cast<Slot*>(slot)->sending; }, newest);
            zmq_send(socket, peer.data(), peer.size(), ZMQ_SNDMORE);
            if (zmq_msg_send(&body, socket, 0) < 0)
                zmq_msg_close(&body);
        }
        newest = nullptr;
        --credit;
    };
    zmq_pollitem_t first{socket, 0, ZMQ_POLLIN, 0};
    zmq_poll(&first, 1, 10'000);
    const std::int64_t start = race::now();
    for (std::int64_t next = start; !race::ended;) {
        const auto wait = long(std::max<std::int64_t>(0, (next - race::now()) / 1'000'000));
        zmq_pollitem_t item{socket, 0, ZMQ_POLLIN, 0};
        if (zmq_poll(&item, 1, wait) > 0) {
            char identity[256];
            const int length = zmq_recv(socket, identity, sizeof identity, 0);
            char ask;
            zmq_recv(socket, &ask, 1, 0);
            peer.assign(identity, std::size_t(length));
            ++credit;
            offer();
            continue;
        }
        race::sleep_until(next);
        next += period;
        if (published == frames) {
            if (next > start + std::int64_t(seconds * 1e9) + 1'500'000'000)
                break;
            continue;
        }
        const auto free = std::find_if(slots.begin(), slots.end(),
                                       [&](const Slot& slot) { return !slot.sending && &slot != newest; });
        ++published;
        if (free == slots.end())
            continue;
        const race::Stamp stamp{published, race::now()};
        std::memcpy(free->bytes.data(), &stamp, sizeof stamp);
        newest = &*free;
        offer();
    }
    race::print_sent(published);
    std::fflush(stdout);
    std::_Exit(0);  // frames may be on their way out of `slots`
}

void receive_frames(void* socket, std::size_t size) {
    race::Arrivals arrivals;
    std::vector<std::byte> tag(size);  // where a mirror would have it: a slot of a tag
    for (int i = 0; i < ahead; ++i)
        zmq_send(socket, "", 1, 0);
    std::puts("ready");
    std::fflush(stdout);
    std::size_t filled = 0;
    while (!race::ended) {
        zmq_msg_t body;
        zmq_msg_init(&body);
        if (zmq_msg_recv(&body, socket, 0) >= 0 && zmq_msg_size(&body) <= size - filled) {
            std::memcpy(tag.data() + filled, zmq_msg_data(&body), zmq_msg_size(&body));
            filled += zmq_msg_size(&body);
        }
        zmq_msg_close(&body);
        if (filled == size) {
            zmq_send(socket, "", 1, 0);
            race::Stamp stamp;
            std::memcpy(&stamp, tag.data(), sizeof stamp);
            arrivals.add(stamp);
            filled = 0;
        }
    }
    arrivals.print();
}

}  // namespace

// send|receive ADDRESS BYTES RATE SECONDS [SECRET]
int main(int argc, char** argv) {
    if (argc < 6)
        return 2;
    race::end_on_sigterm();
    const std::string role = argv[1], address = std::string("tcp://") + argv[2] + ":7447";
    const std::size_t size = std::strtoull(argv[3], nullptr, 10);
    void* context = zmq_ctx_new();
    void* socket = zmq_socket(context, role == "send" ? ZMQ_ROUTER : ZMQ_DEALER);
    const int no_linger = 0, timeout = 200;
    zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof no_linger);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    secure(socket, argc > 6 ? argv[6] : nullptr, role == "send");
    if ((role == "send" ? zmq_bind : zmq_connect)(socket, address.c_str()) != 0)
        return 1;
    if (role == "send")
        send_frames(socket, size, std::atof(argv[4]), std::atof(argv[5]));
    receive_frames(socket, size);
    zmq_close(socket);
    zmq_ctx_term(context);
}
