// SPDX-License-Identifier: BSD-3-Clause
// Any call may fail: in whole lives of a writer, of readers and of a tag watch each call fails in turn. With
// FAIL_EXTENT=full it does so with every error that its manual page names.
#include "core_test.hpp"

#include <support/failing_life.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ndsharray::test {
namespace {

const ArraySpec small = bytes_spec(3000);
const ArraySpec larger = bytes_spec(9000);

/// How long is waited for what does not come.
constexpr auto in_vain = 3ms;

void require(bool condition, const std::string& what) {
    Steps::require(condition, what);
}

bool is_empty(const std::string& folder) {
    return std::filesystem::is_empty(folder);
}

/// What a reader that nothing happens to gets.
void require_frame(Reader& reader, const ArraySpec& spec) {
    Frame frame = reader.read(patience);
    while (!frame &&
           (frame.status() == ReadStatus::Disconnected || frame.status() == ReadStatus::EndOfStream))
        frame = reader.read(patience);
    require(static_cast<bool>(frame),
            "the reader got no frame: " + std::string(name(frame.status())) + " " + reader.error().what());
    require(frame.spec() == spec && is_intact(frame), "the reader got another frame");
}

void publish_here(Writer& writer, const ArraySpec& spec) {
    require(write_pattern(writer, spec) != 0, "the writer could not go on");
}

void require_no_slot_lost(Writer& writer) {
    const unsigned free = writer.stats().slots - 1;
    const bool all = wait_until([&] {
        std::vector<WritableFrame> taken;
        while (taken.size() < free) {
            taken.push_back(writer.acquire(0ns));
            if (!taken.back())
                return false;
        }
        return true;
    });
    require(all, "a slot is lost");
}

void write_as(Steps& steps, bool backpressure, bool compat) {
    const std::string folder = directory();
    WriterOptions options;
    options.slots = 6;
    options.backpressure = backpressure;
    options.compat = compat;
    std::optional<Writer> writer;
    steps.run(
        "Writer()",
        [&] {
            std::string tag = "cam0";
            writer.emplace(std::move(tag), options);
            return true;
        },
        [&] {
            for (const auto& entry : std::filesystem::directory_iterator(folder))
                require(false,
                        entry.path().filename().string() + " is left of a writer that could not be made");
        });
    std::atomic<unsigned> told = 0;
    steps.run("on_reader_change()", [&] {
        writer->on_reader_change([&](const ReaderChange&) { ++told; });
        return true;
    });
    steps.run("wait_for_reader()", [&] { return writer->wait_for_reader(in_vain) == WriteStatus::Timeout; });
    Reader partner("cam0", reading(backpressure ? ReadMode::Every : ReadMode::Latest));
    for (const ArraySpec& spec : {small, larger}) {
        steps.run("configure()", [&] {
            writer->configure(spec);
            return true;
        });
        steps.run("publish()", [&] { return write_pattern(*writer, spec) != 0; });
        require_frame(partner, spec);
    }
    steps.run("stats()", [&] { return writer->stats().published == 2; });
    // Where the table could not be watched, or the thread has no memory from now on, nobody is told.
    require(wait_until([&] { return told == 1 || failure_happened(); }), "it was not told of its reader");
    writer->end_of_stream();
    steps.run("close()", [&] {
        writer->close();
        return true;
    });
    require(is_empty(folder), "files are left of a writer that was closed");
    Writer next("cam0");
    publish_here(next, small);
    require_frame(partner, small);
}

void read_as(Steps& steps, const ReaderOptions& options) {
    std::optional<Reader> reader;
    steps.run("Reader()", [&] {
        reader.emplace("cam0", options);
        return true;
    });
    steps.run("read()", [&] { return reader->read(in_vain).status() == ReadStatus::Timeout; });
    std::optional<Writer> writer(std::in_place, "cam0", WriterOptions{.slots = 6});
    std::vector<Frame> held;
    const auto read = [&](const ArraySpec& spec) {
        Frame frame;
        steps.run(
            "read()",
            [&] {
                frame = reader->read(patience);
                return static_cast<bool>(frame) || frame.status() == ReadStatus::EndOfStream ||
                       frame.status() == ReadStatus::Disconnected;
            },
            [&] {
                require(reader->error().code() != ErrorCode::None, "a read failed without an error");
                publish_here(*writer, spec);
            });
        require(!frame || is_intact(frame), "a frame is not what was published");
        return frame;
    };
    for (int i = 0; i < 4; ++i) {
        publish_here(*writer, small);
        held.push_back(read(small));
    }
    require(writer->stats().dropped == 0, "the writer had to drop a frame");
    held.clear();
    publish_here(*writer, larger);
    while (read(larger).spec() != larger) {
    }
    require_no_slot_lost(*writer);
    reader.reset();
    require(wait_until([&] { return writer->stats().readers == 0; }), "an entry is left");
    require_no_slot_lost(*writer);
}

void watch_tags(Steps& steps) {
    std::optional<TagWatch> watch;
    steps.run("TagWatch()", [&] {
        watch.emplace();
        return true;
    });
    steps.run("TagWatch::wait()", [&] { return watch->wait(in_vain).status == WatchStatus::Timeout; });
    for (int i = 0; i < 2; ++i) {
        Writer writer("cam0");
        publish_here(writer, small);
        steps.run("TagWatch::wait()", [&] { return watch->wait(patience).status == WatchStatus::Changed; });
        steps.run("tag_names()", [&] { return tag_names().size() == 1; });
        steps.run("inspect()", [&] { return inspect("cam0").alive; });
    }
}

/// Of a directory that is missing, comes and goes.
void await_directory(Steps& steps) {
    const std::string folder = directory(), later = folder + "/a/b";
    std::filesystem::remove_all(folder + "/a");  // of a life that ended early
    ::setenv("NDSHARRAY_DIR", later.c_str(), 1);
    const std::shared_ptr<void> back(nullptr, [&](void*) { ::setenv("NDSHARRAY_DIR", folder.c_str(), 1); });
    std::optional<TagWatch> watch;
    steps.run("TagWatch()", [&] {
        watch.emplace();
        return true;
    });
    const auto be_told = [&] {
        steps.run("TagWatch::wait()", [&] {
            TagChanges changes;
            do {
                changes = watch->wait(patience);
            } while (changes.status == WatchStatus::Changed && !changes.all);
            return changes.all;
        });
    };
    for (int i = 0; i < 2; ++i) {
        std::optional<bool> hindered;
        steps.run("TagWatch::obstacle()", [&] {
            hindered = watch->obstacle().code() == ErrorCode::System;
            return true;
        });
        require(hindered == true, "a missing directory is no obstacle");
        std::filesystem::create_directories(later);
        be_told();
        {
            Writer writer("cam0");
            steps.run("TagWatch::wait()",
                      [&] { return watch->wait(patience).status == WatchStatus::Changed; });
        }
        steps.run("TagWatch::obstacle()", [&] { return watch->obstacle().code() == ErrorCode::None; });
        std::filesystem::remove_all(folder + "/a");
        be_told();
    }
}

/// So that the bounded form stays short. No divisor of how many allocations a step makes, mostly.
constexpr unsigned step = 3;

const std::vector<FailingLife> lives{
    {"Writer", [](Steps& steps) { write_as(steps, false, false); }, false, step},
    {"PatientWriter", [](Steps& steps) { write_as(steps, true, false); }, false, step},
    {"WriterFor1x", [](Steps& steps) { write_as(steps, false, true); }, false, step},
    {"LatestReader", [](Steps& steps) { read_as(steps, with_leases(2)); }, false, step},
    {"EveryReader", [](Steps& steps) { read_as(steps, in_order(6)); }, false, step},
    {"CopyingReader", [](Steps& steps) { read_as(steps, with_leases(0)); }, false, step},
    {"TagWatch", watch_tags, false, step},
    {"AwaitingTagWatch", await_directory, false, step},
};

class Failing : public CoreTest, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(Failing, CallsAreErrorsThatNothingIsLeftOf) {
    const char* extent = std::getenv("FAIL_EXTENT");
    const bool full = extent != nullptr && std::string(extent) == "full";
    const FailingLife& life = lives.at(GetParam());
    const FailingOutcome outcome = fail_each_call(life, full ? Extent::Full : Extent::Bounded);
    for (const FailureCount& count : outcome.counts)
        std::cout << "| " << life.name << " | " << count.call << " | " << count.calls << " | " << count.errors
                  << " | " << count.lives << " |\n";
    for (const std::string& problem : outcome.problems)
        ADD_FAILURE() << problem;
    directory_.clear();  // of processes that died
}

INSTANTIATE_TEST_SUITE_P(Lives, Failing, ::testing::Range<std::size_t>(0, lives.size()),
                         [](const auto& life) { return lives.at(life.param).name; });

}  // namespace
}  // namespace ndsharray::test
