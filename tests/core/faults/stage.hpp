// SPDX-License-Identifier: BSD-3-Clause
// What all lives share: the tag they are about, readers that outlive everybody, and what must hold after a
// death.
#pragma once

#include "follower.hpp"
#include "victim.hpp"

#include "core_test.hpp"
#include "remote.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray::test {

/// One tag in the folder that all lives share, each with a tag of its own.
class Stage {
  public:
    Stage(std::string tag, std::filesystem::path folder) : tag_(std::move(tag)), folder_(std::move(folder)) {}

    const std::string& tag() const noexcept { return tag_; }

    /// Path of a file of the tag: "" the control file, ".readers" the reader table.
    std::filesystem::path file(const std::string& suffix) const {
        return folder_ / ("ndsh." + tag_ + suffix);
    }

    /// Publishes a frame. \throws std::runtime_error if that is not done in time.
    static void publish(Writer& writer, const ArraySpec& spec);

    /// Publishes a frame of a size of its own, which every follower and a new reader must get.
    /// \throws std::runtime_error if one does not.
    void expect_goes_on(Writer& writer);

    /// Takes every slot but the one of the newest frame, at once.
    /// \throws std::runtime_error if one is not to be had.
    static void expect_no_slot_lost(Writer& writer);

    /// \throws std::runtime_error if readers are told that a writer waits for them: each frame they let go of
    /// would cost them a system call.
    void expect_nobody_waits() const;

    /// \throws std::runtime_error if there is a file of the tag.
    void expect_no_files() const;

    /// Reads a mark with a new reader, under a lease.
    void expect_new_reader_gets(std::uint64_t mark) const;

  private:
    std::string tag_;
    std::filesystem::path folder_;
    Follower latest_{tag_, ReadMode::Latest};
    Follower every_{tag_, ReadMode::Every};
    std::uint64_t mark_ = smallest_mark;
};

}  // namespace ndsharray::test
