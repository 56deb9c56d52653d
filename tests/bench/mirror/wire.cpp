// SPDX-License-Identifier: BSD-3-Clause
// A wire between two network namespaces with a rate, a delay and losses, where the kernel has no netem.
// wire NAMESPACE ADDRESS/24 NAMESPACE ADDRESS/24 MBIT DELAY_MS LOSS
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace {

std::int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct Packet {
    std::int64_t due;
    std::vector<char> bytes;
};

struct End {
    int device = -1;
    std::int64_t busy_until = 0;  // the wire in this end's direction
    std::deque<Packet> on_the_way;
};

int open_device(const std::string& space, const std::string& address) {
    const int namespace_file = open(("/run/netns/" + space).c_str(), O_RDONLY);
    if (namespace_file < 0 || setns(namespace_file, CLONE_NEWNET) != 0)
        return -1;
    close(namespace_file);
    const int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strcpy(request.ifr_name, "wire");
    if (device < 0 || ioctl(device, TUNSETIFF, &request) != 0)
        return -1;
    const std::string set_up = "ip addr add " + address + " dev wire && ip link set wire up txqueuelen 1000";
    return std::system(set_up.c_str()) == 0 ? device : -1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 8)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    End ends[2];
    for (int i = 0; i < 2; ++i) {
        ends[i].device = open_device(argv[1 + 2 * i], argv[2 + 2 * i]);
        if (ends[i].device < 0) {
            std::perror("wire");
            return 1;
        }
    }
    const double bits = std::atof(argv[5]) * 1e6, loss = std::atof(argv[7]);
    const auto delay = std::int64_t(std::atof(argv[6]) * 1e6);
    constexpr std::int64_t most_queued =
        20'000'000;  // ns on the wire; what comes then is lost, as in a switch
    std::minstd_rand random(1);
    std::uniform_real_distribution<double> chance;
    std::puts("ready");
    std::fflush(stdout);
    char buffer[65536];
    for (;;) {
        std::int64_t next = now() + 100'000'000;
        for (int i = 0; i < 2; ++i) {
            End& from = ends[i];
            for (int some = 0; some < 64; ++some) {
                const ssize_t bytes = read(from.device, buffer, sizeof buffer);
                if (bytes <= 0)
                    break;
                const std::int64_t at = now();
                if (from.busy_until - at > most_queued || chance(random) < loss)
                    continue;
                from.busy_until =
                    std::max(from.busy_until, at) + std::int64_t(double(bytes + 38) * 8e9 / bits);
                from.on_the_way.push_back({from.busy_until + delay, {buffer, buffer + bytes}});
            }
            for (; !from.on_the_way.empty() && from.on_the_way.front().due <= now();
                 from.on_the_way.pop_front()) {
                const Packet& packet = from.on_the_way.front();
                if (write(ends[1 - i].device, packet.bytes.data(), packet.bytes.size()) < 0)
                    continue;
            }
            if (!from.on_the_way.empty())
                next = std::min(next, from.on_the_way.front().due);
        }
        pollfd waits[2] = {{ends[0].device, POLLIN, 0}, {ends[1].device, POLLIN, 0}};
        const std::int64_t left = std::max<std::int64_t>(0, next - now());
        const timespec wait{left / 1'000'000'000, left % 1'000'000'000};
        ppoll(waits, 2, &wait, nullptr);
    }
}
