// SPDX-License-Identifier: BSD-3-Clause
// Letting a process die at any of the points that core/src/testing/faults.hpp names.
#pragma once

#include "testing/faults.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace ndsharray::test {

/// Names of all points, in their order.
const std::vector<std::string>& fault_points();

const std::string& name(fault::Point point);

/// From now on this process counts the points it reaches, in all threads, and at the n-th says "died" and the
/// point's name on a channel and dies as by `kill -9`.
/// \param channel descriptor of a SOCK_SEQPACKET socket.
void die_at_nth(unsigned n, int channel);

/// The same at the n-th time that one point is reached.
void die_at(fault::Point point, unsigned n, int channel);

/// Names of the points that this process has reached.
std::vector<std::string> reached_points();

/// Calls back when a point is next reached; once. Not while other threads are at points.
void when_reached(fault::Point point, std::function<void()> callback);

}  // namespace ndsharray::test
