// SPDX-License-Identifier: BSD-3-Clause
// Frames held downstream of ndshsrc: in place up to max-leases, copied past it, and nobody else notices.
#include "gst_test.hpp"

#include <ndsharray/writer.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ndsharray::test {
namespace {

class Leases : public GstTest {
  protected:
    static constexpr unsigned frames = 60;

    Leases() { writer_.play(); }

    /// A reader with room for a hundred frames that nobody takes out.
    std::string hoarding(unsigned max_leases) const {
        return "ndshsrc name=src tag=" + tag_ + " max-leases=" + std::to_string(max_leases) +
               " ! queue max-size-buffers=100 max-size-bytes=0 max-size-time=0 ! "
               "appsink name=out sync=false async=false max-buffers=1";
    }

    /// Publishes a frame that each of these readers has before it returns.
    bool publish(unsigned offset, const std::vector<GstElement*>& sources) {
        return push_random(writer_["in"], caps_, offset) && wait_until([&] {
                   return std::ranges::all_of(
                       sources, [&](GstElement* source) { return counter(source, "frames") == offset + 1; });
               });
    }

    std::uintmax_t bytes_of_all_files() const {
        std::uintmax_t bytes = 0;
        for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
            bytes += entry.file_size();
        return bytes;
    }

    Pipeline writer_{writing()};
};

TEST_F(Leases, HoarderDisturbsNeitherTheWriterNorAnotherReader) {
    Pipeline hoarder(hoarding(2));
    Pipeline other(reading());
    hoarder.play();
    other.play();
    ASSERT_TRUE(publish(0, {hoarder["src"], other["src"]}));
    ASSERT_TRUE(pull(other["out"]));
    const auto bytes = bytes_of_all_files();
    for (unsigned i = 1; i < frames; ++i) {
        ASSERT_TRUE(publish(i, {hoarder["src"], other["src"]})) << i;
        const Sample sample = pull(other["out"]);
        ASSERT_TRUE(sample);
        ASSERT_EQ(sample.offset(), i);
        ASSERT_TRUE(sample.is_random_frame(caps_)) << i;
    }
    EXPECT_EQ(counter(writer_["sink"], "published"), frames);
    EXPECT_EQ(counter(writer_["sink"], "dropped"), 0U);
    EXPECT_EQ(bytes_of_all_files(), bytes);
    EXPECT_EQ(counter(other["src"], "missed"), 0U);
    EXPECT_EQ(counter(other["src"], "copied"), 0U);
}

class LeasesOfAHoarder : public Leases, public ::testing::WithParamInterface<unsigned> {};

TEST_P(LeasesOfAHoarder, AreAtMostSo_AndEachFrameStaysAsItWas) {
    Pipeline hoarder(hoarding(GetParam()));
    hoarder.play();
    for (unsigned i = 0; i < frames; ++i)
        ASSERT_TRUE(publish(i, {hoarder["src"]})) << i;
    EXPECT_GE(counter(hoarder["src"], "copied"), frames - std::min(GetParam(), default_slots));
    unsigned in_place = 0;
    for (unsigned i = 0; i < frames; ++i) {
        const Sample sample = pull(hoarder["out"]);
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.offset(), i);
        EXPECT_TRUE(sample.is_random_frame(caps_)) << i;
        in_place += mapped_file(sample.buffer()).empty() ? 0 : 1;
    }
    EXPECT_EQ(in_place + counter(hoarder["src"], "copied"), frames);
    EXPECT_LE(in_place, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Of, LeasesOfAHoarder, ::testing::Values(0U, 1U, 2U, 32U));

}  // namespace
}  // namespace ndsharray::test
