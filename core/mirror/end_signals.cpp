// SPDX-License-Identifier: BSD-3-Clause
#include "end_signals.hpp"

#include <ndsharray/error.hpp>

#include <signals.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

namespace ndsharray::mirror {

EndSignals::EndSignals() {
    sigset_t ends;
    sigemptyset(&ends);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        if (!cli::is_ignored(signal))
            sigaddset(&ends, signal);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    descriptor_ = ::epoll_create1(EPOLL_CLOEXEC);
    signals_ = ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    told_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event readable{};
    readable.events = EPOLLIN;
    if (::epoll_ctl(descriptor_, EPOLL_CTL_ADD, signals_, &readable) != 0 ||
        ::epoll_ctl(descriptor_, EPOLL_CTL_ADD, told_, &readable) != 0) {
        const int error = errno;
        close_all();
        throw Error(ErrorCode::System, std::string("no signals can be waited for: ") + std::strerror(error));
    }
}

EndSignals::~EndSignals() {
    close_all();
}

void EndSignals::close_all() {
    for (const int descriptor : {descriptor_, signals_, told_})
        if (descriptor >= 0)
            ::close(descriptor);
}

void EndSignals::end() const {
    ::eventfd_write(told_, 1);
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
