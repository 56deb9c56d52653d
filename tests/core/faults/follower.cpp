// SPDX-License-Identifier: BSD-3-Clause
// A reader in a process of its own that outlives writers and other readers, and looks at every pixel it gets.
#include "follower.hpp"

#include "victim.hpp"

#include "core_test.hpp"

namespace ndsharray::test {
namespace {

int follow(Channel& channel, const Arguments& arguments) {
    Reader reader(arguments.at(0), reading(arguments.at(1) == "every" ? ReadMode::Every : ReadMode::Latest));
    std::uint64_t last = 0;
    for (;;) {
        const Frame frame = reader.read();
        if (frame.status() == ReadStatus::Failed)
            channel.send(std::string("failed: ") + reader.error().what());
        if (!frame) {
            last = 0;  // the next writer may count from 1
            continue;
        }
        if (frame.info().offset == no_offset)
            channel.send("not from our own files: frame " + std::to_string(frame.number()));
        else if (!is_intact(frame))
            channel.send("torn: frame " + std::to_string(frame.number()));
        if (frame.number() <= last)
            channel.send("again: frame " + std::to_string(frame.number()));
        last = frame.number();
        if (frame.spec().bytes >= smallest_mark)
            channel.send(std::to_string(frame.spec().bytes));
    }
}
const RegisteredRole follow_role("follow", follow);

}  // namespace

Follower::Follower(const std::string& tag, ReadMode mode)
    : process_("follow", {tag, mode == ReadMode::Every ? "every" : "latest"}) {}

void Follower::await_mark(std::uint64_t bytes) {
    const std::string wanted = std::to_string(bytes);
    for (;;) {
        const auto message = process_.channel().receive();
        if (message == wanted)
            return;
        require(message.has_value(), "a reader that followed ended");
        if (!std::isdigit(static_cast<unsigned char>(message->front())))
            fail("a reader that followed says " + *message);
    }
}

}  // namespace ndsharray::test
