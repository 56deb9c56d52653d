// SPDX-License-Identifier: BSD-3-Clause
// The sink's buffer pool: who writes into slots, who is copied, and what may be done with a published buffer.
#include <gst/gst.h>

#include <mutex>
#include <string>
#include <vector>

#include "gst_test.hpp"

namespace ndsharray::test {
namespace {

class Pool : public GstTest {
  protected:
    /// Runs a writer to its end. \returns how many frames were published in place and by a copy.
    struct Counts {
        std::uint64_t zero_copied = 0, copied = 0, dropped = 0;
        bool operator==(const Counts&) const = default;
    };
    Counts counts_of(const std::string& upstream) {
        Pipeline writer(upstream + " ! ndshsink name=sink sync=false tag=" + tag_);
        writer.play();
        EXPECT_TRUE(writer.ends());
        GstElement* sink = writer["sink"];
        return {counter(sink, "zero-copied"), counter(sink, "copied"), counter(sink, "dropped")};
    }

    const std::string test_picture_ = "videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48";
};

TEST_F(Pool, ElementsThatTakeItWriteIntoSlots) {
    const Counts all_in_place{20, 0, 0};
    EXPECT_EQ(counts_of(test_picture_), all_in_place);
    EXPECT_EQ(counts_of(test_picture_ + ",format=I420 ! videoconvert ! video/x-raw,format=RGB"),
              all_in_place);
    EXPECT_EQ(counts_of(test_picture_ + " ! videoscale ! video/x-raw,width=33,height=17"), all_in_place);
    EXPECT_EQ(counts_of(test_picture_ + " ! identity"), all_in_place);
}

TEST_F(Pool, WhatHasNoSlotIsCopiedAndNothingIsLost) {
    for (const std::string upstream :
         {" ! tee", " ! queue max-size-buffers=100", " ! videorate ! video/x-raw,framerate=90/1"}) {
        SCOPED_TRACE(upstream);
        const Counts counts = counts_of(test_picture_ + upstream);
        EXPECT_GE(counts.zero_copied + counts.copied, 20U);
        EXPECT_EQ(counts.dropped, 0U);
    }
}

TEST_F(Pool, ForeignMemoryIsCopied) {
    Pipeline writer(writing());
    writer.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 0, 5));
    ASSERT_TRUE(wait_until([&] { return counter(writer["sink"], "published") == 5; }));
    EXPECT_EQ(counter(writer["sink"], "copied"), 5U);
}

/// Keeps the buffers that go into the sink, as a decoder keeps its reference frames.
class Keeper {
  public:
    explicit Keeper(GstElement* sink) {
        GstPad* pad = gst_element_get_static_pad(sink, "sink");
        gst_pad_add_probe(
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            [](GstPad*, GstPadProbeInfo* info, gpointer self) {
                static_cast<Keeper*>(self)->keep(GST_PAD_PROBE_INFO_BUFFER(info));
                return GST_PAD_PROBE_OK;
            },
            this, nullptr);
        gst_object_unref(pad);
    }
    std::vector<Held<GstBuffer>> take() {
        const std::lock_guard lock(mutex_);
        return std::move(kept_);
    }

  private:
    void keep(GstBuffer* buffer) {
        const std::lock_guard lock(mutex_);
        kept_.emplace_back(gst_buffer_ref(buffer));
    }

    std::mutex mutex_;
    std::vector<Held<GstBuffer>> kept_;
};

TEST_F(Pool, PublishedBuffersCanOnlyBeRead) {
    Pipeline writer(test_picture_ + ",format=RGB ! ndshsink name=sink sync=false tag=" + tag_);
    Keeper keeper(writer["sink"]);
    writer.play();
    ASSERT_TRUE(writer.ends());
    EXPECT_GT(counter(writer["sink"], "zero-copied"), 0U);
    EXPECT_GT(counter(writer["sink"], "copied"), 0U) << "an upstream that keeps all gets ordinary memory";
    for (const auto& buffer : keeper.take()) {
        GstMemory* memory = gst_buffer_peek_memory(buffer.get(), 0);
        if (!gst_memory_is_type(memory, "NdshFrame"))
            continue;
        GstMapInfo map;
        EXPECT_TRUE(GST_MEMORY_IS_READONLY(memory));
        EXPECT_FALSE(gst_memory_map(memory, &map, GST_MAP_WRITE));
    }
}

TEST_F(Pool, BuffersOutliveTheElement) {
    std::vector<Held<GstBuffer>> kept;
    {
        Pipeline writer(test_picture_ + " ! ndshsink name=sink sync=false tag=" + tag_);
        Keeper keeper(writer["sink"]);
        writer.play();
        ASSERT_TRUE(writer.ends());
        kept = keeper.take();
    }
    for (const auto& buffer : kept) {
        GstMapInfo map;
        ASSERT_TRUE(gst_buffer_map(buffer.get(), &map, GST_MAP_READ));
        gst_buffer_unmap(buffer.get(), &map);
    }
}

}  // namespace
}  // namespace ndsharray::test
