// SPDX-License-Identifier: BSD-3-Clause
// What one process of a run is told to do, and what it tells back: JSON over a Channel.
#include "plan.hpp"

namespace ndsharray::bench {

using nlohmann::json;

ProcessPlan plan_of(const test::Arguments& arguments) {
    return json::parse(arguments.at(0)).get<ProcessPlan>();
}

test::Arguments arguments_of(const ProcessPlan& plan) {
    return {json(plan).dump()};
}

void send(test::Channel& channel, const Message& message) {
    channel.send(json(message).dump());
}

Message parse_message(const std::string& text) {
    return json::parse(text).get<Message>();
}

Notify notify_over(test::Channel& channel) {
    return [&channel](const Message& message) { send(channel, message); };
}

}  // namespace ndsharray::bench
