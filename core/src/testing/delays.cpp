// SPDX-License-Identifier: BSD-3-Clause
// Taking time at the points of fault.hpp, for tests to find what holds by good luck only. Not in a normal
// build.
#include "testing/faults.hpp"

#include <algorithm>
#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace ndsharray::fault {
namespace {

constexpr std::chrono::milliseconds delay{5};

using Points = std::bitset<point_names.size()>;

/// Those that the environment names: NDSHARRAY_DELAYS=SlotReserved,FramePublished.
Points chosen() {
    const char* listed = std::getenv("NDSHARRAY_DELAYS");
    std::string_view left = listed != nullptr ? listed : "";
    Points points;
    while (!left.empty()) {
        const std::string_view name = left.substr(0, left.find(','));
        left.remove_prefix(name.size() < left.size() ? name.size() + 1 : name.size());
        const auto* const found = std::ranges::find(point_names, name);
        if (found == point_names.end()) {
            std::fprintf(stderr, "NDSHARRAY_DELAYS: core/src/testing/faults.hpp has no point \"%.*s\"\n",
                         static_cast<int>(name.size()), name.data());
            std::abort();
        }
        points.set(static_cast<std::size_t>(found - point_names.begin()));
    }
    return points;
}

}  // namespace

/// Does not sleep: who sleeps is taken for one that waits, and calls the system where tests count such calls.
void reached(Point point) noexcept {
    static const Points points = chosen();
    if (!points.test(static_cast<std::size_t>(point)))
        return;
    const auto end = std::chrono::steady_clock::now() + delay;
    while (std::chrono::steady_clock::now() < end) {
    }
}

}  // namespace ndsharray::fault
