// SPDX-License-Identifier: BSD-3-Clause
// Removes the files of this process's writers when a signal ends it.
#include <ndsharray/signals.hpp>

#include "platform/signal_cleanup.hpp"
#include "process/only_errors.hpp"

#include <algorithm>
#include <string>

namespace ndsharray {

void clean_up_on_signals(const std::vector<int>& signals) {
    only_errors([&] {
        const auto possible = platform::signals_to_clean_up_on();
        for (const int signal : signals)
            if (std::find(possible.begin(), possible.end(), signal) == possible.end())
                throw Error(ErrorCode::InvalidArgument,
                            "clean_up_on_signals is for SIGTERM, SIGINT, SIGHUP and SIGQUIT, not for "
                            "signal " +
                                std::to_string(signal));
        for (const int signal : signals)
            platform::clean_up_on(signal);
    });
}

}  // namespace ndsharray
