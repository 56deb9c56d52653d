// SPDX-License-Identifier: BSD-3-Clause
// What the tests of the core share: a private folder that must be empty in the end, and small frames.
#pragma once

#include <ndsharray/ndsharray.hpp>

#include <support/pattern.hpp>
#include <support/temporary_directory.hpp>
#include <support/wait.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray {

// GoogleTest prints values with these.
inline void PrintTo(ReadStatus status, std::ostream* out) {
    *out << name(status);
}
inline void PrintTo(WriteStatus status, std::ostream* out) {
    *out << name(status);
}
inline void PrintTo(WatchStatus status, std::ostream* out) {
    *out << name(status);
}
inline void PrintTo(TagState state, std::ostream* out) {
    *out << name(state);
}
inline void PrintTo(ErrorCode code, std::ostream* out) {
    *out << name(code);
}

}  // namespace ndsharray

namespace ndsharray::test {

using namespace std::chrono_literals;

using Clock = std::chrono::steady_clock;
using Path = std::filesystem::path;
using Shape = std::vector<std::uint64_t>;
using Strides = std::vector<std::int64_t>;

/// A timeout for what must come.
inline const std::chrono::nanoseconds in_time = patience;

/// One-dimensional array of bytes.
inline ArraySpec bytes_spec(std::uint64_t bytes) {
    const std::uint64_t shape[] = {bytes};
    return ArraySpec::contiguous(DType::UInt8, shape);
}

/// Options of a reader in this mode, and of one that may hold so many frames.
inline ReaderOptions reading(ReadMode mode, unsigned max_leases = 2) {
    ReaderOptions options;
    options.mode = mode;
    options.max_leases = max_leases;
    return options;
}
inline ReaderOptions with_leases(unsigned max_leases) {
    return reading(ReadMode::Latest, max_leases);
}
inline ReaderOptions in_order(unsigned max_leases = 2) {
    return reading(ReadMode::Every, max_leases);
}

inline std::span<const std::byte> pixels_of(const Frame& frame) {
    return {frame.data(), static_cast<std::size_t>(frame.spec().bytes)};
}

inline std::span<std::byte> pixels_of(const WritableFrame& frame) {
    return {frame.data(), static_cast<std::size_t>(frame.spec().bytes)};
}

/// All bytes of a frame, each looked at.
inline unsigned sum_of(const Frame& frame) {
    unsigned sum = 0;
    for (const std::byte byte : pixels_of(frame))
        sum += std::to_integer<unsigned>(byte);
    return sum;
}

/// Publishes a frame filled with a pattern of its own, and tells with its offset which one that is.
/// \returns the frame's number, or 0 if there was no slot or it was not published.
inline std::uint64_t write_pattern(Writer& writer, const ArraySpec& spec,
                                   std::chrono::nanoseconds timeout = patience) {
    WritableFrame frame = writer.acquire(spec, timeout);
    if (!frame)
        return 0;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const FrameInfo info{.offset = static_cast<std::uint64_t>(now.count())};
    fill_pattern(pixels_of(frame), info.offset);
    return writer.publish(std::move(frame), info);
}

/// Writes frames until the writer has made all of its files anew. That announces one more segment.
inline ::testing::AssertionResult starts_anew(Writer& writer, const ArraySpec& spec) {
    const std::uint32_t next = writer.stats().generation + 1;
    wait_until([&] { return write_pattern(writer, spec) != 0 && writer.stats().generation == next; });
    const std::uint32_t now = writer.stats().generation;
    if (now == next)
        return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "generation is " << now << ", expected " << next;
}

/// Whether the frame's pixels are those that write_pattern() gave it.
inline bool is_intact(const Frame& frame) {
    return has_pattern(pixels_of(frame), frame.info().offset);
}

/// Error of a call that must throw one; code None if it did not.
template <typename Call>
Error error_of(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorCode::None, "nothing was thrown"};
}

/// What is in a file; nothing if there is none.
inline std::string content_of(const Path& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::string content(file ? static_cast<std::size_t>(file.tellg()) : 0, '\0');
    file.seekg(0);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    return content;
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// A test whose tags live in a folder of their own, which it must leave empty.
class CoreTest : public ::testing::Test {
  protected:
    /// Looks when writers and readers among the members of a test are gone.
    ~CoreTest() override { EXPECT_EQ(directory_.entries(), std::vector<std::string>{}) << "left behind"; }

    /// Path of a file of the tag: "" the control file, ".readers" the reader table.
    std::filesystem::path file(const std::string& suffix = "") const {
        return directory_.path() / ("ndsh." + tag_ + suffix);
    }

    /// Path of a segment of the tag; empty if there is none.
    std::filesystem::path segment_file() const {
        const std::string prefix = "ndsh." + tag_ + ".";
        for (const auto& name : directory_.entries())
            if (name.starts_with(prefix) && name.size() == prefix.size() + 32)
                return directory_.path() / name;
        return {};
    }

    TemporaryDirectory directory_;
    const std::string tag_ = "cam0";
    const ArraySpec spec_ = bytes_spec(5000);
};

}  // namespace ndsharray::test
