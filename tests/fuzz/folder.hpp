// SPDX-License-Identifier: BSD-3-Clause
// The files of a tag in the hands of somebody hostile: made of good ones, then changed in any way.
#pragma once

#include "script.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ndsharray::fuzz {

using Bytes = std::vector<std::uint8_t>;

/// The files of a tag by their names: what a writer made and, since it died, left.
struct Tag {
    std::map<std::string, Bytes> files;
    std::string segment;  // name of the current segment; empty: none
};

inline constexpr const char* tag_name = "t";

/// The folder of all tags, and the one tag in it that inputs are about.
class Folder {
  public:
    /// Makes the folder and the tags to start from. Called once.
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    /// Nothing but one of the tags, as its writer left it.
    void restore(unsigned which);

    /// Removes all files.
    void clear();

    std::vector<std::string> entries() const;
    bool is_file(const std::string& name) const;

    /// Does to the files what the script says next.
    void attack(Script& script);

    /// The same later: takes from the script now what it then needs.
    std::function<void()> planned_attack(Script& script);

    /// Whether files were changed since this was last set to false.
    bool is_disturbed = false;

    // ---- locks, as a living writer and living readers hold them

    void lock_writer();
    void lock_reader(unsigned index);
    void unlock_all();
    bool holds_locks() const noexcept { return !locks_.empty(); }

  private:
    struct Field;
    enum class Which { Control, Table, Segment, CompatControl, CompatData };

    std::string path_of(Which which) const;
    std::string path_of(const std::string& name) const { return path_ + "/" + name; }
    Field field(Script& script) const;
    std::uint64_t value(Script& script, std::uint64_t now) const;

    void put(const std::string& path, std::uint64_t offset, const void* bytes, std::size_t count) const;
    std::uint64_t get(const std::string& path, std::uint64_t offset, unsigned width) const;

    void change_field(Script& script);
    void change_bytes(Script& script);
    void copy_field(Script& script);
    void change_size(Script& script);
    void replace_file(Script& script);
    void publish(Script& script);
    void announce_again(Script& script);
    void wake() const;
    std::uint64_t slot_offset(unsigned slot) const;

    std::string path_;
    std::vector<Tag> tags_;
    unsigned tag_ = 0;
    std::string segment_;  // name of the one that readers are pointed to
    std::vector<int> locks_;
};

}  // namespace ndsharray::fuzz
