// SPDX-License-Identifier: BSD-3-Clause
// What the tests of the elements share: a private folder for tags, which must be empty in the end.
#pragma once

#include <support/temporary_directory.hpp>
#include <support/wait.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "frames.hpp"
#include "pipeline.hpp"

namespace ndsharray::test {

using namespace std::chrono_literals;

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// How long an element that waits may take to stop and to flush.
inline constexpr auto unlock_bound = with_tolerance(100ms);

/// A camera of this format.
inline std::string filming(const std::string& tag, const std::string& format = "GRAY8") {
    return "videotestsrc is-live=true ! video/x-raw,format=" + format +
           ",width=40,height=24,framerate=100/1 ! ndshsink sync=false tag=" + tag;
}

/// A reader that takes one frame and no other.
inline std::string stuck_reader(const std::string& tag) {
    return "ndshsrc name=src mode=every max-leases=1 tag=" + tag +
           " ! appsink name=out sync=false async=false max-buffers=1";
}

/// A test whose tags live in a folder of their own, which it must leave empty.
class GstTest : public ::testing::Test {
  protected:
    GstTest() { gst_init(nullptr, nullptr); }

    /// Looks when the pipelines of a test are gone.
    ~GstTest() override { EXPECT_EQ(directory_.entries(), std::vector<std::string>{}) << "left behind"; }

    /// "appsrc name=in ! ndshsink name=sink ...": what push() writes under the tag, as it comes.
    std::string writing(const std::string& properties = "") const {
        return "appsrc name=in format=time ! ndshsink name=sink sync=false tag=" + tag_ + " " + properties;
    }

    /// "ndshsrc name=src ... ! appsink name=out": what pull() reads, as it comes.
    std::string reading(const std::string& properties = "") const {
        return "ndshsrc name=src tag=" + tag_ + " " + properties +
               " ! appsink name=out sync=false async=false max-buffers=1";
    }

    TemporaryDirectory directory_;
    const std::string tag_ = "cam0";
    const std::string caps_ = caps_text("RGB", 64, 48);
};

}  // namespace ndsharray::test
