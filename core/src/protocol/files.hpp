// SPDX-License-Identifier: BSD-3-Clause
// The files of a tag: their names, and opening and making them so that nothing untrusted gets in.
#pragma once

#include "platform/platform.hpp"
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

/// What a segment's name adds to the control file's: a dot and 32 digits.
inline constexpr std::size_t segment_suffix_length = 33;

/// Whether a name ends in a dot and 32 lowercase hexadecimal digits, as a segment's does.
bool has_segment_suffix(std::string_view name) noexcept;

/// The text with everything that is not printable ASCII replaced, for use in a sentence.
std::string printable(std::string_view text);

/// The random half of a segment's or tag instance's identity.
struct Id {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static Id random() noexcept { return {platform::random_bits(), platform::random_bits()}; }
    std::string hex() const;
    bool operator==(const Id&) const = default;
};

/// Names of a tag's files. Fixed when made, so that a changed environment does not tear a tag apart.
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

    /// A name for a file that is being made; no tag's file is ever called so.
    std::string temporary() const;
    std::string temporary(const Id& id) const;

    /// Removes what dead writers of this tag left: segments and half-made files. Only for who holds the
    /// writer's lock.
    void remove_leftovers() const;

  private:
    std::string tag_;
    std::string directory_;
    // Made once: who removes files may have no memory for names.
    std::string control_name_;
    std::string control_;
    std::string readers_;
};

/// Opens a file that must be regular and belong to one of the expected owners.
/// Nothing if there is no such file.
/// \throws Error NotRegular, WrongOwner, PermissionDenied, TooManyFiles, System.
std::optional<platform::Descriptor> open_checked(const std::string& path, platform::Access access,
                                                 const class Owner& owner);

/// Who may own a file that is to be trusted.
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

/// \throws Error WrongOwner, naming the file, its owner and who was expected.
[[noreturn]] void throw_wrong_owner(const std::string& path, uid_t found, const Owner& expected);

/// Removes a file when it goes out of scope, unless told to keep it. Its path must outlive this: it is not
/// copied, since that may fail and leave the file.
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

/// Names in the directory of the tags; none if there is no such directory.
/// \throws Error PermissionDenied, TooManyFiles, OutOfMemory or System if they cannot be known.
std::vector<std::string> names_in(const std::string& directory);

/// Reserves all of a small file that is being made and is to have this path.
/// \throws Error NoSpace, with the bytes needed and those free, and as throw_errno().
void reserve_or_throw(const platform::Descriptor& file, std::uint64_t bytes, const std::string& path);

/// \throws Error Damaged: somebody made the file shorter while it was mapped.
[[noreturn]] void throw_cut(const std::string& path);

/// Fills in the start of a file that is being made.
layout::Preamble make_preamble(const char (&magic)[8], std::size_t header_bytes, const Id& instance) noexcept;

/// Checks the start of a file.
/// \throws Error Damaged, UnsupportedVersion, naming the file.
void check_preamble(const layout::Preamble& found, const char (&magic)[8], std::size_t header_bytes,
                    const std::string& path);

inline Id instance_of(const layout::Preamble& preamble) noexcept {
    return {preamble.instance[0], preamble.instance[1]};
}

}  // namespace ndsharray
