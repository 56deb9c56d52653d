// SPDX-License-Identifier: BSD-3-Clause
// Reading the frames of a tag.
#pragma once

#include <ndsharray/error.hpp>
#include <ndsharray/export.hpp>
#include <ndsharray/frame.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace ndsharray {

/// Which frame a reader takes next.
enum class ReadMode {
    Latest,  ///< the newest frame; the frames in between are skipped
    Every,   ///< each frame in order; nothing is lost if the writer has backpressure
};

struct ReaderOptions {
    ReadMode mode = ReadMode::Latest;

    /// Number of frames that the program may hold without a copy, 0 to 32. If it holds more, read() copies.
    /// read() also copies when a lease would leave the writer too few slots.
    unsigned max_leases = 2;

    /// Name or number of the expected owner of the tag. Empty: the user of this process, or root.
    std::string owner{};

    /// Each frame is a copy that the program may change by Frame::writable_data(). No leases are taken.
    bool writable = false;
};

/// Counters of one Reader since it was made.
struct ReaderStats {
    std::uint64_t frames = 0;      ///< frames delivered
    std::uint64_t missed = 0;      ///< published frames that it did not get
    std::uint64_t copied = 0;      ///< delivered frames that were copied
    std::uint64_t reconnects = 0;  ///< times it attached to a further writer
    std::uint32_t generation = 0;  ///< of the segment that was read last
    std::string segment;           ///< file name of that segment; empty before the first
};

/// A reader of a tag. It may start before the writer, outlive it, and attach to the writers that follow.
///
/// A Reader also reads tags that only the Python package ndsharray 1.x writes, until a writer of this library
/// takes the tag. Each such frame is a copy without attributes. The files of 1.x do not say whether their
/// writer lives or which frames were missed. So attached() stays false, and neither EndOfStream nor
/// Disconnected is reported.
///
/// Call read() in one thread at a time. All other functions are safe from any thread.
///
/// If a Reader was moved from, every read() fails, and error() has the code Closed.
///
/// After fork(), the Reader does not work in the child: read() fails with Forked. Destroying the Reader there
/// does nothing, and its memory stays with the child. The child can still look at its frames and destroy
/// them.
class NDSHARRAY_API Reader {
  public:
    /// Makes a reader. Does not wait for a writer.
    /// \throws Error InvalidTag, InvalidArgument (max_leases is too large, or the owner does not exist),
    /// System (no thread can be started).
    explicit Reader(std::string tag, ReaderOptions options = {});
    ~Reader();
    Reader(Reader&& other) noexcept;
    Reader& operator=(Reader&& other) noexcept;
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Returns the next frame. Waits for it up to `timeout` (nothing: for ever; zero: does not wait).
    /// Never throws. If the Frame is empty, its status() says why. EndOfStream and Disconnected are reported
    /// once each, after the last frame. The next read() then waits for a new stream or writer.
    Frame read(std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

    /// Makes read() return Cancelled, both a read() that waits now and every later one until resume().
    void cancel() noexcept;
    void resume() noexcept;

    /// While the reader is suspended, a writer with backpressure does not wait for it, and it may miss
    /// frames.
    void suspend(bool suspended) noexcept;

    const std::string& tag() const noexcept;
    ReadMode mode() const noexcept;

    /// Whether the reader is attached to a live writer.
    bool attached() const noexcept;

    /// Whether the attached writer has backpressure: it waits for its `Every` readers.
    bool writer_has_backpressure() const noexcept;

    /// File name of the segment that was read last; empty before the first.
    std::string segment_name() const;

    ReaderStats stats() const;

    /// Why the last read() returned Failed. The code is None if no read() failed.
    Error error() const;

    /// The reason why no writer can exist now: directory() is missing. read() wakes up when the directory is
    /// made. The code is None if there is no such reason. Looks at the file system.
    Error obstacle() const;

  private:
    class Implementation;
    struct Delete {
        void operator()(Implementation* implementation) const noexcept;
    };
    std::unique_ptr<Implementation, Delete> implementation_;
};

}  // namespace ndsharray
