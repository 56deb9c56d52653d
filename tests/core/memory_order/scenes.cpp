// SPDX-License-Identifier: BSD-3-Clause
// The scenes, in one list.
#include "scenes.hpp"

#include <iterator>

namespace ndsharray::model {

const std::vector<NamedScene>& all_scenes() {
    static const std::vector<NamedScene> scenes = [] {
        std::vector<NamedScene> all;
        for (auto* const some : {slot_scenes, waiting_scenes, segment_scenes, follower_scenes})
            std::ranges::move(some(), std::back_inserter(all));
        return all;
    }();
    return scenes;
}

}  // namespace ndsharray::model
