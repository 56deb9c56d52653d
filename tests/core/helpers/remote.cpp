// SPDX-License-Identifier: BSD-3-Clause
// A writer and a reader that live in processes of their own and do what a test tells them.
#include "remote.hpp"

#include "core_test.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace ndsharray::test {

namespace {

/// Tells a process to do something. \returns what it answers after "ok".
std::string ask(ChildProcess& process, const std::string& command) {
    process.channel().send(command);
    const auto answer = process.channel().receive(2 * patience);
    if (!answer)
        throw std::runtime_error("the other process ended at: " + command);
    if (!answer->starts_with("ok"))
        throw std::runtime_error(*answer);
    return answer->substr(2);
}

/// Answers commands until there are no more. `obey` gets the command and its arguments.
template <typename Obey>
void obey_commands(Channel& channel, Obey&& obey) {
    while (const auto message = channel.receive(std::nullopt)) {
        std::istringstream words(*message);
        std::string command;
        words >> command;
        if (command == "close")
            return;
        try {
            channel.send("ok " + obey(command, words));
        } catch (const std::exception& error) {
            channel.send(error.what());
        }
    }
}

std::string run_write(Writer& writer, std::istringstream& words) {
    unsigned count = 0;
    std::uint64_t bytes = 0;
    words >> count >> bytes;
    std::uint64_t number = 0;
    const ArraySpec spec = bytes_spec(bytes);
    for (unsigned i = 0; i < count; ++i) {
        number = write_pattern(writer, spec);
        if (number == 0)
            throw std::runtime_error("a frame was not published");
    }
    return std::to_string(number);
}

int run_writer(Channel& channel, const Arguments& arguments) {
    WriterOptions options;
    options.slots = static_cast<unsigned>(std::stoul(arguments.at(1)));
    options.permissions = static_cast<unsigned>(std::stoul(arguments.at(2)));
    options.backpressure = arguments.at(3) == "1";
    options.compat = arguments.at(4) == "1";
    Writer writer(arguments.at(0), options);
    WritableFrame started;
    channel.send("ok");
    obey_commands(channel, [&](const std::string& command, std::istringstream& words) -> std::string {
        if (command == "write")
            return run_write(writer, words);
        if (command == "start_frame") {
            started = writer.acquire();
            return started ? "" : throw std::runtime_error("no slot");
        }
        if (command == "drain") {
            long milliseconds = 0;
            words >> milliseconds;
            return std::to_string(static_cast<int>(writer.drain(std::chrono::milliseconds(milliseconds))));
        }
        if (command == "end_of_stream") {
            writer.end_of_stream();
            return "";
        }
        throw std::runtime_error("unknown command " + command);
    });
    return 0;
}

std::string describe(const Frame& frame) {
    std::ostringstream text;
    text << static_cast<int>(frame.status());
    if (frame) {
        text << ' ' << frame.number() << ' ' << frame.missed() << ' ' << frame.is_copy() << ' '
             << frame.first_of_writer() << ' ' << is_intact(frame);
    }
    return text.str();
}

RemoteFrame parse_frame(const std::string& description) {
    std::istringstream words(description);
    int status = 0;
    RemoteFrame frame;
    words >> status >> frame.number >> frame.missed >> frame.is_copy >> frame.first_of_writer >>
        frame.is_intact;
    frame.status = static_cast<ReadStatus>(status);
    return frame;
}

int run_reader(Channel& channel, const Arguments& arguments) {
    const ReadMode mode = arguments.at(1) == "every" ? ReadMode::Every : ReadMode::Latest;
    const auto max_leases = static_cast<unsigned>(std::stoul(arguments.at(2)));
    Reader reader(arguments.at(0), reading(mode, max_leases));
    std::vector<Frame> held;
    channel.send("ok");
    obey_commands(channel, [&](const std::string& command, std::istringstream& words) -> std::string {
        long argument = 0;
        words >> argument;
        if (command == "read")
            return describe(reader.read(std::chrono::milliseconds(argument)));
        if (command == "hold") {
            held.push_back(reader.read(std::chrono::milliseconds(argument)));
            return describe(held.back());
        }
        if (command == "held_are_intact")
            return std::all_of(held.begin(), held.end(), [](const Frame& f) { return is_intact(f); }) ? "1"
                                                                                                      : "0";
        if (command == "release_held") {
            held.clear();
            return "";
        }
        if (command == "suspend") {
            reader.suspend(argument != 0);
            return "";
        }
        throw std::runtime_error("unknown command " + command);
    });
    return 0;
}

const RegisteredRole writer_role("writer", run_writer);
const RegisteredRole reader_role("reader", run_reader);

void wait_until_ready(ChildProcess& process) {
    if (!process.channel().receive())
        throw std::runtime_error("the other process could not start");
}

void close_process(ChildProcess& process) {
    process.channel().send("close");
    if (const int exit_code = process.wait_for_exit(); exit_code != 0)
        throw std::runtime_error("the other process ended with " + std::to_string(exit_code));
}

}  // namespace

RemoteWriter::RemoteWriter(const std::string& tag, const WriterOptions& options)
    : process_("writer", {tag, std::to_string(options.slots), std::to_string(options.permissions),
                          options.backpressure ? "1" : "0", options.compat ? "1" : "0"}) {
    wait_until_ready(process_);
}

std::uint64_t RemoteWriter::write(unsigned count, std::uint64_t bytes) {
    return std::stoull(ask(process_, "write " + std::to_string(count) + ' ' + std::to_string(bytes)));
}

void RemoteWriter::start_frame() {
    ask(process_, "start_frame");
}

WriteStatus RemoteWriter::drain(std::chrono::milliseconds timeout) {
    return static_cast<WriteStatus>(std::stoi(ask(process_, "drain " + std::to_string(timeout.count()))));
}

void RemoteWriter::end_of_stream() {
    ask(process_, "end_of_stream");
}

void RemoteWriter::close() {
    close_process(process_);
}

RemoteReader::RemoteReader(const std::string& tag, const ReaderOptions& options)
    : process_("reader", {tag, options.mode == ReadMode::Every ? "every" : "latest",
                          std::to_string(options.max_leases)}) {
    wait_until_ready(process_);
}

RemoteFrame RemoteReader::ask_for_frame(const std::string& command, std::chrono::milliseconds timeout) {
    return parse_frame(ask(process_, command + ' ' + std::to_string(timeout.count())));
}

RemoteFrame RemoteReader::read(std::chrono::milliseconds timeout) {
    return ask_for_frame("read", timeout);
}

RemoteFrame RemoteReader::hold(std::chrono::milliseconds timeout) {
    return ask_for_frame("hold", timeout);
}

bool RemoteReader::held_are_intact() {
    return std::stoi(ask(process_, "held_are_intact")) == 1;
}

void RemoteReader::release_held() {
    ask(process_, "release_held");
}

void RemoteReader::suspend(bool suspended) {
    ask(process_, suspended ? "suspend 1" : "suspend 0");
}

void RemoteReader::close() {
    close_process(process_);
}

bool attach(Reader& reader) {
    return wait_until([&] {
        reader.read(0ns);
        return reader.attached();
    });
}

bool attach(RemoteReader& reader, Writer& writer) {
    const unsigned before = writer.stats().readers;
    return wait_until([&] {
        reader.read(0ms);
        return writer.stats().readers > before;
    });
}

}  // namespace ndsharray::test
