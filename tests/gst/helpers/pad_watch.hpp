// SPDX-License-Identifier: BSD-3-Clause
// What passes a pad: each buffer with the caps and the segment that it has there.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <semaphore>
#include <string>
#include <vector>

#include "frames.hpp"
#include "held.hpp"

namespace ndsharray::test {

struct Passed {
    std::string caps;
    std::string checksum;  ///< of the pixels; empty if they do not fit the caps
    GstClockTime pts = GST_CLOCK_TIME_NONE;
    GstClockTime duration = GST_CLOCK_TIME_NONE;
    GstClockTime running_time = GST_CLOCK_TIME_NONE;
    std::uint64_t offset = 0;
    bool is_discont = false;
    bool is_gap = false;
    unsigned segment = 0;             ///< how many segments came before it on the pad, while it was watched
    bool follows_caps_event = false;  ///< one came since the buffer before
    std::string file;                 ///< its memory is a part of; empty for ordinary memory
};

/// Remembers every buffer that is pushed through a pad, until destroyed.
class PadWatch {
  public:
    using OnItem = std::function<void(GstPadProbeInfo*)>;

    /// \param on_item called in the streaming thread with each buffer and event, after it was looked at
    PadWatch(GstElement* element, const char* pad, OnItem on_item = {});
    ~PadWatch();
    PadWatch(const PadWatch&) = delete;
    PadWatch& operator=(const PadWatch&) = delete;

    std::size_t count() const;

    /// All that passed so far, but the first `skip`.
    std::vector<Passed> all(std::size_t skip = 0) const;

    /// The last one. \throws std::out_of_range if there is none.
    Passed last() const;

    /// Waits until so many have passed in all.
    bool reaches(std::size_t count) const;

    /// Waits until one passed, after the first `skip`, for which the condition holds.
    bool sees(const std::function<bool(const Passed&)>& condition, std::size_t skip = 0) const;

  private:
    void note(GstBuffer* buffer);

    Held<GstPad> pad_;
    OnItem on_item_;
    gulong probe_ = 0;
    std::binary_semaphore probe_is_gone_{0};
    mutable std::mutex mutex_;
    std::vector<Passed> passed_;
    unsigned segments_ = 0;
    bool has_new_caps_ = false;
};

/// Whether each is later than the one before. Reports the first that is not.
bool strictly_later(const std::vector<Passed>& buffers);

/// Whether no PTS is before that of another buffer of its segment. Reports the first that is.
bool never_runs_back(const std::vector<Passed>& buffers);

}  // namespace ndsharray::test
