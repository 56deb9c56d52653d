// SPDX-License-Identifier: BSD-3-Clause
#include "end_signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>

namespace ndsharray::mirror {

EndSignals::EndSignals() {
    sigset_t ends;
    sigemptyset(&ends);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&ends, signal);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    descriptor_ = ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    std::signal(SIGPIPE, SIG_IGN);
}

EndSignals::~EndSignals() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

bool EndSignals::wait(double seconds) const {
    pollfd signal{descriptor_, POLLIN, 0};
    const double rounded = std::clamp(seconds, 0.0, 1e9);
    timespec time{};
    time.tv_sec = static_cast<time_t>(rounded);
    time.tv_nsec = static_cast<long>((rounded - static_cast<double>(time.tv_sec)) * 1e9);
    return ::ppoll(&signal, 1, &time, nullptr) > 0;
}

}  // namespace ndsharray::mirror
