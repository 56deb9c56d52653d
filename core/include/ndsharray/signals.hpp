// SPDX-License-Identifier: BSD-3-Clause
// Removing the files of this process's writers when a signal ends it.
#pragma once

#include <ndsharray/error.hpp>
#include <ndsharray/export.hpp>

#include <csignal>
#include <vector>

namespace ndsharray {

/// Closes the tags of all writers of this process when one of these signals ends it: readers get
/// Disconnected, and the files are removed. Without this call, SIGTERM (from systemd, `timeout`, `docker
/// stop`) leaves the files until the next writer of the tag. For programs that have no handler of their own
/// in which they destroy their writers.
///
/// Holds for the writers that there are, and for later ones, until the end of the process. What the signal
/// did before follows: the process ends by it, or its own handler runs. If that handler lets the process go
/// on, a writer makes its files again with its next frame. An ignored signal stays ignored. A forked child
/// removes nothing of its parent. Frames that an `Every` reader has not opened yet are lost, as after a
/// crash.
///
/// Install handlers of your own before this call: a later one takes its place. Safe from any thread, and
/// more than once.
/// \param signals of SIGTERM, SIGINT, SIGHUP and SIGQUIT.
/// \throws Error InvalidArgument: another signal. OutOfMemory.
NDSHARRAY_API void clean_up_on_signals(const std::vector<int>& signals = {SIGTERM});

}  // namespace ndsharray
