// SPDX-License-Identifier: BSD-3-Clause
// The frames of a tag as raw video in a pipeline, whatever array they are.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>
#include <ndsharray/reader.hpp>

#include <gst/app/gstappsrc.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "owned.hpp"

namespace ndsharray::serve {

/// Whether ndshsrc gives frames that an encoder can take: progressive video in colours or GRAY8. Of all other
/// arrays, deep gray included, pictures are made.
bool is_plain_video(const ArraySpec& spec, const Attributes& attributes);

/// Whether the tag has such frames now; nothing where it has none. Does not wait.
std::optional<bool> gives_plain_video(const std::string& tag, const std::string& owner);

/// What the newest frame of a tag looks like.
struct Look {
    bool is_video = false;
    unsigned width = 0;  ///< in square pixels
    unsigned height = 0;
};

/// \throws std::runtime_error with a sentence where there is nothing to see yet.
Look look_at(const std::string& tag, const std::string& owner);

/// Pushes a picture of each frame into an appsrc, and the last one again where none comes. At a frame that
/// ndshsrc could give, the stream ends.
class ArraySource {
  public:
    ArraySource(std::string tag, std::string owner, unsigned fps, GstAppSrc* appsrc);

    /// Waits for a picture that is being made.
    ~ArraySource();
    ArraySource(const ArraySource&) = delete;
    ArraySource& operator=(const ArraySource&) = delete;

  private:
    void run();
    bool sleep_until(std::chrono::steady_clock::time_point time);

    std::chrono::nanoseconds interval_;
    gst::Owned<GstObject> appsrc_;
    Reader reader_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;  // guarded by the mutex
    std::thread thread_;
};

}  // namespace ndsharray::serve
