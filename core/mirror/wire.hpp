// SPDX-License-Identifier: BSD-3-Clause
// The messages between `ndsh share` and `ndsh mirror`. README.md documents them to the byte.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>
#include <ndsharray/frame_info.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace ndsharray::mirror {

/// A number for a session, a Hello or a process, which nobody guesses; never 0.
std::uint64_t random_id();

inline constexpr std::uint8_t wire_major = 1;
inline constexpr std::uint8_t wire_minor = 0;

// Bounds. A message that breaks one is refused.
inline constexpr std::size_t max_chunk_bytes = 256 * 1024;  ///< of an array, in one Data
inline constexpr std::size_t max_metadata_bytes = 1024 * 1024;
inline constexpr std::size_t max_request_bytes = 4096;  ///< of a message to `ndsh share`
inline constexpr std::size_t max_answer_bytes = max_metadata_bytes + 128 * 1024;
inline constexpr std::uint64_t max_array_bytes = std::uint64_t{1} << 40;
inline constexpr std::uint64_t max_frame_number = std::uint64_t{1} << 48;
inline constexpr std::size_t max_listed_tags = 1024;

/// Why a message is refused, or a request is.
enum class Refusal : std::uint32_t {
    Malformed = 1,
    Version = 2,
    NotShared = 3,
    TooMany = 4,
    NoSession = 5,
    Failed = 6,
};

class WireError : public std::runtime_error {
  public:
    WireError(Refusal refusal, const std::string& sentence)
        : std::runtime_error(sentence), refusal_(refusal) {}
    Refusal refusal() const noexcept { return refusal_; }

  private:
    Refusal refusal_;
};

enum class Mode : std::uint32_t { Latest = 0, Every = 1 };
enum class Compression : std::uint32_t { None = 0, Zstd = 1 };

// ---- from a mirror

/// Asks for a tag. With a session it asks to go on with that one after `done`.
struct Hello {
    std::uint64_t session = 0;
    Mode mode = Mode::Latest;
    Compression compression = Compression::None;
    std::uint32_t every_nth = 1;
    std::uint32_t max_millihertz = 0;  ///< frames per 1000 s; 0: no limit
    std::uint64_t done = 0;
    std::uint64_t id = 0;  ///< comes back in Welcome
    std::string tag{};
};

/// Asks for items up to number `wanted`; those up to `done` are not needed any more.
struct Credit {
    std::uint64_t session = 0;
    std::uint64_t wanted = 0;
    std::uint64_t done = 0;
};

struct Ping {
    std::int64_t sent = 0;
};

struct List {};

struct Bye {
    std::uint64_t session = 0;
};

// ---- from a share

struct Welcome {
    std::uint64_t session = 0;
    std::uint64_t id = 0;
    bool resumed = false;
    bool backpressure = false;  ///< the writer waits for `every`
    std::string host{};
};

struct Layout {
    std::uint64_t session = 0;
    std::uint64_t writer = 0;  ///< differs from writer to writer
    std::uint32_t number = 0;  ///< of this layout in the session
    std::uint64_t metadata_capacity = 0;
    ArraySpec spec{};
    Attributes attributes{};
};

struct FrameHead {
    std::uint64_t session = 0;
    std::uint64_t item = 0;
    std::uint32_t layout = 0;
    Compression compression = Compression::None;
    FrameInfo info{};
    std::uint64_t bytes = 0;
    std::string metadata{};
};

/// The head of a part of an array; the bytes are the second part of the ZeroMQ message.
struct Data {
    std::uint64_t session = 0;
    std::uint64_t item = 0;
    std::uint64_t offset = 0;
    std::uint32_t raw_bytes = 0;  ///< before compression
};

/// What the writer does. With an item number it happened then; without it is a sign of life.
struct State {
    enum class Kind : std::uint32_t { Waiting = 0, Live = 1, Ended = 2, Left = 3 };
    std::uint64_t session = 0;
    std::uint64_t item = 0;
    Kind kind = Kind::Waiting;
};

struct Pong {
    std::uint64_t instance = 0;  ///< of the sharing process
    std::int64_t sent = 0;
    std::int64_t received = 0;
    std::int64_t answered = 0;
};

struct Listed {
    std::string tag{};
    std::string array{};  ///< for display, such as "uint8 (1080, 1920, 3)"
    std::uint32_t millihertz = 0;
    std::uint64_t bytes = 0;
};

struct Listing {
    std::string host{};
    std::vector<Listed> tags{};
};

struct Refused {
    Refusal refusal = Refusal::Failed;
    std::string sentence{};
};

using Message = std::variant<Hello, Credit, Ping, List, Bye, Welcome, Layout, FrameHead, Data, State, Pong,
                             Listing, Refused>;

std::string encode(const Message& message);

/// Reads any bytes. All numbers of the result are within their bounds, texts and tags are what they have to
/// be, and an array has no problem(). \throws WireError with a sentence.
Message decode(std::span<const std::byte> bytes);

}  // namespace ndsharray::mirror
