// SPDX-License-Identifier: BSD-3-Clause
// A directory of tags that is not always there, and those who wait in it.
#pragma once

#include "core_test.hpp"

#include <support/background_call.hpp>
#include <support/thread_state.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <thread>

namespace ndsharray::test {

namespace fs = std::filesystem;

/// A waiting read() and, once something was done to the directory, a frame of a writer that starts then.
inline std::string what_comes_after(const std::string& tag, const std::function<void()>& change) {
    Reader reader(tag);
    BackgroundCall<Frame> reading([&] { return reader.read(); }, [&] { reader.cancel(); });
    if (!reading.blocks())
        return "did not wait";
    change();
    Writer writer(tag);
    write_pattern(writer, bytes_spec(5000));
    return is_intact(reading.result()) ? "a frame" : "something else";
}

/// How long a look every now and then would take to notice something, and more.
inline constexpr auto some_looks = 450ms;

/// How often a thread that waits looks around in that time.
inline std::uint64_t looks_of(pid_t thread) {
    const auto before = voluntary_switches(thread);
    std::this_thread::sleep_for(some_looks);  // the time that is measured
    return voluntary_switches(thread) - before;
}

/// \returns whether a TagWatch that waits is told to look at everything once something was done.
inline bool is_told_after(TagWatch& watch, const std::function<void()>& change) {
    BackgroundCall<TagChanges> waiting([&] { return watch.wait(); }, [&] { watch.cancel(); });
    if (!waiting.blocks())
        return false;
    change();
    return waiting.result().all;
}

/// Takes what a TagWatch has to tell, until it has nothing more.
inline void take_all(TagWatch& watch) {
    while (watch.wait(100ms).status == WatchStatus::Changed) {
    }
}

/// What happens to a directory and the one it is in, while somebody waits; an empty one is there in the end.
struct Fate {
    const char* name;
    void (*meets)(const fs::path& directory);
};

inline void PrintTo(const Fate& fate, std::ostream* out) {
    *out << fate.name;
}

class WatchedDirectories : public ::testing::Test {
  protected:
    WatchedDirectories() {
        fs::create_directories(path_);
        ::setenv("NDSHARRAY_DIR", path_.c_str(), 1);
    }

    const TemporaryDirectory outer_;
    const fs::path path_ = outer_.path() / "parent" / "tags";
    const std::string tag_ = "cam0";
    const ArraySpec spec_ = bytes_spec(5000);
};

class WatchedDirectory : public WatchedDirectories, public ::testing::WithParamInterface<Fate> {
  protected:
    void meet_fate() { GetParam().meets(path_); }
};

}  // namespace ndsharray::test
