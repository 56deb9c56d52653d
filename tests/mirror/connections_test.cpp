// SPDX-License-Identifier: BSD-3-Clause
// Connections of a socket that is looked at seldom.
#include <connections.hpp>

#include <gtest/gtest.h>

#include <zmq.h>

#include <array>
#include <string>
#include <thread>

namespace ndsharray::mirror::test {
namespace {

using namespace std::chrono_literals;

struct EndContext {
    void operator()(void* context) const { zmq_ctx_term(context); }
};

void set(const Socket& socket, int option, int value) {
    ASSERT_EQ(zmq_setsockopt(socket.get(), option, &value, sizeof value), 0);
}

std::string endpoint_of(const Socket& socket) {
    std::array<char, 256> name{};
    std::size_t length = name.size();
    zmq_getsockopt(socket.get(), ZMQ_LAST_ENDPOINT, name.data(), &length);
    return name.data();
}

// libzmq waits for whoever takes its events, with all connections of the process.
TEST(Connections, ThatComeToNothingForLongDoNotStopTheOthers) {
    const std::unique_ptr<void, EndContext> context(zmq_ctx_new());
    const Socket nobody(zmq_socket(context.get(), ZMQ_STREAM)), lost(zmq_socket(context.get(), ZMQ_DEALER));
    set(nobody, ZMQ_LINGER, 0);
    set(lost, ZMQ_LINGER, 0);
    set(lost, ZMQ_RECONNECT_IVL, 1);
    ASSERT_EQ(zmq_bind(nobody.get(), "tcp://127.0.0.1:*"), 0);
    const std::string closed = endpoint_of(nobody);
    ASSERT_EQ(zmq_unbind(nobody.get(), closed.c_str()), 0);
    Connections connections(context.get(), lost.get(), {1000, 1});
    ASSERT_EQ(zmq_connect(lost.get(), closed.c_str()), 0);

    const Socket listener(zmq_socket(context.get(), ZMQ_PULL)), sender(zmq_socket(context.get(), ZMQ_PUSH));
    set(sender, ZMQ_LINGER, 0);
    set(listener, ZMQ_RCVTIMEO, 10'000);
    ASSERT_EQ(zmq_bind(listener.get(), "tcp://127.0.0.1:*"), 0);
    ASSERT_EQ(zmq_connect(sender.get(), endpoint_of(listener).c_str()), 0);
    std::this_thread::sleep_for(3s);  // some thousand events; a queue has 1000
    ASSERT_EQ(zmq_send(sender.get(), "x", 1, 0), 1);
    std::array<char, 1> byte{};
    EXPECT_EQ(zmq_recv(listener.get(), byte.data(), byte.size(), 0), 1);
    connections.look();
    EXPECT_EQ(connections.trouble(), "nothing listens there");
    EXPECT_FALSE(connections.take_ended()) << "there was none";
}

}  // namespace
}  // namespace ndsharray::mirror::test
