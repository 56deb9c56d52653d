// SPDX-License-Identifier: BSD-3-Clause
// The files of a tag: their names, and safe ways to open and make them.
#include "protocol/files.hpp"

#include "protocol/memory_holders.hpp"
#include "testing/faults.hpp"

#include <ndsharray/tag.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ndsharray {
namespace {

constexpr std::size_t id_digits = 32;

/// Length of what a segment's name adds to the name of the control file: a dot and the digits.
constexpr std::size_t segment_suffix_length = id_digits + 1;

bool is_lower_hex(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void append_hex(std::string& text, std::uint64_t value) {
    for (int shift = 60; shift >= 0; shift -= 4)
        text += "0123456789abcdef"[value >> shift & 0xf];
}

ErrorCode code_for(int error) noexcept {
    switch (error) {
        case EACCES:
        case EPERM:
        case EROFS:
            return ErrorCode::PermissionDenied;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return ErrorCode::NoSpace;
        case EMFILE:
        case ENFILE:
            return ErrorCode::TooManyFiles;
        case ENOMEM:
        case EAGAIN:
            return ErrorCode::OutOfMemory;
        case ELOOP:
        case EISDIR:
            return ErrorCode::NotRegular;
        default:
            return ErrorCode::System;
    }
}

std::string advice_for(int error) {
    switch (error) {
        case EACCES:
            return "; ask the owner of the tag for permission (ndshsink permissions=...)";
        case EMFILE:
        case ENFILE:
            return "; close files or raise the limit (ulimit -n)";
        case ENOMEM:
        case EAGAIN:
            return "; free memory or raise the limit (ulimit -v)";
        case ENOENT:
            return "; create the directory or set NDSHARRAY_DIR to one that exists";
        default:
            return "";
    }
}

[[noreturn]] void throw_not_regular(const std::string& path) {
    throw Error(ErrorCode::NotRegular, path +
                                           " is a symbolic link, directory or device, not a file of "
                                           "ndsharray; remove it or use another tag");
}

}  // namespace

bool has_segment_suffix(std::string_view name) noexcept {
    if (name.size() < segment_suffix_length || name[name.size() - segment_suffix_length] != '.')
        return false;
    return std::all_of(name.end() - id_digits, name.end(), is_lower_hex);
}

std::optional<std::string> tag_of(std::string_view name) {
    if (!name.starts_with(file_prefix))
        return std::nullopt;
    name.remove_prefix(file_prefix.size());
    if (has_segment_suffix(name))
        name.remove_suffix(segment_suffix_length);
    else if (name.ends_with(readers_suffix))
        name.remove_suffix(readers_suffix.size());
    if (name.starts_with('.'))  // a temporary name
        name.remove_prefix(1);
    return tag_problem(name).empty() ? std::optional(std::string(name)) : std::nullopt;
}

bool is_temporary(std::string_view name) noexcept {
    return name.substr(file_prefix.size()).starts_with('.');
}

bool is_segment(std::string_view name) noexcept {
    return has_segment_suffix(name) && !is_temporary(name);
}

bool is_control(std::string_view name) noexcept {
    return !has_segment_suffix(name) && !name.ends_with(readers_suffix) && !is_temporary(name);
}

std::string printable(std::string_view text) {
    std::string result(text);
    std::replace_if(
        result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return result;
}

std::string Id::hex() const {
    std::string text;
    append_hex(text, high);
    append_hex(text, low);
    return text;
}

TagFiles::TagFiles(const std::string& tag)
    : tag_(tag),
      directory_(ndsharray::directory()),
      control_name_(std::string(file_prefix) + tag),
      control_(directory_ + "/" + control_name_),
      readers_(control_ + std::string(readers_suffix)) {
    if (const std::string problem = tag_problem(tag); !problem.empty())
        throw Error(ErrorCode::InvalidTag, problem);
}

std::string TagFiles::temporary() const {
    return temporary(Id::random());
}

std::string TagFiles::temporary(const Id& id) const {
    return directory_ + "/" + std::string(file_prefix) + "." + tag_ + "." + id.hex();
}

void TagFiles::remove_leftovers() const {
    const std::string segments = control_name();
    const std::string temporaries = std::string(file_prefix) + "." + tag_;
    for (const std::string& name : platform::list_directory(directory_).names) {
        if (!has_segment_suffix(name))
            continue;
        const std::string stem = name.substr(0, name.size() - segment_suffix_length);
        if (stem == segments || stem == temporaries) {
            platform::unlink_file(directory_ + "/" + name);
            NDSHARRAY_FAULT_POINT(LeftoverRemoved);
        }
    }
}

std::optional<platform::Descriptor> open_checked(const std::string& path, platform::Access access,
                                                 const Owner& owner) {
    platform::Opened opened = platform::open_existing(path, access);
    if (opened.error == ENOENT)
        return std::nullopt;
    if (opened.error == ELOOP && !platform::status_of(path))  // a link on the way leads round in circles
        throw_errno(ELOOP, "open", path);
    // Errors of open(2) for a symlink, a directory, and a FIFO or socket without a server.
    if (opened.error == ELOOP || opened.error == EISDIR || opened.error == ENXIO)
        throw_not_regular(path);
    if (opened.error != 0)
        throw_errno(opened.error, "open", path);
    const auto status = platform::status_of(opened.file);
    if (!status || !status->regular)
        throw_not_regular(path);
    if (!owner.accepts(status->owner))
        throw_wrong_owner(path, status->owner, owner);
    return std::move(opened.file);
}

std::optional<ProcessDescriptor> open_to_lock(const platform::Descriptor& file, const std::string& path) {
    OpenedToLock opened = ProcessDescriptor::open(path);
    if (opened.error == ENOENT)
        return std::nullopt;
    if (opened.error != 0)
        throw_errno(opened.error, "open", path);
    const auto mine = platform::status_of(file);
    const auto other = platform::status_of(opened.file.file());
    if (!mine || !other || !mine->same_file(*other))
        return std::nullopt;
    return std::move(opened.file);
}

Owner Owner::named(const std::string& user) {
    const auto id = platform::user_id(user);
    if (!id)
        throw Error(ErrorCode::InvalidArgument,
                    "there is no user \"" + printable(user) +
                        "\" on this machine; owner is the name or number of a user");
    return Owner(*id, false);
}

std::string Owner::to_string() const {
    return platform::user_name(user_) + (root_too_ && user_ != 0 ? " or root" : "");
}

void throw_wrong_owner(const std::string& path, uid_t found, const Owner& expected) {
    throw Error(ErrorCode::WrongOwner, path + " belongs to user " + platform::user_name(found) +
                                           ", expected " + expected.to_string() +
                                           "; use another tag, or set the owner to read from if that is "
                                           "right");
}

void throw_errno(int error, const std::string& action, const std::string& path) {
    throw Error(code_for(error),
                "cannot " + action + " " + path + ": " + platform::error_text(error) + advice_for(error));
}

std::vector<std::string> names_in(const std::string& directory) {
    platform::Listing listing = platform::list_directory(directory);
    if (listing.error == 0 || listing.error == ENOENT)
        return std::move(listing.names);
    const std::string advice = listing.error == EACCES
                                   ? "; ask its owner for permission, or set NDSHARRAY_DIR to another one"
                                   : advice_for(listing.error);
    throw Error(code_for(listing.error), "cannot list the directory " + directory + ": " +
                                             platform::error_text(listing.error) + advice);
}

void reserve_or_throw(const platform::Descriptor& file, std::uint64_t bytes, const std::string& path) {
    const int error = platform::reserve(file, 0, bytes);
    if (error == 0)
        return;
    if (code_for(error) != ErrorCode::NoSpace)
        throw_errno(error, "reserve space for", path);
    const Error no_room(
        ErrorCode::NoSpace,
        "no room for " + path + ": " + std::to_string(bytes) + " bytes needed, " +
            std::to_string(platform::free_bytes(file)) +
            " free; enlarge the file system (mount -o remount,size=..., docker --shm-size=...), or "
            "set NDSHARRAY_DIR to a larger tmpfs");
    throw with_memory_holders(no_room, path.substr(0, path.rfind('/')));
}

void throw_cut(const std::string& path) {
    throw Error(ErrorCode::Damaged,
                path + " is damaged: somebody made it shorter while it was in use; restart the writer");
}

layout::Preamble make_preamble(const char (&magic)[8], std::size_t header_bytes,
                               const Id& instance) noexcept {
    layout::Preamble preamble{};
    std::memcpy(preamble.magic, magic, sizeof preamble.magic);
    preamble.major = layout::major_version;
    preamble.minor = layout::minor_version;
    preamble.header_bytes = static_cast<std::uint32_t>(header_bytes);
    preamble.instance[0] = instance.high;
    preamble.instance[1] = instance.low;
    return preamble;
}

void check_preamble(const layout::Preamble& found, const char (&magic)[8], std::size_t header_bytes,
                    const std::string& path) {
    if (std::memcmp(found.magic, magic, sizeof found.magic) != 0)
        throw Error(ErrorCode::Damaged, path + " is not a file of ndsharray; remove it or use another tag");
    if (found.major != layout::major_version)
        throw Error(ErrorCode::UnsupportedVersion,
                    path + " has format version " + std::to_string(found.major) + "." +
                        std::to_string(found.minor) + ", this library reads " +
                        std::to_string(layout::major_version) + ".x; use the same version on both sides");
    if (found.header_bytes < header_bytes)
        throw Error(ErrorCode::Damaged, path + " is damaged: its header is too short; remove it");
}

}  // namespace ndsharray
