// SPDX-License-Identifier: BSD-3-Clause
// Runs one contender with one workload: starts the processes, leads them through the phases, collects.
#include "run.hpp"

#include <support/child_process.hpp>
#include <support/temporary_directory.hpp>

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "copy_floor.hpp"

namespace ndsharray::bench {
namespace {

using std::chrono::milliseconds;
using test::ChildProcess;

constexpr milliseconds start_time{20'000};  // for sixteen processes that share two cores
constexpr milliseconds spare_time{5'000};
constexpr std::chrono::seconds stop_time{4};
constexpr double slow_reader_delay = 0.05;

/// Waits for the event, past others.
Message await(ChildProcess& process, const char* event, milliseconds timeout) {
    for (;;) {
        const auto text = process.channel().receive(timeout);
        if (!text)
            throw std::runtime_error(fmt::format("a process ended before it said \"{}\"", event));
        Message message = parse_message(*text);
        if (message.event == event::error)
            throw std::runtime_error(message.text);
        if (message.event == event)
            return message;
    }
}

/// \returns whether it ended of its own accord.
bool stop(ChildProcess& process) {
    try {
        process.channel().send(command::stop);
        return process.wait_for_exit(stop_time) == 0;
    } catch (const std::exception&) {
        process.kill();
        return false;
    }
}

/// A killed shmsink leaves its area behind.
void remove_area_of(pid_t process) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored))
        if (entry.path().filename().string().starts_with(fmt::format("shmpipe.{:5}.", process)))
            std::filesystem::remove(entry.path(), ignored);
}

/// What the processes are started as: the producer, each consumer.
std::pair<std::string, std::string> roles(Kind kind) {
    switch (kind) {
        case Kind::Core:
            return {"core-writer", "core-reader"};
        case Kind::Futex:
            return {"futex-writer", "futex-reader"};
        default:
            return {"pipeline", "pipeline"};
    }
}

struct Memory {
    std::uint64_t shared = 0;
    std::uint64_t anonymous = 0;
};

class Run {
  public:
    Run(const Contender& contender, const Workload& workload, const RunSettings& settings)
        : contender_(contender), workload_(workload), settings_(settings) {}
    ~Run() {
        if (producer_)
            producer_->kill();
        remove_area_of(producer_pid_);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    RunResult execute() {
        result_.shares_frames = contender_.kind != Kind::Baseline;
        start();
        const Memory before = memory();
        let_go();
        collect_producer();
        const Memory after = memory();
        result_.shared_memory = after.shared;
        result_.shared_memory_growth = static_cast<std::int64_t>(after.shared - before.shared);
        result_.private_memory_growth = static_cast<std::int64_t>(after.anonymous - before.anonymous);
        collect_consumers();
        finish();
        return result_;
    }

  private:
    double seconds() const { return std::max(settings_.seconds, workload_.least_seconds); }
    bool is_stopped(std::size_t consumer) const { return consumer < workload_.stopped_readers; }

    ProcessPlan producer_plan() const {
        ProcessPlan plan;
        plan.launch = producer_launch(contender_, workload_, folder_.path());
        plan.file = folder_.path() / "futex";
        plan.lossless = workload_.lossless;
        plan.source = {workload_.format.caps,
                       workload_.format.other_caps,
                       workload_.format.bytes,
                       workload_.rate,
                       workload_.producer == Touch::EveryByte,
                       settings_.settling,
                       seconds(),
                       settings_.frames_in_flight,
                       workload_.frames_per_caps};
        return plan;
    }

    ProcessPlan consumer_plan(std::size_t consumer) const {
        ProcessPlan plan = producer_plan();
        plan.launch = consumer_launch(contender_, workload_, folder_.path());
        plan.source.every_byte = false;  // where the consumer has a source of its own
        plan.sink.bytes = workload_.format.bytes;
        plan.sink.every_byte = workload_.consumer == Touch::EveryByte;
        plan.sink.filled = workload_.producer == Touch::EveryByte && result_.shares_frames;
        plan.sink.delay = consumer < workload_.slow_readers ? slow_reader_delay : 0;
        return plan;
    }

    void start() {
        const auto [producer_role, consumer_role] = roles(contender_.kind);
        producer_.emplace(producer_role, arguments_of(producer_plan()));
        producer_pid_ = producer_->pid();
        await(*producer_, event::pushing, start_time);
        for (std::size_t i = 0; i < workload_.readers; ++i)
            consumers_.emplace_back(consumer_role, arguments_of(consumer_plan(i)));
        for (ChildProcess& consumer : consumers_)
            await(consumer, event::arrived, start_time);
        for (std::size_t i = 0; i < consumers_.size(); ++i)
            if (is_stopped(i))
                ::kill(consumers_[i].pid(), SIGSTOP);
    }

    void let_go() {
        producer_->channel().send(command::go);
        for (std::size_t i = 0; i < consumers_.size(); ++i)
            if (!is_stopped(i))
                consumers_[i].channel().send(command::go);
    }

    Memory memory() const {
        std::vector<pid_t> processes{producer_->pid()};
        for (const ChildProcess& consumer : consumers_)
            processes.push_back(consumer.pid());
        Memory memory;
        memory.shared = shared_memory_of(processes);
        for (const pid_t process : processes)
            memory.anonymous += memory_of(process).anonymous;
        return memory;
    }

    void collect_producer() {
        const milliseconds expected(static_cast<int>(1000 * (settings_.settling + seconds())));
        ProcessResult& producer = result_.producer;
        if (const auto text = try_receive(*producer_, event::pushed, expected + spare_time)) {
            producer.side = *text;
        } else {
            result_.has_stalled = true;
            producer_->channel().send(command::progress);
            producer.side = await(*producer_, event::progress, spare_time).result;
            producer.side.time = std::chrono::nanoseconds(expected + spare_time).count();
        }
        producer.memory = memory_of(producer_->pid());
    }

    /// Nothing if the event does not come in time.
    static std::optional<SideResult> try_receive(ChildProcess& process, const char* event,
                                                 milliseconds timeout) {
        const auto deadline = std::chrono::steady_clock::now() + timeout;
        try {
            return await(process, event, timeout).result;
        } catch (const std::runtime_error&) {
            if (std::chrono::steady_clock::now() < deadline)
                throw;
            return std::nullopt;
        }
    }

    void collect_consumers() {
        for (std::size_t i = 0; i < consumers_.size(); ++i) {
            if (is_stopped(i))
                continue;
            ProcessResult consumer;
            if (!result_.has_stalled)
                consumer.side = await(consumers_[i], event::taken, start_time).result;
            consumer.memory = memory_of(consumers_[i].pid());
            consumer.is_slow = i < workload_.slow_readers;
            result_.consumers.push_back(consumer);
        }
    }

    /// Consumers first: a producer that still pushes wakes those that wait for it.
    void finish() {
        bool all_ended = true;
        for (std::size_t i = 0; i < consumers_.size(); ++i) {
            if (is_stopped(i))
                consumers_[i].kill();
            else
                all_ended &= stop(consumers_[i]);
        }
        all_ended &= stop(*producer_);
        if (!all_ended && !result_.has_stalled)
            throw std::runtime_error("a process did not stop when it was told to");
    }

    const Contender& contender_;
    const Workload& workload_;
    const RunSettings& settings_;
    const test::TemporaryDirectory folder_;
    std::optional<ChildProcess> producer_;
    pid_t producer_pid_ = -1;
    std::vector<ChildProcess> consumers_;
    RunResult result_;
};

RunResult run_copies(const Contender& contender, const Workload& workload, const RunSettings& settings) {
    RunResult result;
    const unsigned pairs = contender.name == "memcpy" ? settings.frames_in_flight : 1;
    ProcessResult copier;
    copier.side = copy_frames(workload.format.bytes, pairs, settings.seconds / 4);
    result.producer.side = copier.side;
    result.consumers.push_back(copier);
    result.shares_frames = false;
    return result;
}

}  // namespace

RunResult run(const Contender& contender, const Workload& workload, const RunSettings& settings) {
    RunResult result;
    try {
        result = contender.kind == Kind::Memcpy ? run_copies(contender, workload, settings)
                                                : Run(contender, workload, settings).execute();
    } catch (const std::exception& error) {
        result.problem = error.what();
    }
    result.workload = workload.name;
    result.contender = contender.name;
    return result;
}

}  // namespace ndsharray::bench
