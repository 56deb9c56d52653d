// SPDX-License-Identifier: BSD-3-Clause
// The long forms of the load tests: one subcommand each. Prints what was counted and what was held of the
// system early on and in the end; the exit code is 1 if anything was wrong.
#include <core/helpers/core_test.hpp>
#include <core/helpers/load.hpp>
#include <core/helpers/remote.hpp>
#include <gst/helpers/frames.hpp>
#include <gst/helpers/load.hpp>

#include <support/stopped.hpp>

#include <gst/gst.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ndsharray::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::hours long_enough{24};

/// What is said about a run, and whether it went well.
class Verdict {
  public:
    void count(const std::string& what, std::uint64_t value) {
        std::cout << what << ": " << value << std::endl;
    }

    /// Nothing may be other than expected.
    void expect(const std::string& what, std::uint64_t value, std::uint64_t expected) {
        std::cout << what << ": " << value;
        if (value != expected)
            std::cout << ", EXPECTED " << expected;
        std::cout << std::endl;
        is_good_ = is_good_ && value == expected;
    }

    /// No more descriptors, threads and mappings, and no more than 4 MiB of memory of its own added.
    void compare(const std::string& who, const ProcessState& early, const ProcessState& late) {
        const bool same = !late.has_more_than(early) && late.private_bytes < early.private_bytes + (4U << 20);
        std::cout << who << " early on:   " << ::testing::PrintToString(early) << '\n'
                  << who << " in the end: " << ::testing::PrintToString(late) << (same ? "" : ", MORE")
                  << std::endl;
        is_good_ = is_good_ && same;
    }

    void look_at(const std::string& who, const Sight& sight) {
        expect(who + ", torn frames", sight.torn, 0);
        expect(who + ", frames out of order", sight.out_of_order, 0);
        compare(who, sight.early, sight.late);
        if (sight.last_latency.count() > 0)
            std::cout << who << ", median latency of the first and the last tenth: "
                      << sight.first_latency.count() / 1000 << " us, " << sight.last_latency.count() / 1000
                      << " us" << std::endl;
    }

    int exit_code() const noexcept { return is_good_ ? 0 : 1; }

  private:
    bool is_good_ = true;
};

struct Options {
    std::uint64_t count = 0;
    unsigned readers = 64;
    unsigned tags = 100;
    unsigned seconds = 60;
    bool elements = false;
};

const ArraySpec picture = ArraySpec::contiguous(DType::UInt8, std::vector<std::uint64_t>{64, 64});

/// The state once threads that are just ending are gone.
ProcessState settled(const ProcessState& expected) {
    ProcessState now;
    wait_until([&] {
        now = process_state();
        return !now.has_more_than(expected);
    });
    return now;
}

ProcessState settled() {
    ProcessState last = process_state();
    wait_until([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        const ProcessState now = process_state();
        const bool same = now.has_as_many(last);
        last = now;
        return same;
    });
    return last;
}

void pass_frames(const Options& options, Verdict& verdict) {
    Writer writer("load", {.backpressure = true});
    ChildProcess reading = start_reading("load", in_order(), options.count);
    reading.channel().receive();
    const std::uint64_t warm = options.count / 100;
    for (std::uint64_t i = 0; i < warm; ++i)
        write_pattern(writer, picture);
    const ProcessState early = settled();
    verdict.expect("published", warm + write_to_the_end(writer, picture, options.count - warm),
                   options.count);
    verdict.compare("writer", early, settled(early));
    const Sight sight = sight_of(reading, long_enough);
    verdict.expect("read", sight.frames, options.count);
    verdict.expect("missed", sight.missed, 0);
    verdict.look_at("reader", sight);
}

void change_layouts(const Options& options, Verdict& verdict) {
    Writer writer("load");
    Reader reader("load");
    pass_layouts(writer, reader, 200);
    const ProcessState early = settled();
    verdict.expect("layouts", pass_layouts(writer, reader, options.count), options.count);
    verdict.compare("process", early, settled(early));
}

void change_caps(const Options& options, Verdict& verdict) {
    TagPipelines pipelines("load");
    pass_caps(pipelines, 200);
    const ProcessState early = settled();
    verdict.expect("caps", pass_caps(pipelines, options.count), options.count);
    verdict.compare("process", early, settled(early));
}

void serve_readers(const Options& options, Verdict& verdict) {
    Writer writer("load", {.backpressure = true});
    std::vector<ChildProcess> readers;
    for (unsigned i = 0; i < options.readers; ++i) {
        readers.push_back(start_reading("load", in_order(), options.count));
        readers.back().channel().receive();
    }
    const std::uint64_t warm = options.count / 100;
    for (std::uint64_t i = 0; i < warm; ++i)
        write_pattern(writer, picture);
    const ProcessState early = settled();
    verdict.expect("published", warm + write_to_the_end(writer, picture, options.count - warm),
                   options.count);
    verdict.compare("writer", early, settled(early));
    std::uint64_t frames = 0;
    for (std::size_t i = 0; i < readers.size(); ++i) {
        const Sight sight = sight_of(readers[i], long_enough);
        frames += sight.frames;
        if (i == 0 || !sight.is_flawless() || sight.late.has_more_than(sight.early))
            verdict.look_at("reader " + std::to_string(i), sight);
    }
    verdict.expect("read by all", frames, options.count * readers.size());
}

/// Frames through each of the tags in turn, for some time.
template <typename Pass>
void keep_passing(const Options& options, Verdict& verdict, Pass pass) {
    std::uint64_t rounds = 0, wrong = 0;
    const auto round = [&] {
        for (unsigned i = 0; i < options.tags; ++i)
            wrong += pass(i, rounds) ? 0 : 1;
        ++rounds;
    };
    for (int i = 0; i < 20; ++i)
        round();
    const ProcessState early = settled();
    const auto end = Clock::now() + std::chrono::seconds(options.seconds);
    while (Clock::now() < end)
        round();
    verdict.count("frames through each tag", rounds);
    verdict.expect("lost, torn or not as expected", wrong, 0);
    verdict.compare("process", early, settled(early));
}

void use_tags(const Options& options, Verdict& verdict) {
    std::vector<Writer> writers;
    std::vector<Reader> readers;
    for (unsigned i = 0; i < options.tags; ++i) {
        writers.emplace_back("load" + std::to_string(i), WriterOptions{.backpressure = true});
        readers.emplace_back("load" + std::to_string(i), in_order());
        attach(readers.back());
    }
    keep_passing(options, verdict, [&](unsigned i, std::uint64_t) {
        if (write_pattern(writers[i], picture) == 0)
            return false;
        const Frame frame = readers[i].read(patience);
        return frame && frame.missed() == 0 && is_intact(frame);
    });
}

void use_tags_of_elements(const Options& options, Verdict& verdict) {
    std::vector<std::unique_ptr<TagPipelines>> pipelines;
    for (unsigned i = 0; i < options.tags; ++i)
        pipelines.push_back(std::make_unique<TagPipelines>("load" + std::to_string(i)));
    keep_passing(options, verdict, [&](unsigned i, std::uint64_t round) {
        return pipelines[i]->pass(caps_text("RGB", 64, 48), static_cast<unsigned>(round));
    });
}

/// Readers of either mode, stopped while the writer goes on; then one that holds the writer.
void outlast_stopped_readers(const Options& options, Verdict& verdict) {
    Writer writer("load");
    // Of a stream of unknown length: latencies early on and in the end are not to be told.
    ChildProcess latest = start_reading("load", with_leases(2), 0);
    ChildProcess every = start_reading("load", in_order(), 0);
    latest.channel().receive();
    every.channel().receive();
    for (int i = 0; i < 1000; ++i)
        write_pattern(writer, picture);
    const ProcessState early = settled();
    std::uint64_t dropped = 0;
    {
        const Stopped first(latest.pid()), second(every.pid());
        const auto end = Clock::now() + std::chrono::seconds(options.seconds);
        while (Clock::now() < end)
            dropped += write_pattern(writer, picture) == 0 ? 1 : 0;
    }
    verdict.expect("dropped", dropped, 0);
    verdict.compare("writer", early, settled(early));
    write_to_the_end(writer, picture, 1000);
    const std::uint64_t published = writer.stats().published;
    verdict.count("published", published);
    for (ChildProcess* reader : {&latest, &every}) {
        const Sight sight = sight_of(*reader, long_enough);
        const std::string who = reader == &latest ? "latest" : "every";
        verdict.expect(who + ", read and missed", sight.frames + sight.missed, published);
        verdict.look_at(who, sight);
    }
}

void be_held_by_a_stopped_reader(const Options& options, Verdict& verdict) {
    Writer writer("held", {.backpressure = true});
    ChildProcess every = start_reading("held", in_order(), 0);
    every.channel().receive();
    for (int i = 0; i < 1000; ++i)
        write_pattern(writer, picture);
    const ProcessState early = settled();
    std::uint64_t held = 0;
    {
        const Stopped stopped(every.pid());
        const auto end = Clock::now() + std::chrono::seconds(options.seconds);
        while (Clock::now() < end)
            held += write_pattern(writer, picture, std::chrono::seconds(1)) == 0 ? 1 : 0;
    }
    verdict.count("writes that waited a second in vain, with backpressure", held);
    verdict.compare("writer", early, settled(early));
    write_to_the_end(writer, picture, 1000);
    const Sight sight = sight_of(every, long_enough);
    verdict.expect("read", sight.frames, writer.stats().published);
    verdict.expect("missed", sight.missed, 0);
    verdict.look_at("every, with backpressure", sight);
}

using Part = void (*)(const Options& options, Verdict& verdict);

int bear(const std::vector<Part>& parts, const Options& options) {
    raise_file_limit();
    const TemporaryDirectory directory;
    const auto start = Clock::now();
    Verdict verdict;
    for (const Part part : parts)
        part(options, verdict);
    verdict.expect("files left behind", directory.entries().size(), 0);
    const std::chrono::duration<double> taken = Clock::now() - start;
    std::cout << "took " << static_cast<long>(taken.count()) << " s" << std::endl;
    return verdict.exit_code();
}

CLI::App* add_frames(CLI::App& app, Options& options) {
    auto* command = app.add_subcommand("frames", "frames of 64x64 through one tag, each once to a reader");
    command->add_option("--count", options.count, "frames")->capture_default_str();
    return command;
}

CLI::App* add_layouts(CLI::App& app, Options& options) {
    auto* command = app.add_subcommand("layouts", "frames each of which has another layout");
    command->add_option("--count", options.count, "changes")->capture_default_str();
    command->add_flag("--elements", options.elements, "caps, through ndshsink and ndshsrc");
    return command;
}

CLI::App* add_readers(CLI::App& app, Options& options) {
    auto* command = app.add_subcommand("readers", "readers in processes of their own, each of every frame");
    command->add_option("--readers", options.readers, "processes")->capture_default_str();
    command->add_option("--count", options.count, "frames")->capture_default_str();
    return command;
}

CLI::App* add_tags(CLI::App& app, Options& options) {
    auto* command = app.add_subcommand("tags", "tags used in turn by one process");
    command->add_option("--tags", options.tags, "tags")->capture_default_str();
    command->add_option("--seconds", options.seconds, "how long")->capture_default_str();
    command->add_flag("--elements", options.elements, "through ndshsink and ndshsrc");
    return command;
}

int run_command_line(int argc, char** argv) {
    Options of_frames{.count = 10'000'000}, of_layouts{.count = 10'000}, of_readers{.count = 100'000},
        of_tags{.seconds = 180}, of_stopped{.seconds = 60};
    CLI::App app("Bears load for long: the long forms of the tests named load and stopped_reader.");
    app.require_subcommand(1);
    const auto* frames = add_frames(app, of_frames);
    const auto* layouts = add_layouts(app, of_layouts);
    const auto* readers = add_readers(app, of_readers);
    const auto* tags = add_tags(app, of_tags);
    app.add_subcommand("stopped", "readers that are stopped while the writer goes on")
        ->add_option("--seconds", of_stopped.seconds, "how long")
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    gst_init(nullptr, nullptr);
    if (frames->parsed())
        return bear({pass_frames}, of_frames);
    if (layouts->parsed())
        return bear({of_layouts.elements ? change_caps : change_layouts}, of_layouts);
    if (readers->parsed())
        return bear({serve_readers}, of_readers);
    if (tags->parsed())
        return bear({of_tags.elements ? use_tags_of_elements : use_tags}, of_tags);
    return bear({outlast_stopped_readers, be_held_by_a_stopped_reader}, of_stopped);
}

}  // namespace
}  // namespace ndsharray::test

int main(int argc, char** argv) {
    try {
        if (const auto exit_code = ndsharray::test::run_role(argc, argv))
            return *exit_code;
        return ndsharray::test::run_command_line(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
