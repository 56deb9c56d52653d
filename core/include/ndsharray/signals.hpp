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
/// stop`) leaves the files until the next writer of the tag. A program does not need this call if its own
/// handler destroys its writers.
///
/// The call applies to all writers, present and later, until the end of the process. After the tags are
/// closed, the signal has its previous effect: it ends the process, or the handler of the program runs. If
/// that handler lets the process go on, a writer makes its files again with its next frame. An ignored signal
/// stays ignored. A forked child does not remove the files of its parent. Frames that an `Every` reader has
/// not opened yet are lost, as after a crash.
///
/// Install your own handlers before this call, because a handler that is installed later replaces this one.
/// May be called from any thread, and more than once.
/// \param signals any of SIGTERM, SIGINT, SIGHUP and SIGQUIT.
/// \throws Error InvalidArgument: another signal. OutOfMemory.
NDSHARRAY_API void clean_up_on_signals(const std::vector<int>& signals = {SIGTERM});

}  // namespace ndsharray
