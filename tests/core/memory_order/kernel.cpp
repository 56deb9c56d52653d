// SPDX-License-Identifier: BSD-3-Clause
// A kernel for scenes: stands in for core/src/platform. Locks and nothing else order what threads know: what
// the kernel does beside is not to help the protocol.
#include "kernel.hpp"

#include "explorer.hpp"
#include "memory.hpp"
#include "platform/platform.hpp"
#include "process/file_watcher.hpp"

#include <cerrno>
#include <cstdlib>

namespace ndsharray::model {
namespace {

struct File {
    std::uint64_t inode = 0;
    std::size_t offset = 0;  // in the arena
    std::uint64_t bytes = 0;
    std::uint64_t allocated = 0;
    unsigned permissions = 0;
};

/// Room that a file gets when it is made, since it grows in place.
constexpr std::size_t room_of_file = std::size_t{32} << 10;

/// How much of a file has words and headers. Pixels lie behind it, or are restored as words are.
constexpr std::size_t headers_of_file = std::size_t{9} << 10;

struct Lock {
    int description;
    std::uint64_t inode;
    std::uint64_t byte;
    bool is_shared;
    unsigned owner;
};

struct Kernel {
    std::vector<File> files;
    std::vector<std::pair<std::string, std::uint64_t>> names;
    std::vector<std::uint64_t> descriptors;  // inode; 0: closed
    std::vector<Lock> locks;
    std::uint64_t room = arena_bytes;  // of the file system
    std::uint64_t last_random = 0x0123456789abcdefULL;
};

Kernel kernel;
Kernel at_beginning;
std::vector<platform::own_files::Notice*> notices;
unsigned owner_at_rest = max_threads;

File* file_of(std::uint64_t inode) noexcept {
    return inode == 0 || inode > kernel.files.size() ? nullptr : &kernel.files[inode - 1];
}
File* file_of(const platform::Descriptor& file) noexcept {
    return file ? file_of(kernel.descriptors[static_cast<std::size_t>(file.number())]) : nullptr;
}
auto name_at(std::string_view path) noexcept {
    return std::find_if(kernel.names.begin(), kernel.names.end(),
                        [&](const auto& name) { return name.first == path; });
}
int describe(std::uint64_t inode) {
    kernel.descriptors.push_back(inode);
    return static_cast<int>(kernel.descriptors.size()) - 1;
}
/// What orders those who use the lock of a byte.
const void* lock_of(std::uint64_t inode, std::uint64_t byte) noexcept {
    return arena() + file_of(inode)->offset + byte;
}

/// Memory of the files that have a name. What readers keep of removed files is not counted.
std::uint64_t allocated() noexcept {
    std::uint64_t sum = 0;
    for (const auto& [name, inode] : kernel.names)
        sum += file_of(inode)->allocated;
    return sum;
}

void drop_locks(unsigned player) {
    std::erase_if(kernel.locks, [&](const Lock& lock) {
        if (lock.owner != player)
            return false;
        pass_through_as(player, lock_of(lock.inode, lock.byte));
        return true;
    });
}

void begin_run() noexcept {
    kernel = at_beginning;
    reset_memory();
}

bool take(int description, std::uint64_t byte, bool shared) noexcept {
    step_of_kernel("tries a lock");
    const std::uint64_t inode = kernel.descriptors[static_cast<std::size_t>(description)];
    for (const Lock& lock : kernel.locks)
        if (lock.inode == inode && lock.byte == byte && lock.description != description &&
            !(shared && lock.is_shared))
            return false;
    kernel.locks.push_back({description, inode, byte, shared, playing() ? self() : owner_at_rest});
    pass_through(lock_of(inode, byte));
    return true;
}

platform::FileStatus status_of(const File& file) noexcept {
    return {.regular = true,
            .owner = platform::own_user(),
            .bytes = file.bytes,
            .device = 1,
            .inode = file.inode,
            .allocated_bytes = file.bytes,
            .permissions = file.permissions};
}

}  // namespace

void forget_files() noexcept {
    kernel = {};
    notices.clear();
    forget_memory();
    set_hooks({begin_run, drop_locks, learn_contended, use_contended});
}

void keep_as_beginning() {
    at_beginning = kernel;
    keep_memory(room_of_file, headers_of_file, kernel.files.size());
}

}  // namespace ndsharray::model

namespace ndsharray::platform {

using namespace model;

// ---- file.cpp

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = other.forget();
    }
    return *this;
}
int Descriptor::forget() noexcept {
    return std::exchange(number_, -1);
}
void Descriptor::close() noexcept {
    const int number = forget();
    if (number < 0 || static_cast<std::size_t>(number) >= kernel.descriptors.size())
        return;
    std::erase_if(kernel.locks, [&](const Lock& lock) {
        if (lock.description != number)
            return false;
        step_of_kernel("drops a lock");
        pass_through(lock_of(lock.inode, lock.byte));
        return true;
    });
    kernel.descriptors[static_cast<std::size_t>(number)] = 0;
}

Opened open_existing(const char* path, Access) noexcept {
    step_of_kernel("opens a file");
    const auto name = name_at(path);
    return name == kernel.names.end() ? Opened{{}, ENOENT} : Opened{Descriptor(describe(name->second)), 0};
}
Opened create_new(const std::string& path, unsigned permissions) noexcept {
    step_of_kernel("creates a file");
    if (name_at(path) != kernel.names.end())
        return {{}, EEXIST};
    if ((kernel.files.size() + 1) * room_of_file > arena_bytes)
        return {{}, ENOSPC};
    const std::size_t offset = kernel.files.size() * room_of_file;
    std::memset(arena() + offset, 0, room_of_file);
    kernel.files.push_back({kernel.files.size() + 1, offset, 0, 0, permissions});
    kernel.names.emplace_back(path, kernel.files.size());
    return {Descriptor(describe(kernel.files.size())), 0};
}
std::optional<FileStatus> status_of(const Descriptor& file) noexcept {
    const File* found = file_of(file);
    return found == nullptr ? std::nullopt : std::optional(model::status_of(*found));
}
std::optional<FileStatus> status_of(const std::string& path) noexcept {
    const auto name = name_at(path);
    return name == kernel.names.end() ? std::nullopt
                                      : std::optional(model::status_of(*file_of(name->second)));
}
int set_size(const Descriptor& file, std::uint64_t bytes) noexcept {
    if (bytes > room_of_file)
        return ENOSPC;
    file_of(file)->bytes = bytes;
    return 0;
}
int reserve(const Descriptor& file, std::uint64_t offset, std::uint64_t bytes) noexcept {
    if (offset + bytes > room_of_file)
        return ENOSPC;
    file_of(file)->bytes = std::max(file_of(file)->bytes, offset + bytes);
    file_of(file)->allocated += bytes;
    return 0;
}
bool is_on_tmpfs(const Descriptor&) noexcept {
    return false;
}
std::uint64_t first_hole(const Descriptor& file, std::uint64_t) noexcept {
    return file_of(file)->bytes;
}
std::uint64_t free_bytes(const Descriptor&) noexcept {
    return kernel.room - std::min(kernel.room, allocated());
}
bool set_permissions(const Descriptor& file, unsigned permissions) noexcept {
    file_of(file)->permissions = permissions;
    return true;
}
int link_file(const std::string& from, const std::string& to) noexcept {
    if (name_at(to) != kernel.names.end())
        return EEXIST;
    const auto name = name_at(from);
    if (name == kernel.names.end())
        return ENOENT;
    kernel.names.emplace_back(to, name->second);
    return 0;
}
void give_back_name(const std::string&, const std::string&) noexcept {}
int link_open_file(const Descriptor& file, const std::string& to) noexcept {
    if (name_at(to) != kernel.names.end())
        return EEXIST;
    kernel.names.emplace_back(to, file_of(file)->inode);
    return 0;
}
bool can_link_open_files() noexcept {
    return true;
}
int rename_file(const std::string& from, const std::string& to) noexcept {
    step_of_kernel("renames a file");
    if (name_at(from) == kernel.names.end())
        return ENOENT;
    if (const auto old = name_at(to); old != kernel.names.end())
        kernel.names.erase(old);
    name_at(from)->first = to;
    return 0;
}
int unlink_file(const std::string& path) noexcept {
    step_of_kernel("unlinks a file");
    const auto name = name_at(path);
    if (name == kernel.names.end())
        return ENOENT;
    kernel.names.erase(name);
    return 0;
}
int unlink_file(const std::string& path, const FileStatus& file) noexcept {
    const auto found = status_of(path);
    return found && found->same_file(file) ? unlink_file(path) : 0;
}
bool write_at(int, std::uint64_t, std::span<const std::byte>) noexcept {
    return true;  // for inotify only
}
std::size_t read_at(const Descriptor& file, std::uint64_t offset, std::span<std::byte> bytes) noexcept {
    const File* found = file_of(file);
    const std::size_t count =
        offset >= found->bytes ? 0 : std::min<std::size_t>(bytes.size(), found->bytes - offset);
    std::memcpy(bytes.data(), arena() + found->offset + offset, count);
    return count;
}
Listing list_directory(const std::string&) {
    return {};
}

// ---- mapping.cpp

Mapping::Mapping(Mapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), bytes_(other.bytes_), access_(other.access_) {}
Mapping& Mapping::operator=(Mapping&& other) noexcept {
    address_ = std::exchange(other.address_, nullptr);
    bytes_ = other.bytes_;
    access_ = other.access_;
    return *this;
}
Mapping::~Mapping() = default;
Mapping Mapping::of(const Descriptor& file, std::uint64_t bytes, Access access, std::string_view) noexcept {
    Mapping mapping;
    mapping.address_ = arena() + file_of(file)->offset;
    mapping.bytes_ = bytes;
    mapping.access_ = access;
    return mapping;
}
bool Mapping::is_cut_before(std::uint64_t) const noexcept {
    return false;
}
void Mapping::populate(std::uint64_t, std::uint64_t) const noexcept {}
bool Mapping::discard(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    step_of_kernel("takes memory away");
    discard_plain(address_ + offset, bytes, "pixels");
    std::memset(address_ + offset, 0, bytes);
    return true;
}

// ---- lock.cpp

bool try_lock(int file, std::uint64_t byte) noexcept {
    return take(file, byte, false);
}
bool try_lock_shared(int file, std::uint64_t byte) noexcept {
    return take(file, byte, true);
}
void unlock(int file, std::uint64_t byte) noexcept {
    step_of_kernel("unlocks");
    std::erase_if(kernel.locks, [&](const Lock& lock) {
        if (lock.description != file || lock.byte != byte)
            return false;
        pass_through(lock_of(lock.inode, lock.byte));
        return true;
    });
}
bool is_locked(int file, std::uint64_t byte) noexcept {
    step_of_kernel("looks at a lock");
    const std::uint64_t inode = kernel.descriptors[static_cast<std::size_t>(file)];
    for (const Lock& lock : kernel.locks)
        if (lock.inode == inode && lock.byte == byte && lock.description != file && !lock.is_shared)
            return true;
    pass_through(lock_of(inode, byte));
    return false;
}

// ---- futex.cpp

void wake_shared(const std::atomic<std::uint32_t>& word) noexcept {
    step_of_kernel("wakes");
    wake_sleepers(&word);
}
void wake_private(const std::atomic<std::uint32_t>&) noexcept {}
void wait_private(Watched, const Deadline&) noexcept {}
void wait_either(Watched shared, Watched, const Deadline&) noexcept {
    step_of_kernel("wants to sleep");
    // The kernel puts the sleeper into its list and compares; who wakes has stored before it looks at the
    // list, with full barriers on both sides. So an old value here is one whose wake is still to come.
    if (last_value(shared.word, sizeof *shared.word) == shared.seen)
        sleep(shared.word);
}

// ---- clock.cpp, process.cpp

std::int64_t monotonic_now() noexcept {
    return 1;
}
Deadline deadline_after(std::optional<Nanoseconds> timeout) noexcept {
    return timeout ? Deadline(std::chrono::steady_clock::time_point(*timeout)) : std::nullopt;
}
Deadline no_later_than(Deadline, Nanoseconds at_most) noexcept {
    return std::chrono::steady_clock::time_point(at_most);
}
bool has_passed(const Deadline& deadline) noexcept {
    return deadline.has_value();  // whoever looks has waited for long enough
}
std::uint64_t random_bits() noexcept {
    return kernel.last_random = kernel.last_random * 6364136223846793005ULL + 1442695040888963407ULL;
}
uid_t own_user() noexcept {
    return 1000;
}
std::optional<uid_t> user_id(const std::string&) {
    return own_user();
}
std::string user_name(uid_t user) {
    return std::to_string(user);
}
std::uint32_t own_pid() noexcept {
    return 4711;
}
bool process_exists(std::uint32_t) noexcept {
    return true;
}
std::string error_text(int error) {
    return std::generic_category().message(error);
}

// ---- own_files.cpp

namespace own_files {

void adopt(const std::string&, const Descriptor&, const Condition&) {}

Notice::Notice(void (*call)(void*), void* argument) : call_(call), argument_(argument), made_under_(0) {
    notices.push_back(this);
}
Notice::~Notice() {
    std::erase(notices, this);
}
bool remove_all() noexcept {
    for (const Notice* notice : notices)
        notice->call_(notice->argument_);
    return true;
}

}  // namespace own_files
}  // namespace ndsharray::platform

// ---- process/file_watcher.cpp

namespace ndsharray {

struct FileWatcher::Watch::Registration {};

FileWatcher::Watch::Watch(Watch&& other) noexcept = default;
FileWatcher::Watch& FileWatcher::Watch::operator=(Watch&& other) noexcept = default;
FileWatcher::Watch::~Watch() = default;
FileWatcher::Watch::operator bool() const noexcept {
    return false;
}
FileWatcher::Watch FileWatcher::file(const platform::Descriptor&, std::function<void()>) {
    return {};
}

}  // namespace ndsharray

namespace ndsharray::model {

void take_locks_for(unsigned player) noexcept {
    owner_at_rest = player;
}

void use_up_room() noexcept {
    kernel.room = allocated();
}

void give_notices() noexcept {
    platform::own_files::remove_all();
}

}  // namespace ndsharray::model
