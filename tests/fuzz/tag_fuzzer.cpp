// SPDX-License-Identifier: BSD-3-Clause
// Hostile files of a tag against all that reads them: readers, starting writers, inspect(), find_leftovers().
//
// An input is a tag to start from and then a sequence of steps: attacks on its files, at once or between two
// looks of the next step, and what readers and writers do meanwhile. See README.md.
#include "cast.hpp"
#include "folder.hpp"
#include "good_tags.hpp"
#include "sandbox.hpp"

#include <unistd.h>

namespace ndsharray::fuzz {
namespace {

/// The lowest number that is free.
int free_descriptor() {
    const int number = ::dup(0);
    ::close(number);
    return number;
}

void step(Script& script, Folder& folder, Cast& cast) {
    constexpr unsigned kinds = 8;
    switch (script.below(kinds)) {
        case 0:
        case 1:
            return folder.attack(script);
        case 2: {
            const unsigned look = 1 + script.get<std::uint8_t>();
            return ambush(look, folder.planned_attack(script));
        }
        case 3:
            switch (script.below(3)) {
                case 0:
                    return folder.lock_writer();
                case 1:
                    return folder.lock_reader(script.below(3));
                default:
                    return folder.unlock_all();
            }
        default:
            return cast.act(script);
    }
}

// An input's first byte. The highest bit: the writer is dead. The others: the tag to start from, or
// every_look.
constexpr std::uint8_t dead_writer = 0x80;
constexpr std::uint8_t every_look = 0x7f;

void begin(Folder& folder, std::uint8_t start) {
    start_over();
    when_waiting_too_long([] {});
    folder.restore((start & ~dead_writer) % good_tag_count);
    if ((start & dead_writer) == 0)
        folder.lock_writer();
}

void end(Folder& folder) {
    end_ambush();
    folder.clear();
    require(mappings() == 0, "no mapping is left");
}

/// One attack, at each of the looks of a reader that comes and reads.
void attack_at_every_look(Folder& folder, std::uint8_t start, Script script) {
    bool is_over = false;
    for (unsigned look = 1; !is_over; ++look) {
        begin(folder, start);
        Script now = script;
        ambush(look, folder.planned_attack(now));
        Cast(folder).read_anew(now);
        is_over = is_ambush_pending();
        end(folder);
    }
}

void run(Script script) {
    static Folder folder;
    const int free_before = free_descriptor();  // libFuzzer opens some between inputs
    const auto start = script.get<std::uint8_t>();
    if ((start & ~dead_writer) == every_look) {
        attack_at_every_look(folder, script.get<std::uint8_t>(), script);
    } else {
        begin(folder, start);
        Cast cast(folder);
        constexpr unsigned most_steps = 64;
        for (unsigned i = 0; i < most_steps && !script.is_at_end(); ++i)
            step(script, folder, cast);
        cast.leave();
        end(folder);
    }
    require(free_descriptor() == free_before, "no descriptor is left");
}

}  // namespace
}  // namespace ndsharray::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
    ndsharray::fuzz::run(ndsharray::fuzz::Script(data, bytes));
    return 0;
}
