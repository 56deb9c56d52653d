// SPDX-License-Identifier: BSD-3-Clause
// Real footage, decoded from a file, reaches readers in other processes with each frame once, in order,
// whole.
#include "gst_test.hpp"

#include <memory>

#include "footage.hpp"
#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

struct DecodedFrame {
    GstClockTime pts;
    std::string checksum;

    bool operator==(const DecodedFrame&) const = default;
};

void PrintTo(const DecodedFrame& frame, std::ostream* out) {
    *out << frame.pts << ' ' << frame.checksum;
}

std::vector<DecodedFrame> decode(const std::string& more) {
    Pipeline pipeline(decoding("vp8dec") + more + "appsink name=out sync=false");
    pipeline.play();
    std::vector<DecodedFrame> frames;
    while (const Sample sample = pull(pipeline["out"]))
        frames.push_back({sample.pts(), sample.checksum()});
    return frames;
}

std::vector<DecodedFrame> all_of(RemotePipeline& reader) {
    std::vector<DecodedFrame> frames;
    RemoteSample sample = reader.pull();
    for (; sample; sample = reader.pull())
        frames.push_back({sample.pts, sample.checksum});
    EXPECT_EQ(sample.kind, RemoteSample::Kind::Eos) << sample.text;
    return frames;
}

class Lossless : public GstTest {
  protected:
    void SetUp() override {
        ASSERT_TRUE(std::filesystem::exists(footage)) << footage << " is missing: install gnome-user-docs";
    }

    std::string sending(const std::string& more, const std::string& properties = "") const {
        return decoding("vp8dec") + more +
               "ndshsink name=sink backpressure=true wait-for-reader=true sync=false tag=" + tag_ + " " +
               properties;
    }

    // Frames are compared where they come out, so no more of them wait than the elements keep.
    std::string receiving(const std::string& properties = "") const {
        return reading("mode=every " + properties);
    }

    static constexpr const char* some = "identity eos-after=61 ! ";
};

TEST_F(Lossless, EachFrameOfTheWholeFileOnceInOrder) {
    const std::vector<DecodedFrame> expected = decode("");
    ASSERT_GT(expected.size(), 500U);
    RemotePipeline reader(receiving());
    Pipeline writer(sending(""));
    writer.play();
    EXPECT_TRUE(all_of(reader) == expected);
    EXPECT_EQ(reader.counter("src", "missed"), 0U);
    EXPECT_TRUE(writer.ends());
    EXPECT_EQ(counter(writer["sink"], "published"), expected.size());
    EXPECT_EQ(counter(writer["sink"], "dropped"), 0U);
    reader.stop();
}

TEST_F(Lossless, WithThreeSlots) {
    const std::vector<DecodedFrame> expected = decode(some);
    ASSERT_GT(expected.size(), 50U);
    RemotePipeline reader(receiving());
    RemotePipeline writer(sending(some, "slots=3"));
    EXPECT_EQ(all_of(reader), expected);
    EXPECT_TRUE(writer.ends());
    writer.stop();
    reader.stop();
}

TEST_F(Lossless, ForThreeReadersAtOnce) {
    const std::vector<DecodedFrame> expected = decode(some);
    ASSERT_GT(expected.size(), 50U);
    std::vector<std::unique_ptr<RemotePipeline>> readers;
    // The sink waits for one reader; the footage starts once all three are there.
    Pipeline writer("appsrc name=in format=time ! ndshsink name=sink tag=cam0 backpressure=true sync=false");
    writer.play();
    for (int i = 0; i < 3; ++i)
        readers.push_back(std::make_unique<RemotePipeline>(receiving("max-leases=1")));
    ASSERT_TRUE(has_readers(writer["sink"], 3));
    Pipeline source(decoding("vp8dec") + some + "appsink name=out sync=false max-buffers=4");
    source.play();
    std::vector<std::vector<DecodedFrame>> received(3);
    for (Sample sample = pull(source["out"]); sample; sample = pull(source["out"])) {
        const gst::Owned<char> caps(gst_caps_to_string(sample.caps()));
        ASSERT_TRUE(push(writer["in"], caps.get(), Held<GstBuffer>(gst_buffer_ref(sample.buffer()))));
        for (std::size_t i = 0; i < readers.size(); ++i) {
            const RemoteSample remote = readers[i]->pull();
            ASSERT_TRUE(remote);
            received[i].push_back({remote.pts, remote.checksum});
        }
    }
    end(writer["in"]);
    for (std::size_t i = 0; i < readers.size(); ++i) {
        EXPECT_EQ(readers[i]->pull().kind, RemoteSample::Kind::Eos);
        EXPECT_EQ(received[i], expected);
        readers[i]->stop();
    }
}

TEST_F(Lossless, ForASlowAndAFastReaderTogether) {
    const std::vector<DecodedFrame> expected = decode(some);
    Pipeline writer(writing("backpressure=true slots=3"));
    writer.play();
    RemotePipeline fast(receiving()), slow(receiving());
    ASSERT_TRUE(has_readers(writer["sink"], 2));
    Pipeline source(decoding("vp8dec") + some + "appsink name=out sync=false");
    source.play();
    unsigned count = 0;
    for (Sample sample = pull(source["out"]); sample; sample = pull(source["out"]), ++count) {
        const gst::Owned<char> caps(gst_caps_to_string(sample.caps()));
        ASSERT_TRUE(push(writer["in"], caps.get(), Held<GstBuffer>(gst_buffer_ref(sample.buffer()))));
    }
    end(writer["in"]);
    EXPECT_EQ(count, expected.size());
    EXPECT_TRUE(fast.pull());  // the fast one has more than the slow one, which has none yet
    EXPECT_TRUE(slow.pull());
    slow.kill();  // and leaves the fast one alone
    EXPECT_EQ(all_of(fast).size(), expected.size() - 1);
    EXPECT_TRUE(writer.ends());
    fast.stop();
}

/// Readers that keep frames until they have got more of them.
class LosslessForHoarders : public GstTest {
  protected:
    /// Carries frames from the sink's pool to readers with these lines behind `ndshsrc`.
    void expect_complete(const std::vector<std::string>& lines) {
        constexpr std::uint64_t count = 200;
        Pipeline writer("videotestsrc num-buffers=" + std::to_string(count) +
                        " ! video/x-raw,width=64,height=48 ! ndshsink name=sink backpressure=true "
                        "sync=false tag=" +
                        tag_);
        ASSERT_TRUE(writer.set_state(GST_STATE_PAUSED));  // from here on, readers can come
        std::vector<std::unique_ptr<Pipeline>> readers;
        for (const std::string& line : lines) {
            readers.push_back(std::make_unique<Pipeline>("ndshsrc name=src mode=every tag=" + tag_ + " " +
                                                         line + " ! fakesink sync=false async=false"));
            readers.back()->play();
        }
        ASSERT_TRUE(has_readers(writer["sink"], static_cast<unsigned>(lines.size())));
        writer.play();
        ASSERT_TRUE(writer.ends());
        for (const auto& reader : readers) {
            ASSERT_TRUE(reader->ends());
            EXPECT_EQ(counter((*reader)["src"], "frames"), count);
            EXPECT_EQ(counter((*reader)["src"], "missed"), 0U);
        }
    }
};

TEST_F(LosslessForHoarders, ThreeThatHoldMoreThanTheirLeases) {
    expect_complete({"! queue min-threshold-buffers=5", "! queue min-threshold-buffers=7",
                     "! queue min-threshold-buffers=9"});
}

TEST_F(LosslessForHoarders, OneWithManyLeases) {
    expect_complete({"max-leases=6 ! queue min-threshold-buffers=7"});
}

TEST_F(Lossless, DecodebinEndsInGstLaunch) {
    for (int run = 0; run < 3; ++run) {
        ChildProcess program = gst_launch(std::string("filesrc location=") + footage +
                                          " ! decodebin ! ndshsink sync=false tag=" + tag_);
        ASSERT_EQ(program.wait_for_exit(), 0) << run;
    }
}

}  // namespace
}  // namespace ndsharray::test
