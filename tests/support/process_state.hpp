// SPDX-License-Identifier: BSD-3-Clause
// What a process holds of the system: what must be at the end as it was at the start.
#pragma once

#include <cstdint>
#include <iosfwd>

namespace ndsharray::test {

struct ProcessState {
    unsigned descriptors = 0;
    unsigned threads = 0;
    unsigned mappings = 0;
    unsigned tag_mappings = 0;         ///< of files of tags, unlinked ones included
    std::uint64_t private_bytes = 0;   ///< written to, and in no other process's memory
    std::uint64_t resident_bytes = 0;  ///< proportional share of resident memory, what is shared included

    /// Whether as many descriptors, threads and mappings are open. Memory is to be compared with a margin.
    bool has_as_many(const ProcessState& other) const noexcept;

    /// Whether more of any of them are. Fewer may be right: GLib lets idle threads go after a while.
    bool has_more_than(const ProcessState& other) const noexcept;
};

/// Of this process.
ProcessState process_state();

/// Lets this process, and those it starts, have as many descriptors open as it may allow itself.
void raise_file_limit();

/// GoogleTest prints it with this.
void PrintTo(const ProcessState& state, std::ostream* out);

}  // namespace ndsharray::test
