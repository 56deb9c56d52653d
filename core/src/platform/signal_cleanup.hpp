// SPDX-License-Identifier: BSD-3-Clause
// Removes the files of this process when a signal ends it.
#pragma once

#include <span>

namespace ndsharray::platform {

/// The signals for which this is possible: those that are sent to end a process.
std::span<const int> signals_to_clean_up_on() noexcept;

/// Installs a handler for one of these signals, before the present handler. Does nothing if the signal is
/// ignored, or if the handler is installed already.
void clean_up_on(int signal);

}  // namespace ndsharray::platform
