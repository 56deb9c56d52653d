// SPDX-License-Identifier: BSD-3-Clause
// What the Python package ndsharray 1.x does with its files, step by step: a writer and a reader of its own.
#pragma once

#include "core_test.hpp"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace ndsharray::test {

inline double now() {
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

inline std::string bytes_of(double number) {
    std::string bytes(sizeof number, '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
}

inline double double_at(const std::string& bytes, std::size_t offset) {
    double number = 0;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

inline std::string big_endian(std::uint64_t number, std::size_t width) {
    std::string bytes;
    for (std::size_t i = width; i-- > 0;)
        bytes += static_cast<char>(number >> (8 * i));
    return bytes;
}

/// Overwrites a part of a file, or makes it.
inline void put(const Path& path, std::size_t offset, const std::string& bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    if (!file)
        file.open(path, std::ios::binary | std::ios::in | std::ios::out | std::ios::trunc);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
}

inline std::string pattern(std::uint64_t bytes, std::uint64_t key) {
    std::string text(static_cast<std::size_t>(bytes), '\0');
    fill_pattern(std::as_writable_bytes(std::span(text)), key);
    return text;
}

inline std::string text_of(const Frame& frame) {
    return {reinterpret_cast<const char*>(frame.data()), static_cast<std::size_t>(frame.spec().bytes)};
}

/// What 1.x writes, step by step.
class OldWriter {
  public:
    OldWriter(const Path& directory, const std::string& tag) : directory_(directory), tag_(tag) {
        put(control(), 0, std::string(tag_.size() + 33, '\0'));
    }

    std::uint64_t index = 4;            // uint8
    std::size_t width = sizeof(void*);  // of the numbers in the header

    /// Writes an array into a new data file.
    void write(const Shape& shape, const std::string& elements) {
        start_file();
        std::string header = big_endian(index, width) + big_endian(shape.size(), width);
        for (const std::uint64_t length : shape)
            header += big_endian(length, width);
        const std::string time = bytes_of(now());
        put(data(), 0, time + header + elements + time);
        end_offset_ = sizeof(double) + header.size() + elements.size();
        announce();
    }

    /// Writes the next elements of as many bytes, up to the time at the end.
    void begin(const std::string& elements) {
        time_ = bytes_of(now());
        put(data(), 0, time_);
        put(data(), end_offset_ - elements.size(), elements);
    }
    void end() {
        put(data(), end_offset_, time_);
        announce();
    }

    void write_raw(const std::string& content) {
        start_file();
        put(data(), 0, content);
        announce();
    }

    void announce() const { put(control(), 0, data().filename()); }
    Path control() const { return directory_ / tag_; }
    Path data() const { return directory_ / (tag_ + "_" + id_); }

  private:
    void start_file() {
        ++files_;
        std::string digits = std::to_string(files_);
        id_ = std::string(32 - digits.size(), 'a') + digits;
    }

    Path directory_;
    std::string tag_;
    std::string id_;
    std::string time_;
    std::size_t end_offset_ = 0;
    unsigned files_ = 0;
};

/// Reads as 1.x does: what the control file names, time first, then all the rest.
class OldReader {
  public:
    OldReader(const Path& directory, const std::string& tag) : directory_(directory), tag_(tag) {}

    struct Result {
        double time = 0;
        std::string header;  // without the time
        std::string elements;
        bool is_valid = false;
    };

    Path data() const { return directory_ / content_of(directory_ / tag_); }

    Result read(std::size_t ndim) const {
        const std::string content = content_of(data());
        const std::size_t header = sizeof(double) + (2 + ndim) * sizeof(void*);
        if (content.size() < header + sizeof(double))
            return {};
        Result result;
        result.time = double_at(content, 0);
        result.header = content.substr(sizeof(double), header - sizeof(double));
        result.elements = content.substr(header, content.size() - header - sizeof(double));
        result.is_valid = result.time == double_at(content, content.size() - sizeof(double));
        return result;
    }

  private:
    Path directory_;
    std::string tag_;
};

}  // namespace ndsharray::test
