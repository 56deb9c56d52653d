// SPDX-License-Identifier: BSD-3-Clause
// The files of a tag: their names, and safe ways to open and make them.
#pragma once

#include "platform/platform.hpp"
#include "process/fork_guard.hpp"
#include "protocol/layout.hpp"
#include "testing/faults.hpp"

#include <ndsharray/error.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ndsharray {

inline constexpr std::string_view file_prefix = "ndsh.";
inline constexpr std::string_view readers_suffix = ".readers";

/// Whether a name ends as a segment's name: in a dot and 32 lowercase hexadecimal digits.
bool has_segment_suffix(std::string_view name) noexcept;

/// The tag whose file this is, also under a temporary name. Nothing for any other name.
std::optional<std::string> tag_of(std::string_view name);

/// Whether a file of a tag has a temporary name.
bool is_temporary(std::string_view name) noexcept;

/// Whether a file of a tag is a segment.
bool is_segment(std::string_view name) noexcept;

/// Whether a file of a tag is a control file.
bool is_control(std::string_view name) noexcept;

/// The text for use in a sentence. Characters that are not printable ASCII are replaced.
std::string printable(std::string_view text);

/// The random half of a segment's or tag instance's identity.
struct Id {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static Id random() noexcept { return {platform::random_bits(), platform::random_bits()}; }
    std::string hex() const;
    bool operator==(const Id&) const = default;
};

/// Names of a tag's files. They are fixed when this is made, even if the environment changes later.
class TagFiles {
  public:
    /// \throws Error InvalidTag.
    explicit TagFiles(const std::string& tag);

    const std::string& tag() const noexcept { return tag_; }
    const std::string& directory() const noexcept { return directory_; }
    const std::string& control_name() const noexcept { return control_name_; }
    const std::string& control() const noexcept { return control_; }
    const std::string& readers() const noexcept { return readers_; }
    std::string segment_name(const Id& id) const { return control_name() + "." + id.hex(); }
    std::string segment(const Id& id) const { return directory_ + "/" + segment_name(id); }

    /// A name for an unfinished file. No finished file of a tag has such a name.
    std::string temporary() const;
    std::string temporary(const Id& id) const;

    /// Removes the files that dead writers of this tag left: segments and unfinished files. Only for the
    /// holder of the writer's lock.
    void remove_leftovers() const;

  private:
    std::string tag_;
    std::string directory_;
    // Made once, because there may be no memory for names when files are removed.
    std::string control_name_;
    std::string control_;
    std::string readers_;
};

/// Opens a file. It must be regular and must belong to an expected owner.
/// Nothing if there is no such file.
/// \throws Error NotRegular, WrongOwner, PermissionDenied, TooManyFiles, System.
std::optional<platform::Descriptor> open_checked(const std::string& path, platform::Access access,
                                                 const class Owner& owner);

/// Opens a file a second time, to lock it. The second descriptor is never mapped (see ProcessDescriptor).
/// Nothing if the name does not lead to the file any more.
/// \throws Error as throw_errno().
std::optional<ProcessDescriptor> open_to_lock(const platform::Descriptor& file, const std::string& path);

/// The expected owner of a file.
class Owner {
  public:
    /// This process's user only.
    static Owner self() noexcept { return Owner(platform::own_user(), false); }

    /// This process's user or root.
    static Owner self_or_root() noexcept { return Owner(platform::own_user(), true); }

    /// \throws Error InvalidArgument: there is no such user.
    static Owner named(const std::string& user);

    bool accepts(uid_t user) const noexcept { return user == user_ || (root_too_ && user == 0); }
    std::string to_string() const;

  private:
    Owner(uid_t user, bool root_too) noexcept : user_(user), root_too_(root_too) {}

    uid_t user_;
    bool root_too_;
};

/// \throws Error WrongOwner. The sentence names the file, its owner and the expected owner.
[[noreturn]] void throw_wrong_owner(const std::string& path, uid_t found, const Owner& expected);

/// Removes a file at the end of a scope, unless keep() was called. The path must outlive this. It is not
/// copied, because a copy may fail, and then the file would stay.
class RemoveAtEnd {
  public:
    explicit RemoveAtEnd(const std::string& path) noexcept : path_(&path) {}
    explicit RemoveAtEnd(std::string&&) = delete;
    ~RemoveAtEnd() {
        if (path_ == nullptr)
            return;
        platform::unlink_file(*path_);
        NDSHARRAY_FAULT_POINT(HalfMadeFileRemoved);
    }
    RemoveAtEnd(const RemoveAtEnd&) = delete;
    RemoveAtEnd& operator=(const RemoveAtEnd&) = delete;
    void keep() noexcept { path_ = nullptr; }

  private:
    const std::string* path_;
};

/// \throws Error for an errno, with a code that fits and "cannot <action> <path>: <reason>".
[[noreturn]] void throw_errno(int error, const std::string& action, const std::string& path);

/// Names of the files in a directory; none if there is no such directory.
/// \throws Error PermissionDenied, TooManyFiles, OutOfMemory or System if they cannot be known.
std::vector<std::string> names_in(const std::string& directory);

/// Reserves all memory of a small new file, which gets this path later.
/// \throws Error NoSpace, with the bytes needed and those free, and as throw_errno().
void reserve_or_throw(const platform::Descriptor& file, std::uint64_t bytes, const std::string& path);

/// \throws Error Damaged: the file was made shorter while it was mapped.
[[noreturn]] void throw_cut(const std::string& path);

/// The preamble of a new file.
layout::Preamble make_preamble(const char (&magic)[8], std::size_t header_bytes, const Id& instance) noexcept;

/// Checks the preamble of a file.
/// \throws Error Damaged, UnsupportedVersion, naming the file.
void check_preamble(const layout::Preamble& found, const char (&magic)[8], std::size_t header_bytes,
                    const std::string& path);

inline Id instance_of(const layout::Preamble& preamble) noexcept {
    return {preamble.instance[0], preamble.instance[1]};
}

}  // namespace ndsharray
