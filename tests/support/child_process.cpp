// SPDX-License-Identifier: BSD-3-Clause
// Parts of a test that run in a process of their own: the test binary started again in a role.
#include <support/child_process.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace ndsharray::test {

namespace {

constexpr std::string_view role_option = "--role=";
constexpr int channel_descriptor = 3;
constexpr std::size_t longest_message = 64 * 1024;

std::map<std::string, Role, std::less<>>& roles() {
    static std::map<std::string, Role, std::less<>> all;
    return all;
}

std::system_error system_error(const char* what) {
    return {errno, std::generic_category(), what};
}

/// The two ends of a channel: the test's own and the started process's.
std::array<int, 2> connected_sockets() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw system_error("socketpair");
    return ends;
}

/// Its name, since what executes the link itself under valgrind is valgrind. Asked for when the program
/// starts: a mount namespace that is unshared in a chroot has another root than the link is told from.
const std::string own_program = std::filesystem::read_symlink("/proc/self/exe");

/// How this program is started: where Meson runs the programs of another machine by an emulator, by that,
/// which need not be known to the kernel.
Arguments start_of_command() {
    const char* const emulator = std::getenv("MESON_EXE_WRAPPER");
    return emulator == nullptr ? Arguments{own_program} : Arguments{emulator, own_program};
}

pid_t spawn(const std::string& role, const Arguments& arguments, int channel) {
    Arguments words = start_of_command();
    words.push_back(std::string(role_option) + role);
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);

    // A descriptor that is moved onto its own number would keep its close-on-exec flag.
    const int source = channel == channel_descriptor ? ::fcntl(channel, F_DUPFD_CLOEXEC, 4) : channel;
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, source, channel_descriptor);
    pid_t pid = -1;
    const int failure = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (source != channel)
        ::close(source);
    if (failure != 0)
        throw std::system_error(failure, std::generic_category(), "posix_spawn");
    return pid;
}

}  // namespace

Channel::~Channel() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

Channel::Channel(Channel&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Channel& Channel::operator=(Channel&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

void Channel::send(const std::string& message) {
    if (::send(descriptor_, message.data(), message.size(), MSG_NOSIGNAL) < 0)
        throw system_error("sending to the other process");
}

std::optional<std::string> Channel::receive(std::optional<std::chrono::milliseconds> timeout) {
    pollfd poll{descriptor_, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&poll, 1, timeout ? static_cast<int>(timeout->count()) : -1);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        throw std::runtime_error("no message from the other process in time");
    std::string message(longest_message, '\0');
    const ssize_t length = ::recv(descriptor_, message.data(), message.size(), 0);
    if (length <= 0)
        return std::nullopt;
    message.resize(static_cast<std::size_t>(length));
    return message;
}

RegisteredRole::RegisteredRole(const char* name, Role role) {
    roles().emplace(name, role);
}

std::optional<int> run_role(int argc, char** argv) {
    if (argc < 2 || !std::string_view(argv[1]).starts_with(role_option))
        return std::nullopt;
    const std::string_view name = std::string_view(argv[1]).substr(role_option.size());
    const auto role = roles().find(name);
    if (role == roles().end()) {
        std::fprintf(stderr, "no role %s\n", argv[1]);
        return 2;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::fcntl(channel_descriptor, F_SETFD, FD_CLOEXEC);
    Channel channel(channel_descriptor);
    try {
        return role->second(channel, Arguments(argv + 2, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[1], error.what());
        return 1;
    }
}

ChildProcess::ChildProcess(const std::string& role, const Arguments& arguments) : channel_(-1) {
    const auto [own_end, other_end] = connected_sockets();
    channel_ = Channel(own_end);
    const Channel closed_here(other_end);
    pid_ = spawn(role, arguments, other_end);
}

ChildProcess::~ChildProcess() {
    kill();
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : channel_(std::move(other.channel_)), pid_(std::exchange(other.pid_, -1)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    std::swap(channel_, other.channel_);
    std::swap(pid_, other.pid_);
    return *this;
}

void ChildProcess::kill() noexcept {
    if (pid_ <= 0)
        return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

int ChildProcess::wait_for_exit(std::chrono::nanoseconds timeout) {
    int status = 0;
    if (pid_ <= 0 || !wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, timeout))
        throw std::runtime_error("the other process did not end in time");
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace ndsharray::test
