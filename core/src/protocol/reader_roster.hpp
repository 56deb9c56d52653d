// SPDX-License-Identifier: BSD-3-Clause
// Who read a tag at the last look: which readers came and went since then.
#pragma once

#include <ndsharray/writer.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace ndsharray {

/// A reader as its entry in the table tells it. Readers write that themselves: for people only.
struct LiveReader {
    std::uint32_t pid = 0;
    std::int64_t joined = 0;  // tells two readers apart that had the same entry, one after the other
    bool operator==(const LiveReader&) const = default;
};

/// Not safe from two threads at once.
class ReaderRoster {
  public:
    /// One place per entry of the table; pid 0: nobody, or somebody who is just coming.
    using Places = std::array<LiveReader, max_readers>;

    /// What happened since the last call: first those who went, then those who came.
    std::vector<ReaderChange> update(const Places& now);

    /// Nobody was there.
    void forget() { known_ = {}; }

  private:
    Places known_{};
};

}  // namespace ndsharray
