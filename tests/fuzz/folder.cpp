// SPDX-License-Identifier: BSD-3-Clause
// The files of a tag in the hands of somebody hostile.
#include "folder.hpp"

#include "fields.hpp"
#include "good_tags.hpp"
#include "sandbox.hpp"

#include <platform/lock.hpp>
#include <protocol/layout.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ndsharray::fuzz {
namespace {

using layout::ControlFile;
using layout::SegmentGeometry;
using layout::SegmentHeader;
using layout::SlotHeader;

/// Files get no longer than this: a machine has so much memory for each of them.
constexpr std::uint64_t most_file_bytes = std::uint64_t{1} << 20;

/// A file of any kind, for a moment. Not waited for, whatever it is.
class Open {
  public:
    explicit Open(const std::string& path, int flags = 0)
        : number_(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600)) {}
    ~Open() {
        if (number_ >= 0)
            ::close(number_);
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

    int number() const noexcept { return number_; }

  private:
    int number_;
};

std::uint64_t size_of(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

bool is_regular_file(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

Bytes read_file(const std::string& path) {
    const Open file(path);
    Bytes bytes(static_cast<std::size_t>(std::min(size_of(path), most_file_bytes)));
    const ssize_t count = ::pread(file.number(), bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
}

void write_file(const std::string& path, const Bytes& bytes) {
    const Open file(path, O_CREAT | O_TRUNC);
    const bool written =
        ::pwrite(file.number(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
    // An attack can come at the call that opens the file, too, and put a link or a pipe there.
    require(written || !is_regular_file(path), "the folder has room");
}

/// Whatever it is.
void remove_file(const std::string& path) {
    if (::unlink(path.c_str()) != 0)
        ::rmdir(path.c_str());
}

}  // namespace

Folder::Folder() {
    const char* parent = std::getenv("NDSHARRAY_DIR");
    path_ = std::string(parent != nullptr ? parent : "/dev/shm") + "/ndsharray-fuzz-XXXXXX";
    require(::mkdtemp(path_.data()) != nullptr, "there is a folder to work in");
    ::setenv("NDSHARRAY_DIR", path_.c_str(), 1);
    for (unsigned i = 0; i < good_tag_count; ++i) {
        with_good_tag(i, [&](const std::string& segment) {
            Tag tag;
            for (const std::string& name : entries())
                tag.files[name] = read_file(path_of(name));
            tag.segment = segment;
            tags_.push_back(std::move(tag));
        });
        clear();
    }
}

Folder::~Folder() {
    clear();
    ::rmdir(path_.c_str());
}

void Folder::restore(unsigned which) {
    tag_ = which;
    segment_ = tags_[tag_].segment;
    for (const auto& [name, bytes] : tags_[tag_].files)
        write_file(path_of(name), bytes);
    is_disturbed = true;
}

void Folder::clear() {
    unlock_all();
    for (const std::string& name : entries())
        remove_file(path_of(name));
}

std::vector<std::string> Folder::entries() const {
    std::vector<std::string> names;
    DIR* directory = ::opendir(path_.c_str());
    require(directory != nullptr, "the folder stays");
    while (const dirent* entry = ::readdir(directory))
        if (entry->d_name[0] != '.')
            names.emplace_back(entry->d_name);
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
}

bool Folder::is_file(const std::string& name) const {
    struct stat status {};
    return ::lstat(path_of(name).c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

std::string Folder::path_of(Which which) const {
    const std::string tag = tag_name;
    switch (which) {
        case Which::Control:
            return path_of("ndsh." + tag);
        case Which::Table:
            return path_of("ndsh." + tag + ".readers");
        case Which::Segment:
            return path_of(segment_.empty() ? "ndsh." + tag + "." + std::string(32, '0') : segment_);
        case Which::CompatControl:
            return path_of(tag);
        case Which::CompatData:
            for (const auto& [name, bytes] : tags_[tag_].files)
                if (name.starts_with(tag + "_"))
                    return path_of(name);
            return path_of(tag + "_" + std::string(32, '0'));
    }
    return {};
}

// ---- locks

void Folder::lock_writer() {
    const int file = ::open(path_of(Which::Control).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file >= 0) {
        platform::try_lock(file, 0);
        locks_.push_back(file);
    }
}

void Folder::lock_reader(unsigned index) {
    const int file = ::open(path_of(Which::Table).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file >= 0) {
        platform::try_lock(file, index);
        locks_.push_back(file);
    }
}

void Folder::unlock_all() {
    for (const int file : locks_)
        ::close(file);
    locks_.clear();
}

// ---- single changes

void Folder::put(const std::string& path, std::uint64_t offset, const void* bytes, std::size_t count) const {
    if (offset > most_file_bytes)
        return;
    const Open file(path);
    struct stat status {};
    // Not past the end: a file is made longer only by change_size().
    if (::fstat(file.number(), &status) == 0 && S_ISREG(status.st_mode) &&
        offset + count <= static_cast<std::uint64_t>(status.st_size))
        static_cast<void>(::pwrite(file.number(), bytes, count, static_cast<off_t>(offset)) < 0);
}

std::uint64_t Folder::get(const std::string& path, std::uint64_t offset, unsigned width) const {
    const Open file(path);
    std::uint64_t value = 0;
    struct stat status {};
    if (::fstat(file.number(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::pread(file.number(), &value, width, static_cast<off_t>(offset)) < 0)
        value = 0;
    return value;
}

struct Folder::Field {
    std::string path;
    std::uint64_t offset = 0;
    unsigned width = 8;
};

std::uint64_t Folder::slot_offset(unsigned slot) const {
    const std::string path = path_of(Which::Segment);
    const std::size_t geometry = offsetof(SegmentHeader, geometry);
    return get(path, geometry + offsetof(SegmentGeometry, slot_headers_offset), 8) +
           slot * get(path, geometry + offsetof(SegmentGeometry, slot_header_bytes), 8);
}

Folder::Field Folder::field(Script& script) const {
    const FieldOfFile& found = fields[script.below(static_cast<unsigned>(fields.size()))];
    switch (found.file) {
        case FieldOfFile::Control:
            return {path_of(Which::Control), found.offset, found.width};
        case FieldOfFile::Table:
            return {path_of(Which::Table), found.offset, found.width};
        case FieldOfFile::Entry: {
            const std::size_t entry = script.below(3) * sizeof(layout::ReaderEntry);
            return {path_of(Which::Table), offsetof(layout::ReaderTable, entries) + entry + found.offset,
                    found.width};
        }
        case FieldOfFile::Segment:
            return {path_of(Which::Segment), found.offset, found.width};
        case FieldOfFile::Slot:
            return {path_of(Which::Segment), slot_offset(script.below(4)) + found.offset, found.width};
        case FieldOfFile::CompatControl:
            return {path_of(Which::CompatControl), found.offset, found.width};
        case FieldOfFile::CompatData:
            return {path_of(Which::CompatData), found.offset, found.width};
    }
    return {};
}

std::uint64_t Folder::value(Script& script, std::uint64_t now) const {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    switch (script.below(6)) {
        case 0:
            return now + static_cast<std::uint64_t>(std::int64_t{script.get<std::int8_t>()});
        case 1:
            return std::uint64_t{1} << script.below(64);
        case 2:
            return (std::uint64_t{1} << script.below(64)) - 1;
        case 3:
            return most - (std::uint64_t{1} << script.below(64)) + 1;
        case 4:
            return script.get<std::uint8_t>() * (script.flip() ? 4096 : 1);
        default:
            return script.get<std::uint64_t>();
    }
}

// ---- attacks

void Folder::attack(Script& script) {
    is_disturbed = true;
    switch (script.below(8)) {
        case 0:
        case 1:
            return change_field(script);
        case 2:
            return copy_field(script);
        case 3:
            return change_bytes(script);
        case 4:
            return change_size(script);
        case 5:
            return replace_file(script);
        case 6:
            return publish(script);
        default:
            return announce_again(script);
    }
}

std::function<void()> Folder::planned_attack(Script& script) {
    constexpr std::size_t most = 16;
    const auto bytes = script.bytes(most);
    return [this, bytes] {
        Script now(bytes.data(), bytes.size());
        attack(now);
    };
}

void Folder::change_field(Script& script) {
    const Field to = field(script);
    const std::uint64_t changed = value(script, get(to.path, to.offset, to.width));
    put(to.path, to.offset, &changed, to.width);
}

void Folder::copy_field(Script& script) {
    const Field from = field(script);
    const Field to = field(script);
    const std::uint64_t changed = get(from.path, from.offset, from.width);
    put(to.path, to.offset, &changed, to.width);
}

void Folder::change_bytes(Script& script) {
    const std::string path = path_of(static_cast<Which>(script.below(5)));
    const std::uint16_t offset = script.get<std::uint16_t>();
    const auto bytes = script.bytes(script.below(16) + 1);
    put(path, offset, bytes.data(), bytes.size());
}

/// Shorter or longer; the segment's header may agree.
void Folder::change_size(Script& script) {
    const auto which = static_cast<Which>(script.below(5));
    const std::uint64_t bytes =
        script.flip() ? value(script, size_of(path_of(which))) : script.get<std::uint16_t>();
    if (bytes > most_file_bytes)
        return;
    {
        const Open file(path_of(which));
        if (::ftruncate(file.number(), static_cast<off_t>(bytes)) != 0)
            return;
    }
    if (which == Which::Segment && script.flip())
        put(path_of(which), offsetof(SegmentHeader, geometry) + offsetof(SegmentGeometry, file_bytes), &bytes,
            sizeof bytes);
}

/// By something that is no file of ours, no file at all, or another that looks the same.
void Folder::replace_file(Script& script) {
    const std::string path = path_of(static_cast<Which>(script.below(5)));
    const Bytes before = read_file(path);
    remove_file(path);
    switch (script.below(8)) {
        case 0:
            ::mkfifo(path.c_str(), 0600);
            return;
        case 1:
            ::mkdir(path.c_str(), 0700);
            return;
        case 2:
            static_cast<void>(::symlink("/dev/zero", path.c_str()));
            return;
        case 3:
            static_cast<void>(::symlink(path.c_str(), path.c_str()));
            return;
        case 4:
            write_file(path_of("elsewhere"), before);
            static_cast<void>(::symlink(path_of("elsewhere").c_str(), path.c_str()));
            return;
        case 5:
            write_file(path, {});
            return;
        case 6:
            write_file(path, before);
            return;
        default:
            return;
    }
}

/// What a writer does last when it publishes a frame, in a slot that may be anywhere.
void Folder::publish(Script& script) {
    const unsigned slot = script.below(5);
    const std::string segment = path_of(Which::Segment);
    const std::string control = path_of(Which::Control);
    const std::uint64_t before = get(control, offsetof(ControlFile, published), 8);
    const std::uint64_t number = script.flip() ? before + 1 : value(script, before);
    const std::uint64_t state = 2 * number;
    const std::uint64_t latest = layout::pack({number, slot});
    put(segment, slot_offset(slot) + offsetof(SlotHeader, info), &number, sizeof number);
    put(segment, slot_offset(slot), &state, sizeof state);
    put(segment, offsetof(SegmentHeader, latest), &latest, sizeof latest);
    put(control, offsetof(ControlFile, published), &number, sizeof number);
    wake();
}

/// A copy of the segment as it is now, as the next generation: who has the old one mapped opens it.
void Folder::announce_again(Script& script) {
    const std::string control = path_of(Which::Control);
    std::uint64_t generation = get(control, offsetof(ControlFile, generation), 4) + 1;
    if (script.below(8) == 0)
        generation = value(script, generation);
    const Bytes bytes = read_file(path_of(Which::Segment));
    const std::array<std::uint64_t, 2> id{next_random(), next_random()};
    char hex[33];
    std::snprintf(hex, sizeof hex, "%016llx%016llx", static_cast<unsigned long long>(id[0]),
                  static_cast<unsigned long long>(id[1]));
    segment_ = std::string("ndsh.") + tag_name + "." + hex;
    write_file(path_of(Which::Segment), bytes);
    put(path_of(Which::Segment), offsetof(SegmentHeader, geometry) + offsetof(SegmentGeometry, generation),
        &generation, 4);
    put(control, offsetof(ControlFile, segment_id), id.data(), sizeof id);
    put(control, offsetof(ControlFile, generation), &generation, 4);
    wake();
}

void Folder::wake() const {
    const std::string control = path_of(Which::Control);
    const std::uint64_t changed = get(control, offsetof(ControlFile, wake), 4) + 1;
    put(control, offsetof(ControlFile, wake), &changed, 4);
}

}  // namespace ndsharray::fuzz
