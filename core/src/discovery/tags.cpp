// SPDX-License-Identifier: BSD-3-Clause
// Lists the tags with a living writer.
#include <ndsharray/tag.hpp>

#include "process/only_errors.hpp"
#include "protocol/control.hpp"

#include <algorithm>

namespace ndsharray {
namespace {

bool is_written(const std::string& tag) {
    try {
        const auto control = ControlView::open(TagFiles(tag), Owner::self_or_root());
        return control && control->writer_lives();
    } catch (const Error&) {
        return false;  // it belongs to another user, or is not a control file
    }
}

}  // namespace

std::vector<std::string> tags() try {
    std::vector<std::string> found;
    for (const std::string& name : names_in(directory())) {
        const auto tag = tag_of(name);
        if (tag && is_control(name) && is_written(*tag))
            found.push_back(*tag);
    }
    std::sort(found.begin(), found.end());
    return found;
} catch (const std::bad_alloc&) {
    throw Error(out_of_memory());
}

}  // namespace ndsharray
