// SPDX-License-Identifier: BSD-3-Clause
// The processes of ours that meet the files of a tag, and what they have to hold whatever they meet.
#pragma once

#include "folder.hpp"
#include "script.hpp"

#include <ndsharray/ndsharray.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace ndsharray::fuzz {

/// Readers with the frames they hold, a writer that starts on the tag, and those that only look.
class Cast {
  public:
    explicit Cast(Folder& folder) : folder_(folder) {}

    /// One of them does what the script says next.
    void act(Script& script);

    /// A reader comes, reads what the script says, and goes.
    void read_anew(Script& script);

    /// All go.
    void leave();

  private:
    struct Actor {
        std::optional<Reader> reader;
        std::vector<Frame> frames;
        ReadMode mode = ReadMode::Latest;
        std::uint64_t last_number = 0;
    };

    void read(Script& script);
    void let_go(Script& script);
    void start_writer(Script& script);
    void write(Script& script);
    void wait_for_readers(Script& script);
    void expect_round_trip();
    void inspect_all();
    void prune(bool remove);
    void watch();

    void note_orphans();
    bool is_orphan(const std::string& name) const;
    bool nobody_reads() const noexcept;

    Folder& folder_;
    std::array<Actor, 2> actors_;
    std::optional<Writer> writer_;
    std::optional<TagWatch> watch_;
    std::vector<std::string> orphans_;  ///< Files that the writer need not remove
};

}  // namespace ndsharray::fuzz
