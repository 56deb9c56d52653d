// SPDX-License-Identifier: BSD-3-Clause
// Calls from other threads into the main loop, in which everything that talks to viewers runs.
#pragma once

#include <glib.h>

#include <functional>

namespace ndsharray::serve {

/// Lets `context` run `call` when `source` is ready, again and again until it returns false. Takes `source`.
/// \returns its number in `context`; null is the main loop's.
unsigned attach(GSource* source, GMainContext* context, std::function<bool()> call);

/// Runs `call` in the main loop, later. Any thread.
void in_main_loop(std::function<void()> call);

/// Runs `call` in the main loop again and again until it returns false. \returns its GLib source.
unsigned every(unsigned milliseconds, std::function<bool()> call);

/// Runs `call` in the main loop once, unless its source is removed before. \returns its GLib source.
unsigned after(unsigned milliseconds, std::function<void()> call);

}  // namespace ndsharray::serve
