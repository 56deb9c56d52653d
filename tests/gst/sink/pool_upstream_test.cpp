// SPDX-License-Identifier: BSD-3-Clause
// Upstreams that take the pool of the sink and do what they like with its buffers: decoders, long queues,
// branches that hold them, flushes and new caps while they are out. Readers get each frame as it was
// made, and nobody waits for ever.
#include <gst/allocators/gstdmabuf.h>

#include <ndsharray/reader.hpp>

#include <support/background_call.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "footage.hpp"
#include "gst_test.hpp"

namespace ndsharray::test {
namespace {

constexpr unsigned some = 60;

std::string decoding_some(const std::string& decoder) {
    return decoding(decoder) + "identity eos-after=" + std::to_string(some + 1) + " ! ";
}

std::vector<std::string> checksums(GstElement* appsink) {
    std::vector<std::string> all;
    while (const Sample sample = pull(appsink))
        all.push_back(sample.checksum());
    return all;
}

/// What the decoder makes when nobody shares it.
std::vector<std::string> decoded(const std::string& decoder) {
    Pipeline pipeline(decoding_some(decoder) + "appsink name=out sync=false");
    pipeline.play();
    return checksums(pipeline["out"]);
}

class PoolUpstream : public GstTest {
  protected:
    /// What a reader gets that takes every frame, and what the sink counted.
    struct Result {
        std::vector<std::string> checksums;
        std::uint64_t zero_copied = 0, copied = 0;
    };
    Result shared(const std::string& upstream, const std::string& properties = "") {
        Pipeline reader(reading("mode=every"));
        Pipeline writer(upstream +
                        "ndshsink name=sink sync=false backpressure=true wait-for-reader=true tag=" + tag_ +
                        " " + properties);
        reader.play();
        writer.play();
        Result result{checksums(reader["out"])};
        EXPECT_TRUE(writer.ends());
        result.zero_copied = counter(writer["sink"], "zero-copied");
        result.copied = counter(writer["sink"], "copied");
        return result;
    }
};

class Decoder : public PoolUpstream, public ::testing::WithParamInterface<const char*> {
  protected:
    const std::string decoder_ = GetParam();
    const std::vector<std::string> expected_ = decoded(decoder_);
};

TEST_P(Decoder, GetsThrough) {
    ASSERT_GE(expected_.size(), some);
    const Result result = shared(decoding_some(decoder_));
    EXPECT_EQ(result.checksums, expected_);
    EXPECT_EQ(result.copied + result.zero_copied, expected_.size());
}

TEST_P(Decoder, GetsThroughWithThreeSlots) {
    EXPECT_EQ(shared(decoding_some(decoder_), "slots=3").checksums, expected_);
}

TEST_P(Decoder, GetsThroughALongQueue) {
    EXPECT_EQ(shared(decoding_some(decoder_) + "queue max-size-buffers=100 max-size-bytes=0 ! ").checksums,
              expected_);
}

/// Each branch that holds buffers takes slots from the sink for as long.
TEST_P(Decoder, GetsThroughATeeWhoseOtherBranchHoldsBuffers) {
    const std::string holding = "fakesink sync=false async=false enable-last-sample=true ";
    EXPECT_EQ(shared(decoding_some(decoder_) + "tee name=t ! queue min-threshold-buffers=20 ! " + holding +
                     " t. ! queue ! ")
                  .checksums,
              expected_);
}

// avdec_* wants rows of padding below each plane, which no array of a whole frame has, and so decodes into
// memory of its own.
INSTANTIATE_TEST_SUITE_P(Of, Decoder, ::testing::Values("vp8dec", "avdec_vp8"),
                         [](const auto& info) { return std::string(info.param); });

/// Without a reader that keeps the slots.
TEST_F(PoolUpstream, DecoderWritesIntoSlots) {
    Pipeline writer(decoding_some("vp8dec") + "ndshsink name=sink sync=false tag=" + tag_);
    writer.play();
    EXPECT_TRUE(writer.ends());
    EXPECT_GT(counter(writer["sink"], "zero-copied"), some / 2);
}

TEST_F(PoolUpstream, LastSampleOfTheSinkHoldsNothingUp) {
    const Result result =
        shared("videotestsrc num-buffers=60 ! " + caps_ + " ! ", "slots=3 enable-last-sample=true");
    EXPECT_EQ(result.checksums.size(), 60U);
}

// ---- memory that is not the pool's

/// Memory of a file, of the kind that a camera's or decoder's driver hands out.
Held<GstBuffer> dmabuf_frame(GstAllocator* allocator, const GstVideoInfo& info, unsigned seed) {
    const Held<GstBuffer> pattern = random_frame(info, seed);
    GstMapInfo map;
    EXPECT_TRUE(gst_buffer_map(pattern.get(), &map, GST_MAP_READ));
    const int file = ::memfd_create("frame", MFD_CLOEXEC);
    EXPECT_EQ(::write(file, map.data, map.size), static_cast<ssize_t>(map.size));
    Held<GstBuffer> buffer(gst_buffer_new());
    gst_buffer_append_memory(buffer.get(), gst_dmabuf_allocator_alloc(allocator, file, map.size));
    gst_buffer_unmap(pattern.get(), &map);
    GST_BUFFER_OFFSET(buffer.get()) = seed;
    return buffer;
}

TEST_F(PoolUpstream, DmabufIsCopied) {
    Pipeline reader(reading("mode=every"));
    Pipeline writer(writing("backpressure=true wait-for-reader=true"));
    reader.play();
    writer.play();
    const std::unique_ptr<GstAllocator, void (*)(gpointer)> allocator(gst_dmabuf_allocator_new(),
                                                                      gst_object_unref);
    for (unsigned i = 0; i < 10; ++i) {
        ASSERT_TRUE(push(writer["in"], caps_, dmabuf_frame(allocator.get(), video_info(caps_), i)));
        const Sample sample = pull(reader["out"]);
        ASSERT_TRUE(sample);
        EXPECT_TRUE(sample.is_random_frame(caps_));
    }
    EXPECT_TRUE(has_counted_all(writer["sink"]));
    EXPECT_EQ(counter(writer["sink"], "copied"), 10U);
}

TEST_F(PoolUpstream, BuffersOfAnotherPoolAreCopiedAndComeBackToIt) {
    Pipeline reader(reading("mode=every"));
    Pipeline writer(writing("backpressure=true wait-for-reader=true"));
    reader.play();
    writer.play();
    const GstVideoInfo info = video_info(caps_);
    const Held<GstBufferPool> pool(gst_video_buffer_pool_new());
    const Held<GstCaps> caps(gst_caps_from_string(caps_.c_str()));
    GstStructure* config = gst_buffer_pool_get_config(pool.get());
    gst_buffer_pool_config_set_params(config, caps.get(), static_cast<guint>(info.size), 2, 2);
    ASSERT_TRUE(gst_buffer_pool_set_config(pool.get(), config));
    ASSERT_TRUE(gst_buffer_pool_set_active(pool.get(), TRUE));
    for (unsigned i = 0; i < 20; ++i) {  // ten times as many as there are
        GstBuffer* taken = nullptr;
        ASSERT_EQ(gst_buffer_pool_acquire_buffer(pool.get(), &taken, nullptr), GST_FLOW_OK);
        const Held<GstBuffer> pattern = random_frame(info, i);
        GstMapInfo map;
        ASSERT_TRUE(gst_buffer_map(pattern.get(), &map, GST_MAP_READ));
        gst_buffer_fill(taken, 0, map.data, map.size);
        gst_buffer_unmap(pattern.get(), &map);
        GST_BUFFER_OFFSET(taken) = i;
        ASSERT_TRUE(push(writer["in"], caps_, Held<GstBuffer>(taken)));
        const Sample sample = pull(reader["out"]);
        ASSERT_TRUE(sample);
        EXPECT_TRUE(sample.is_random_frame(caps_));
    }
    EXPECT_TRUE(has_counted_all(writer["sink"]));
    EXPECT_EQ(counter(writer["sink"], "copied"), 20U);
    gst_buffer_pool_set_active(pool.get(), FALSE);
}

// ---- buffers that are out while something changes

/// The pool that the sink offers for these caps, active, as an element before the sink has it.
Held<GstBufferPool> offered_pool(GstElement* sink, const std::string& caps_text) {
    const Held<GstCaps> caps(gst_caps_from_string(caps_text.c_str()));
    const Held<GstQuery> query(gst_query_new_allocation(caps.get(), TRUE));
    const Held<GstPad> pad(gst_element_get_static_pad(sink, "sink"));
    GstBufferPool* pool = nullptr;
    guint size = 0, fewest = 0, most = 0;
    if (!gst_pad_query(pad.get(), query.get()) || gst_query_get_n_allocation_pools(query.get()) == 0)
        return nullptr;
    gst_query_parse_nth_allocation_pool(query.get(), 0, &pool, &size, &fewest, &most);
    GstStructure* config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_set_params(config, caps.get(), size, fewest, most);
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
    gst_buffer_pool_set_config(pool, config);
    gst_buffer_pool_set_active(pool, TRUE);
    return Held<GstBufferPool>(pool);
}

/// What waits for a slot while another thread brings other caps, as behind an input-selector, is not to get
/// one of theirs: it would write past its end.
TEST_F(PoolUpstream, WaitingForASlotGetsNoneOfOtherCaps) {
    for (unsigned round = 0; round < 10; ++round) {  // the wait is short, and may be over too soon
        Pipeline writer(writing("backpressure=true slots=5"));
        writer.play();
        ASSERT_TRUE(push_random(writer["in"], caps_, 0));
        Reader reader(tag_, {.mode = ReadMode::Every});
        ASSERT_TRUE(reader.read(patience));
        ASSERT_TRUE(push_random(writer["in"], caps_, 1, 5));  // not read, so that no slot is free
        ASSERT_TRUE(wait_until([&] { return counter(writer["sink"], "published") == 6; }));
        const Held<GstBufferPool> pool = offered_pool(writer["sink"], caps_);
        ASSERT_TRUE(pool);
        BackgroundCall<std::string> file_of_buffer([&] {
            GstBuffer* buffer = nullptr;
            EXPECT_EQ(gst_buffer_pool_acquire_buffer(pool.get(), &buffer, nullptr), GST_FLOW_OK);
            return mapped_file(Held<GstBuffer>(buffer).get());
        });
        EXPECT_TRUE(push_random(writer["in"], caps_text("GRAY8", 8, 8), 7));
        EXPECT_EQ(file_of_buffer.result(), "") << "round " << round;
        gst_buffer_pool_set_active(pool.get(), FALSE);
    }
}

class BuffersInFlight : public PoolUpstream {
  protected:
    void SetUp() override {
        writer_.play();
        // Caps come with a first frame.
        ASSERT_TRUE(push_random(writer_["in"], caps_, 0));
        ASSERT_TRUE(wait_until([this] { return counter(writer_["sink"], "published") == 1; }));
        pool_ = offered_pool(writer_["sink"], caps_);
        ASSERT_TRUE(pool_);
        for (unsigned i = 0; i < 3; ++i)
            out_.push_back(taken(i + 1));
    }
    void TearDown() override {
        out_.clear();
        gst_buffer_pool_set_active(pool_.get(), FALSE);
    }

    /// A buffer of the pool with the pixels of random_frame(seed).
    Held<GstBuffer> taken(unsigned seed) {
        GstBuffer* buffer = nullptr;
        EXPECT_EQ(gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, nullptr), GST_FLOW_OK);
        const Held<GstBuffer> pattern = random_frame(video_info(caps_), seed);
        GstMapInfo map;
        EXPECT_TRUE(gst_buffer_map(pattern.get(), &map, GST_MAP_READ));
        gst_buffer_fill(buffer, 0, map.data, map.size);
        gst_buffer_unmap(pattern.get(), &map);
        GST_BUFFER_OFFSET(buffer) = seed;
        return Held<GstBuffer>(buffer);
    }

    bool is_as_filled(GstBuffer* buffer) const {
        const GstVideoInfo info = video_info(caps_);
        const auto seed = static_cast<unsigned>(GST_BUFFER_OFFSET(buffer));
        return pixels(buffer, info) == pixels(random_frame(info, seed).get(), info);
    }

    /// Publishes what is out, as one who goes on with these caps, and looks at what a reader gets.
    void expect_all_get_through() {
        Pipeline reader(reading());
        reader.play();
        ASSERT_TRUE(has_readers(writer_["sink"]));
        for (auto& buffer : std::exchange(out_, {})) {
            const std::uint64_t offset = GST_BUFFER_OFFSET(buffer.get());
            ASSERT_TRUE(push(writer_["in"], caps_, std::move(buffer)));
            ASSERT_TRUE(wait_until([&] {
                const Sample sample = pull(reader["out"]);
                return sample && sample.offset() == offset && sample.is_random_frame(caps_);
            })) << offset;
        }
        EXPECT_TRUE(has_counted_all(writer_["sink"]));
    }

    Pipeline writer_{writing()};
    Held<GstBufferPool> pool_;
    std::vector<Held<GstBuffer>> out_;
    const std::string other_caps_ = caps_text("GRAY8", 320, 200);
};

TEST_F(BuffersInFlight, GetThrough) {
    expect_all_get_through();
    EXPECT_EQ(counter(writer_["sink"], "zero-copied"), 3U);
}

TEST_F(BuffersInFlight, GetThroughAfterAFlush) {
    const Held<GstPad> pad(gst_element_get_static_pad(writer_["in"], "src"));
    ASSERT_TRUE(gst_element_send_event(writer_["in"], gst_event_new_flush_start()));
    ASSERT_TRUE(gst_element_send_event(writer_["in"], gst_event_new_flush_stop(TRUE)));
    expect_all_get_through();
}

TEST_F(BuffersInFlight, GetThroughAfterOtherCapsAndBack) {
    ASSERT_TRUE(push_random(writer_["in"], other_caps_, 7));
    ASSERT_TRUE(wait_until([this] { return counter(writer_["sink"], "published") == 2; }));
    expect_all_get_through();
    EXPECT_EQ(counter(writer_["sink"], "zero-copied"), 0U) << "their segment was gone";
}

TEST_F(BuffersInFlight, GetThroughAfterTheSinkWentDownAndUp) {
    ASSERT_TRUE(writer_.reaches(GST_STATE_NULL));
    writer_.play();
    expect_all_get_through();
    EXPECT_EQ(counter(writer_["sink"], "zero-copied"), 0U) << "their tag was another one";
}

TEST_F(BuffersInFlight, OfAPoolWhoseSegmentIsGoneNewOnesAreOrdinaryMemory) {
    ASSERT_TRUE(push_random(writer_["in"], other_caps_, 7));
    ASSERT_TRUE(wait_until([this] { return counter(writer_["sink"], "published") == 2; }));
    const Held<GstBuffer> buffer = taken(9);
    EXPECT_EQ(mapped_file(buffer.get()), "");
}

TEST_F(BuffersInFlight, KeptAfterTheyWerePublishedAreNotWrittenAgain) {
    std::vector<Held<GstBuffer>> kept;
    for (auto& buffer : std::exchange(out_, {})) {
        kept.emplace_back(gst_buffer_ref(buffer.get()));
        ASSERT_TRUE(push(writer_["in"], caps_, std::move(buffer)));
    }
    ASSERT_TRUE(push_random(writer_["in"], caps_, 10, 50));
    ASSERT_TRUE(wait_until([this] { return counter(writer_["sink"], "published") == 54; }));
    for (const auto& buffer : kept)
        EXPECT_TRUE(is_as_filled(buffer.get())) << GST_BUFFER_OFFSET(buffer.get());
}

TEST_F(BuffersInFlight, AreStillThereWhenTheirSinkIsNot) {
    ASSERT_TRUE(writer_.reaches(GST_STATE_NULL));
    for (const auto& buffer : out_)
        EXPECT_TRUE(is_as_filled(buffer.get())) << GST_BUFFER_OFFSET(buffer.get());
}

}  // namespace
}  // namespace ndsharray::test
