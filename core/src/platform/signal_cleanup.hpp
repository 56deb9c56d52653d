// SPDX-License-Identifier: BSD-3-Clause
// Removing this process's files when a signal ends it.
#pragma once

#include <span>

namespace ndsharray::platform {

/// The signals for which that is possible: those by which somebody ends a process.
std::span<const int> signals_to_clean_up_on() noexcept;

/// Puts a handler for this signal, one of those, in front of what there is. Where the signal is ignored, or
/// the handler is there already, does nothing.
void clean_up_on(int signal);

}  // namespace ndsharray::platform
