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
    EXPECT_TRUE(has_counted_all(writer["sink"]));
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

/// The pool that a sink for RGB frames of 64x48 offers.
class PoolConfig : public GstTest {
  protected:
    void SetUp() override {
        writer_.play();
        ASSERT_TRUE(push_random(writer_["in"], caps_, 0));
        ASSERT_TRUE(wait_until([&] { return counter(writer_["sink"], "published") == 1; }));
        const Held<GstCaps> caps(gst_caps_from_string(caps_.c_str()));
        const Held<GstQuery> query(gst_query_new_allocation(caps.get(), TRUE));
        const Held<GstPad> pad(gst_element_get_static_pad(writer_["sink"], "sink"));
        ASSERT_TRUE(gst_pad_query(pad.get(), query.get()));
        ASSERT_EQ(gst_query_get_n_allocation_pools(query.get()), 1U);
        GstBufferPool* pool = nullptr;
        gst_query_parse_nth_allocation_pool(query.get(), 0, &pool, nullptr, nullptr, nullptr);
        pool_.reset(pool);
    }
    void TearDown() override { gst_buffer_pool_set_active(pool_.get(), FALSE); }

    /// Whether it takes a config of these, which gst_buffer_pool_config_set_params() may not let through.
    bool takes(const char* caps, guint size, guint fewest, guint most) {
        const Held<GstCaps> parsed(caps ? gst_caps_from_string(caps) : nullptr);
        GstStructure* config = gst_buffer_pool_get_config(pool_.get());
        gst_structure_set(config, "caps", GST_TYPE_CAPS, parsed.get(), "size", G_TYPE_UINT, size,
                          "min-buffers", G_TYPE_UINT, fewest, "max-buffers", G_TYPE_UINT, most, nullptr);
        return gst_buffer_pool_set_config(pool_.get(), config);
    }

    Held<GstBuffer> acquired() {
        GstBuffer* buffer = nullptr;
        EXPECT_TRUE(gst_buffer_pool_set_active(pool_.get(), TRUE));
        EXPECT_EQ(gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, nullptr), GST_FLOW_OK);
        return Held<GstBuffer>(buffer);
    }

    static bool is_slot(GstBuffer* buffer) {
        return gst_memory_is_type(gst_buffer_peek_memory(buffer, 0), "NdshFrame");
    }

    static constexpr guint frame_size_ = 64 * 48 * 3;
    Pipeline writer_{writing()};
    Held<GstBufferPool> pool_;
};

TEST_F(PoolConfig, WithoutFixedCapsOfRawVideoIsRefused) {
    for (const char* caps :
         {static_cast<const char*>(nullptr), "ANY", "EMPTY", "video/x-raw", "video/x-raw,format=RGB",
          "video/x-raw,format=RGB,width=[1,64],height=48", "video/x-raw,format={RGB,BGR},width=64,height=48",
          "video/x-raw,format=NONE,width=64,height=48", "video/x-raw,format=ENCODED,width=64,height=48",
          "video/x-raw,format=RGB,width=0,height=0", "video/x-raw,format=RGB,width=-1,height=48",
          "video/x-h264,width=64,height=48", "image/jpeg,width=64,height=48", "audio/x-raw,format=S16LE"}) {
        EXPECT_FALSE(takes(caps, frame_size_, 0, 0)) << caps;
        EXPECT_FALSE(gst_buffer_pool_set_active(pool_.get(), TRUE)) << caps;
    }
}

TEST_F(PoolConfig, OfAtMostFewerBuffersThanAtLeastIsRefused) {
    EXPECT_FALSE(takes(caps_.c_str(), frame_size_, 3, 2));
    EXPECT_FALSE(takes(caps_.c_str(), frame_size_, G_MAXUINT, 1));
}

TEST_F(PoolConfig, OfAnyNumberOfBuffersIsTaken) {
    for (const guint number : {1U, 31U, 32U, 33U, G_MAXUINT}) {
        ASSERT_TRUE(takes(caps_.c_str(), frame_size_, number, number)) << number;
        EXPECT_TRUE(is_slot(acquired().get())) << number;
        ASSERT_TRUE(gst_buffer_pool_set_active(pool_.get(), FALSE));
    }
}

TEST_F(PoolConfig, OfTooSmallASizeGetsWholeFrames) {
    for (const guint size : {0U, 1U, frame_size_ - 1}) {
        ASSERT_TRUE(takes(caps_.c_str(), size, 0, 0));
        const Held<GstStructure> config(gst_buffer_pool_get_config(pool_.get()));
        guint granted = 0;
        gst_buffer_pool_config_get_params(config.get(), nullptr, &granted, nullptr, nullptr);
        EXPECT_EQ(granted, frame_size_);
        EXPECT_EQ(gst_buffer_get_size(acquired().get()), frame_size_);
        ASSERT_TRUE(gst_buffer_pool_set_active(pool_.get(), FALSE));
    }
}

TEST_F(PoolConfig, OfOtherFramesGetsOrdinaryMemory) {
    ASSERT_TRUE(takes(caps_text("GRAY8", 640, 480).c_str(), 0, 0, 0));
    const Held<GstBuffer> buffer = acquired();
    EXPECT_FALSE(is_slot(buffer.get()));
    EXPECT_EQ(gst_buffer_get_size(buffer.get()), 640U * 480);
}

TEST_F(PoolConfig, ThatIsRefusedLeavesTheOneBefore) {
    ASSERT_TRUE(takes(caps_.c_str(), frame_size_, 0, 0));
    EXPECT_FALSE(takes(caps_text("GRAY8", 640, 480).c_str(), 640 * 480, 3, 2));
    EXPECT_FALSE(takes("video/x-h264,width=8,height=8", 1, 0, 0));
    const Held<GstBuffer> buffer = acquired();
    EXPECT_TRUE(is_slot(buffer.get()));
    EXPECT_EQ(gst_buffer_get_size(buffer.get()), frame_size_);
}

}  // namespace
}  // namespace ndsharray::test
