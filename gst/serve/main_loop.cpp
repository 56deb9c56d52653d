// SPDX-License-Identifier: BSD-3-Clause
// Calls from other threads into the main loop, in which everything that talks to viewers runs.
#include "serve/main_loop.hpp"

#include <glib.h>

#include <memory>
#include <utility>

namespace ndsharray::serve {
namespace {

using Call = std::function<bool()>;

gboolean run(gpointer call) {
    return (*static_cast<Call*>(call))() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

void free_call(gpointer call) {
    delete static_cast<Call*>(call);
}

Call once(std::function<void()> call) {
    return [call = std::move(call)] {
        call();
        return false;
    };
}

}  // namespace

void in_main_loop(std::function<void()> call) {
    g_idle_add_full(G_PRIORITY_DEFAULT, run, std::make_unique<Call>(once(std::move(call))).release(),
                    free_call);
}

unsigned every(unsigned milliseconds, std::function<bool()> call) {
    return g_timeout_add_full(G_PRIORITY_DEFAULT, milliseconds, run,
                              std::make_unique<Call>(std::move(call)).release(), free_call);
}

unsigned after(unsigned milliseconds, std::function<void()> call) {
    return every(milliseconds, once(std::move(call)));
}

}  // namespace ndsharray::serve
