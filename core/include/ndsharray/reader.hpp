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
    Latest,  ///< the newest one; those in between are skipped
    Every,   ///< each in order; lossless with a writer that has backpressure
};

struct ReaderOptions {
    ReadMode mode = ReadMode::Latest;

    /// Frames that may be held without a copy, 0 to 32; past it, read() copies. A reader may also be given
    /// a copy when holding the slot would leave the writer too few.
    unsigned max_leases = 2;

    /// Name (or number) of the user who must own the tag; empty: this process's user or root.
    std::string owner{};

    /// Makes each frame a copy that belongs to this program, to be changed by Frame::writable_data(). Needs
    /// no leases.
    bool writable = false;
};

/// Counters of one Reader, from its start.
struct ReaderStats {
    std::uint64_t frames = 0;      ///< frames delivered
    std::uint64_t missed = 0;      ///< frames published that it did not get
    std::uint64_t copied = 0;      ///< delivered frames that were copied
    std::uint64_t reconnects = 0;  ///< times it came to a writer after the first
    std::uint32_t generation = 0;  ///< of the segment last read from
    std::string segment;           ///< its file name; empty before the first
};

/// A reader of a tag. It may be made before the writer, outlive it, and follow its successors.
///
/// A tag that only the Python package ndsharray 1.x writes is read as well, each frame as a copy without
/// attributes, until a writer of ours comes. 1.x does not tell whether its writer lives or what was missed:
/// attached() stays false, and neither EndOfStream nor Disconnected is reported.
///
/// read() is for one thread at a time; everything else is safe from any thread. A Reader inherited
/// through fork() does not work in the child: read() fails there with Forked. Destroying it there does
/// nothing, and its memory stays with the child; frames can still be looked at and destroyed.
class NDSHARRAY_API Reader {
  public:
    /// Does not need a writer and does not wait for one.
    /// \throws Error InvalidTag, InvalidArgument (max_leases; an owner who does not exist), System (no thread
    /// is to be had).
    explicit Reader(std::string tag, ReaderOptions options = {});
    ~Reader();
    Reader(Reader&& other) noexcept;
    Reader& operator=(Reader&& other) noexcept;
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// The next frame, waiting for it up to `timeout` (nothing: for ever; zero: just look).
    /// Never throws; an empty Frame's status() says why. EndOfStream and Disconnected are each reported
    /// once, after the last frame; reading on waits for the next stream or writer.
    Frame read(std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

    /// Makes a read() that waits, and every later one, return Cancelled until resume().
    void cancel() noexcept;
    void resume() noexcept;

    /// Stops (or goes on) holding a writer that has backpressure: while suspended, frames may be missed.
    void suspend(bool suspended) noexcept;

    const std::string& tag() const noexcept;
    ReadMode mode() const noexcept;

    /// Whether a live writer is known right now.
    bool attached() const noexcept;

    /// Whether the writer this reader is attached to waits for its `Every` readers.
    bool writer_has_backpressure() const noexcept;

    /// File name of the segment last read from; empty before the first.
    std::string segment_name() const;

    ReaderStats stats() const;

    /// Why the last read() returned Failed. Its code is None if none did.
    Error error() const;

    /// What is in the way of any writer, and so makes read() wait: there is no directory() (whoever makes it
    /// wakes read()). Its code is None if nothing is. Looks at the file system.
    Error obstacle() const;

  private:
    class Implementation;
    struct Delete {
        void operator()(Implementation* implementation) const noexcept;
    };
    std::unique_ptr<Implementation, Delete> implementation_;
};

}  // namespace ndsharray
