// SPDX-License-Identifier: BSD-3-Clause
// A writer and a reader that live in processes of their own and do what a test tells them.
#pragma once

#include <ndsharray/reader.hpp>
#include <ndsharray/writer.hpp>

#include <support/child_process.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace ndsharray::test {

/// A Writer in another process. Killed when destroyed, unless it was closed.
class RemoteWriter {
  public:
    /// Returns when the tag is taken. \throws std::runtime_error with the sentence of what failed there.
    explicit RemoteWriter(const std::string& tag, const WriterOptions& options = {});

    /// Publishes one-dimensional uint8 frames filled as write_pattern() does.
    /// \returns the last one's number.
    std::uint64_t write(unsigned count = 1, std::uint64_t bytes = 5000);

    /// Takes a slot to fill it and keeps it.
    void start_frame();

    WriteStatus drain(std::chrono::milliseconds timeout = patience);
    void end_of_stream();

    /// Closes the tag and ends the process.
    void close();
    void kill() noexcept { process_.kill(); }
    pid_t pid() const noexcept { return process_.pid(); }

  private:
    ChildProcess process_;
};

/// What another process tells about a read().
struct RemoteFrame {
    ReadStatus status = ReadStatus::Timeout;
    std::uint64_t number = 0;
    std::uint64_t missed = 0;
    bool is_copy = false;
    bool first_of_writer = false;
    bool is_intact = false;

    /// Whether it is a frame with its own pixels.
    explicit operator bool() const noexcept { return status == ReadStatus::Frame && is_intact; }
};

/// A Reader in another process. Killed when destroyed, unless it was closed.
class RemoteReader {
  public:
    /// Returns when the Reader exists; it attaches with its first read().
    explicit RemoteReader(const std::string& tag, const ReaderOptions& options = {});

    /// Reads and gives the frame back at once.
    RemoteFrame read(std::chrono::milliseconds timeout = patience);

    /// Reads and keeps the frame.
    RemoteFrame hold(std::chrono::milliseconds timeout = patience);

    /// Whether every frame kept still has its own pixels.
    bool held_are_intact();
    void release_held();
    void suspend(bool suspended);

    /// Destroys the Reader and ends the process.
    void close();
    void kill() noexcept { process_.kill(); }
    pid_t pid() const noexcept { return process_.pid(); }

  private:
    RemoteFrame ask_for_frame(const std::string& command, std::chrono::milliseconds timeout);

    ChildProcess process_;
};

/// Reads, without waiting, until the reader is attached: what a program does that starts to read. Frames
/// that are there by then are taken. \returns whether it came to be attached.
bool attach(Reader& reader);
bool attach(RemoteReader& reader, Writer& writer);

}  // namespace ndsharray::test
