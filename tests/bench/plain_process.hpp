// SPDX-License-Identifier: BSD-3-Clause
// One side of a run without GStreamer: a thread that pushes or takes, steered over the channel.
#pragma once

#include <support/child_process.hpp>

#include <functional>
#include <stop_token>

#include "plan.hpp"
#include "stamp.hpp"

namespace ndsharray::bench {

/// Calls `push` for each frame that is due, with all of its stamp but the time of the push.
int run_plain_producer(test::Channel& channel, const SourcePlan& plan,
                       const std::function<void(Stamp stamp)>& push);

/// Calls `take`, which returns soon after it was asked to stop and then `wake` was called.
int run_plain_consumer(test::Channel& channel, const std::function<void(const std::stop_token&)>& take,
                       const std::function<void()>& wake);

}  // namespace ndsharray::bench
