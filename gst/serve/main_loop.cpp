// SPDX-License-Identifier: BSD-3-Clause
// Calls from other threads into the main loop, in which everything that talks to viewers runs.
#include "serve/main_loop.hpp"

#include <memory>
#include <utility>

namespace ndsharray::serve {
namespace {

using Call = std::function<bool()>;

Call once(std::function<void()> call) {
    return [call = std::move(call)] {
        call();
        return false;
    };
}

}  // namespace

unsigned attach(GSource* source, GMainContext* context, Call call) {
    g_source_set_callback(
        source,
        [](gpointer data) -> gboolean {
            return (*static_cast<Call*>(data))() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
        },
        std::make_unique<Call>(std::move(call)).release(),
        [](gpointer data) { delete static_cast<Call*>(data); });
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    const unsigned number = g_source_attach(source, context);
    g_source_unref(source);
    return number;
}

void in_main_loop(std::function<void()> call) {
    attach(g_idle_source_new(), nullptr, once(std::move(call)));
}

unsigned every(unsigned milliseconds, std::function<bool()> call) {
    return attach(g_timeout_source_new(milliseconds), nullptr, std::move(call));
}

unsigned after(unsigned milliseconds, std::function<void()> call) {
    return every(milliseconds, once(std::move(call)));
}

}  // namespace ndsharray::serve
