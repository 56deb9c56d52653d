// SPDX-License-Identifier: BSD-3-Clause
// Load on the elements: many changes of caps, many tags, a reader that is stopped. tests/load has the long
// forms.
#include "gst_test.hpp"

#include <support/background_call.hpp>
#include <support/process_state.hpp>
#include <support/stopped.hpp>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "load.hpp"
#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;

class PipelineLoad : public GstTest {
  protected:
    PipelineLoad() { raise_file_limit(); }

    /// Waits until threads that are just ending are gone. \returns whether all is as it was.
    static ::testing::AssertionResult is_as_before(const ProcessState& before) {
        ProcessState now;
        const bool same = wait_until([&] {
            now = process_state();
            now.mappings = before.mappings;  // the C library may add memory for so many threads
            return !now.has_more_than(before);
        });
        if (same && now.private_bytes < before.private_bytes + 8 * mebibyte)
            return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << "before: " << ::testing::PrintToString(before)
                                             << "\nnow: " << ::testing::PrintToString(now);
    }

    /// The state once it stays the same from one look to the next.
    static ProcessState settled() {
        ProcessState last;
        wait_until([&] {
            const ProcessState now = process_state();
            const bool same = now.has_as_many(last) && now.private_bytes == last.private_bytes;
            last = now;
            if (!same)
                std::this_thread::sleep_for(300ms);  // two looks in a row would be equal anyway
            return same;
        });
        return last;
    }
};

TEST_F(PipelineLoad, ThousandChangesOfCapsLeaveNothing) {
    TagPipelines pipelines(tag_);
    ASSERT_EQ(pass_caps(pipelines, 100), 100U);
    const ProcessState before = settled();
    EXPECT_EQ(pass_caps(pipelines, 1000), 1000U);
    EXPECT_TRUE(is_as_before(before));
    EXPECT_EQ(directory_.entries().size(), 3U);
    EXPECT_EQ(counter(pipelines.reader()["src"], "missed"), 0U);
}

TEST_F(PipelineLoad, HundredTagsInOneProcessPassEveryFrameAndLeaveNothing) {
    constexpr unsigned tags = 100, frames = 10;
    const auto use = [&](unsigned count) {
        std::vector<std::unique_ptr<TagPipelines>> pipelines;
        for (unsigned i = 0; i < tags; ++i)
            pipelines.push_back(std::make_unique<TagPipelines>(tag_ + std::to_string(i)));
        for (unsigned frame = 0; frame < count; ++frame)
            for (unsigned i = 0; i < tags; ++i)
                ASSERT_TRUE(pipelines[i]->pass(caps_text("RGB", 32 + static_cast<int>(i), 24), frame)) << i;
    };
    use(1);
    const ProcessState before = settled();
    use(frames);
    EXPECT_TRUE(is_as_before(before));
}

/// A reader of every frame, stopped, at a sink with backpressure: it holds the sink's stream, not the sink.
class PipelineWithStoppedReader : public PipelineLoad {
  protected:
    void SetUp() override {
        writer_.play();
        ASSERT_TRUE(has_readers(writer_["sink"]));
        ASSERT_TRUE(push_random(writer_["in"], caps_, 0));
        ASSERT_TRUE(reader_.pull());
        stopped_.emplace(reader_.pid());
        // As many as there is room for in the slots and in the appsrc; then the stream stands.
        ASSERT_TRUE(push_random(writer_["in"], caps_, 1, frames));
        ASSERT_TRUE(wait_until([&] { return published() >= 4; }));
        ASSERT_LT(published(), frames);
    }

    std::uint64_t published() { return counter(writer_["sink"], "published"); }

    static constexpr unsigned frames = 50;
    Pipeline writer_{writing("backpressure=true slots=4")};
    RemotePipeline reader_{
        "ndshsrc tag=cam0 mode=every ! appsink name=out sync=false async=false max-buffers=1"};
    std::optional<Stopped> stopped_;
};

TEST_F(PipelineWithStoppedReader, LosesNothingOnceItGoesOn) {
    stopped_.reset();
    for (unsigned i = 1; i <= frames; ++i) {
        const RemoteSample sample = reader_.pull();
        ASSERT_TRUE(sample) << i;
        EXPECT_EQ(sample.offset, i);
    }
    reader_.stop();
}

TEST_F(PipelineWithStoppedReader, LetsItselfBeFlushed) {
    const Held<GstPad> pad(gst_element_get_static_pad(writer_["sink"], "sink"));
    BackgroundCall<bool> flushing([&] {
        return gst_pad_send_event(pad.get(), gst_event_new_flush_start()) != FALSE &&
               gst_pad_send_event(pad.get(), gst_event_new_flush_stop(TRUE)) != FALSE;
    });
    EXPECT_TRUE(flushing.result());
    stopped_.reset();
    reader_.stop();
}

TEST_F(PipelineWithStoppedReader, LetsItselfBeStopped) {
    BackgroundCall<bool> stopping([&] { return writer_.set_state(GST_STATE_NULL); });
    EXPECT_TRUE(stopping.result());
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{}) << "the tag was to be gone";
    stopped_.reset();
    reader_.stop();
}

}  // namespace
}  // namespace ndsharray::test
