// SPDX-License-Identifier: BSD-3-Clause
// Finds and removes the files that crashed writers left.
#include <ndsharray/leftovers.hpp>

#include "process/only_errors.hpp"
#include "protocol/control.hpp"
#include "protocol/files.hpp"
#include "v1/layout.hpp"

#include <ndsharray/tag.hpp>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace ndsharray {
namespace {

using Names = std::vector<std::string>;

/// Names of each tag's files.
std::map<std::string, Names> names_by_tag(const std::string& directory) {
    std::map<std::string, Names> found;
    for (std::string& name : names_in(directory))
        if (const auto tag = tag_of(name))
            found[*tag].push_back(std::move(name));
    return found;
}

/// A file of this user as it is now. Nothing if it is gone, not regular, or of another user.
std::optional<LeftoverFile> own_file(const TagFiles& files, const std::string& name) {
    const auto status = platform::status_of(files.directory() + "/" + name);
    if (!status || !status->regular || status->owner != platform::own_user())
        return std::nullopt;
    return LeftoverFile{name, status->allocated_bytes};
}

Leftovers own_files(const TagFiles& files, const Names& names) {
    Leftovers found{files.tag(), {}};
    for (const std::string& name : names)
        if (auto file = own_file(files, name))
            found.files.push_back(std::move(*file));
    return found;
}

/// \throws Error if the file is still there, because of the errno that its removal gave.
void require_removed(int error, const std::string& path) {
    if (error != 0 && error != ENOENT)
        throw_errno(error, "remove", path);
}

/// Removes files of this user, and adds them to `removed`.
void remove(const TagFiles& files, const Names& names, Leftovers& removed) {
    for (const std::string& name : names) {
        auto file = own_file(files, name);
        if (!file)
            continue;
        const std::string path = files.directory() + "/" + name;
        require_removed(platform::unlink_file(path), path);
        removed.files.push_back(std::move(*file));
    }
}

void sort(Leftovers& leftovers) {
    std::sort(leftovers.files.begin(), leftovers.files.end(),
              [](const LeftoverFile& a, const LeftoverFile& b) { return a.name < b.name; });
}

/// Whether a process holds the writer's lock on a file. It is a control file, or will become one.
bool is_locked(const std::string& path) {
    const platform::Opened opened = platform::open_existing(path, platform::Access::ReadOnly);
    return opened.file && platform::is_locked(opened.file.number(), layout::writer_lock_byte);
}

bool exists(const std::string& path) {
    return platform::status_of(path).has_value();
}

/// Whether the writers of the control file made files of 1.x.
bool had_compat(const TagFiles& files) {
    try {
        const auto control = ControlView::open(files, Owner::self());
        return control &&
               (control->words().options.load(std::memory_order_relaxed) & layout::option_compat) != 0;
    } catch (const Error&) {
        return false;
    }
}

/// The files of a dead writer. None if the writer lives, or if a writer is starting.
Leftovers look(const TagFiles& files, const Names& names) {
    if (is_locked(files.control()))
        return {files.tag(), {}};
    Names dead;
    for (const std::string& name : names)
        if (!is_temporary(name) || !is_locked(files.directory() + "/" + name))
            dead.push_back(name);
    if (had_compat(files))
        for (std::string& name : v1::leftover_names(files))
            dead.push_back(std::move(name));
    Leftovers found = own_files(files, dead);
    sort(found);
    return found;
}

/// Removes segments without a control file. They belong to no writer: a writer makes its control file before
/// its first segment, and never uses a name twice. First, because taking the tag needs space.
void remove_orphaned_segments(const TagFiles& files, Leftovers& removed) {
    const auto all = names_by_tag(files.directory());
    const auto found = all.find(files.tag());
    if (found == all.end() || exists(files.control()))
        return;
    Names segments;
    std::copy_if(found->second.begin(), found->second.end(), std::back_inserter(segments), is_segment);
    remove(files, segments, removed);
}

}  // namespace

std::vector<Leftovers> find_leftovers() try {
    std::vector<Leftovers> found;
    for (const auto& [tag, names] : names_by_tag(directory())) {
        Leftovers leftovers = look(TagFiles(tag), names);
        if (!leftovers.files.empty())
            found.push_back(std::move(leftovers));
    }
    return found;
} catch (const std::bad_alloc&) {
    throw Error(out_of_memory());
}

Leftovers remove_leftovers(const std::string& tag) try {
    const TagFiles files(tag);
    const auto all = names_by_tag(files.directory());
    const auto known = all.find(tag);
    if (known == all.end() || look(files, known->second).files.empty())
        return {tag, {}};

    Leftovers removed{tag, {}};
    remove_orphaned_segments(files, removed);
    // The file before the tag is taken, which makes a new one.
    const auto before = own_file(files, files.control_name());
    std::optional<ControlOwner> owner;
    try {
        owner.emplace(ControlOwner::take(files, WriterOptions{}));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::TagInUse)
            throw;
        sort(removed);
        return removed;  // a writer took the tag first
    }
    // From here on, this works as a writer that closes: readers get Disconnected, and no writer starts before
    // the end.
    owner->words().state.store(static_cast<std::uint32_t>(layout::WriterState::Closed),
                               std::memory_order_release);
    owner->wake_readers();
    if (owner->had_compat())
        remove(files, v1::leftover_names(files), removed);
    Names names = names_by_tag(files.directory())[tag];
    std::erase(names, files.control_name());
    remove(files, names, removed);
    require_removed(owner->unlink(files), files.control());
    owner->notify_watchers();
    if (before)
        removed.files.push_back(*before);
    sort(removed);
    return removed;
} catch (const std::bad_alloc&) {
    throw Error(out_of_memory());
}

}  // namespace ndsharray
