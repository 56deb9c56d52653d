// SPDX-License-Identifier: BSD-3-Clause
// Little of everything for a process, and what becomes of a writer and a reader that start with it.
#pragma once

#include "core_test.hpp"

#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>

namespace ndsharray::test {

inline constexpr std::uint64_t mebibyte = 1024 * 1024;
inline constexpr std::uint64_t page = 4096;

/// A limit of this process, for as long as this lives.
class Limit {
  public:
    Limit(__rlimit_resource resource, rlim_t value) : resource_(resource) {
        ::getrlimit(resource_, &outer_);
        const rlimit inner{value, outer_.rlim_max};
        ::setrlimit(resource_, &inner);
    }
    ~Limit() { ::setrlimit(resource_, &outer_); }
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;

  private:
    __rlimit_resource resource_;
    rlimit outer_{};
};

/// How many files this process has open.
inline std::size_t open_files() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

inline std::size_t files_of(const std::string& tag) {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(directory()))
        count += contains(file.path().filename().string(), tag) ? 1 : 0;
    return count;
}

/// One letter for how a writer starts and a frame passes; says more where that is not as it should be.
inline std::string outcome_of_starting(const std::string& tag) {
    std::string outcome;
    try {
        Writer writer(tag);
        outcome = "l";  // no room for a layout
        writer.configure(bytes_spec(page));
        outcome = "r";  // no room for the reader
        Reader reader(tag);
        const bool written = write_pattern(writer, bytes_spec(page)) != 0;
        const Frame frame = reader.read(patience);
        if (!written || (!frame && reader.error().code() != ErrorCode::TooManyFiles))
            return " frame lost: " + std::string(reader.error().what());
        outcome = frame ? "p" : "r";  // passes
    } catch (const Error& error) {
        if (outcome.empty())
            outcome = "w";  // not even for the writer
        const bool named = error.code() == ErrorCode::TooManyFiles ||
                           (error.code() == ErrorCode::NoSpace && contains(error.what(), "bytes needed"));
        if (!named)
            outcome += std::string(" (") + error.what() + ") ";
    }
    return outcome;
}

inline std::string left_behind(const std::string& tag) {
    return files_of(tag) == 0 ? "" : " left files behind ";
}

inline std::string code_of(const Error& error) {
    return std::string(name(error.code()));
}

}  // namespace ndsharray::test
