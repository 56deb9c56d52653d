// SPDX-License-Identifier: BSD-3-Clause
// What a frame costs the elements once everything is going: no allocation, and one system call on each side.
#include <ndsharray/reader.hpp>
#include <ndsharray/writer.hpp>

#include <support/allocations.hpp>
#include <support/system_calls.hpp>

#include <sys/syscall.h>

#include <atomic>
#include <cstring>
#include <initializer_list>
#include <thread>

#include "gst_test.hpp"

namespace ndsharray::test {
namespace {

constexpr unsigned frames = 1000;
constexpr unsigned warm_up = 100;
constexpr long futex_waitv = 449;  // SYS_futex_waitv, which older headers do not have

/// An ndshsink, and an upstream that takes its pool.
class PooledSink {
  public:
    PooledSink(const std::string& tag, const std::string& caps_text)
        : pipeline_("ndshsink name=sink sync=false async=false tag=" + tag),
          pad_(gst_pad_new("src", GST_PAD_SRC)) {
        gst_object_ref_sink(pad_.get());
        const Held<GstPad> sink_pad(gst_element_get_static_pad(pipeline_["sink"], "sink"));
        gst_pad_set_active(pad_.get(), TRUE);
        gst_pad_link(pad_.get(), sink_pad.get());
        pipeline_.play();
        const Held<GstCaps> caps(gst_caps_from_string(caps_text.c_str()));
        gst_pad_push_event(pad_.get(), gst_event_new_stream_start("test"));
        gst_pad_push_event(pad_.get(), gst_event_new_caps(caps.get()));
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        gst_pad_push_event(pad_.get(), gst_event_new_segment(&segment));
        take_pool(caps.get());
    }
    ~PooledSink() {
        gst_buffer_pool_set_active(pool_.get(), FALSE);
        gst_pad_set_active(pad_.get(), FALSE);
    }

    GstElement* sink() const { return pipeline_["sink"]; }

    /// \returns false if one did not get through.
    bool push(unsigned count) {
        bool pushed = true;
        for (unsigned i = 0; i < count; ++i) {
            GstBuffer* buffer = nullptr;
            if (gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, nullptr) != GST_FLOW_OK)
                return false;
            GstMapInfo map;
            pushed = gst_buffer_map(buffer, &map, GST_MAP_WRITE) && pushed;
            std::memset(map.data, static_cast<int>(i), map.size);
            gst_buffer_unmap(buffer, &map);
            GST_BUFFER_PTS(buffer) = next_++ * frame_length;
            pushed = gst_pad_push(pad_.get(), buffer) == GST_FLOW_OK && pushed;
        }
        return pushed;
    }

  private:
    void take_pool(GstCaps* caps) {
        const Held<GstQuery> query(gst_query_new_allocation(caps, TRUE));
        gst_pad_peer_query(pad_.get(), query.get());
        GstBufferPool* pool = nullptr;
        guint size = 0, fewest = 0, most = 0;
        gst_query_parse_nth_allocation_pool(query.get(), 0, &pool, &size, &fewest, &most);
        pool_.reset(pool);
        GstStructure* config = gst_buffer_pool_get_config(pool);
        gst_buffer_pool_config_set_params(config, caps, size, fewest, most);
        gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
        gst_buffer_pool_set_config(pool, config);
        gst_buffer_pool_set_active(pool, TRUE);
    }

    Pipeline pipeline_;
    Held<GstPad> pad_;
    Held<GstBufferPool> pool_;
    GstClockTime next_ = 0;
};

class HotPath : public GstTest {};

TEST_F(HotPath, Sink_WritingInPlaceAllocatesNothing) {
    PooledSink writer(tag_, caps_);
    ASSERT_TRUE(writer.push(warm_up));
    const std::uint64_t before = allocations_of_this_thread();
    ASSERT_TRUE(writer.push(frames));
    EXPECT_EQ(allocations_of_this_thread() - before, 0U);
    EXPECT_EQ(counter(writer.sink(), "zero-copied"), warm_up + frames);
}

TEST_F(HotPath, Sink_WritingInPlaceMakesOneSystemCall_TheWakeUp) {
    PooledSink writer(tag_, caps_);
    SystemCalls calls;
    SystemCallWatch watch;
    bool came = false;
    std::thread([&] {
        watch.watch_this_thread();
        came = wait_until([&] {
            const SystemCalls before = watch.counted();
            const bool pushed = writer.push(frames);
            calls = watch.counted() - before;
            return pushed && calls == SystemCalls{{SYS_futex, frames}};
        });
    }).join();
    EXPECT_TRUE(came) << ::testing::PrintToString(calls);
}

/// What the streaming thread of an ndshsrc did from one buffer to another.
class SourceWatch {
  public:
    explicit SourceWatch(GstElement* source)
        : pad_(gst_element_get_static_pad(source, "src")),
          probe_(gst_pad_add_probe(
              pad_.get(), GST_PAD_PROBE_TYPE_BUFFER,
              [](GstPad*, GstPadProbeInfo*, gpointer self) {
                  static_cast<SourceWatch*>(self)->note();
                  return GST_PAD_PROBE_OK;
              },
              this, nullptr)) {}
    ~SourceWatch() { gst_pad_remove_probe(pad_.get(), probe_); }

    std::atomic<unsigned> seen{0};
    std::atomic<std::uint64_t> allocations{0};
    SystemCallWatch calls;
    std::atomic<bool> watches_calls{false};

  private:
    void note() {
        if (seen == 0 && watches_calls)
            calls.watch_this_thread();
        allocations = allocations_of_this_thread();
        ++seen;
    }

    Held<GstPad> pad_;
    const gulong probe_;
};

class HotPathOfTheSource : public HotPath {
  protected:
    HotPathOfTheSource() { writer_.configure(spec_); }

    /// Each frame is there only when the one before has been passed on.
    bool exchange(SourceWatch& watch, unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            const unsigned seen = watch.seen;
            writer_.publish(writer_.acquire());
            if (!wait_briefly_until([&] { return watch.seen != seen; }))
                return false;
        }
        return true;
    }

    /// Without sleeping: there are many frames.
    template <typename Condition>
    static bool wait_briefly_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!condition() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
        return condition();
    }

    const ArraySpec spec_ =
        ArraySpec::contiguous(DType::UInt8, std::initializer_list<std::uint64_t>{48, 64, 3});
    Writer writer_{tag_};
    Pipeline reader_{"ndshsrc name=src tag=" + tag_ + " ! fakesink sync=false async=false"};
};

TEST_F(HotPathOfTheSource, AllocatesNothing) {
    SourceWatch watch(reader_["src"]);
    reader_.play();
    ASSERT_TRUE(exchange(watch, warm_up));
    const std::uint64_t before = watch.allocations;
    ASSERT_TRUE(exchange(watch, frames));
    EXPECT_EQ(watch.allocations - before, 0U);
    reader_.reaches(GST_STATE_NULL);
}

TEST_F(HotPathOfTheSource, MakesOneSystemCall_TheWait) {
    SourceWatch watch(reader_["src"]);
    watch.watches_calls = true;
    reader_.play();
    ASSERT_TRUE(exchange(watch, 1));
    SystemCalls calls;
    const auto at_most_one_wait = [&] {
        const SystemCalls before = watch.calls.counted();
        const bool exchanged = exchange(watch, frames);
        calls = watch.calls.counted() - before;
        SystemCalls waits = calls;
        return exchanged && waits[SYS_futex] + waits[futex_waitv] == total(calls) && total(calls) <= frames;
    };
    EXPECT_TRUE(wait_until(at_most_one_wait)) << ::testing::PrintToString(calls);
    ASSERT_TRUE(reader_.reaches(GST_STATE_NULL));
    EXPECT_TRUE(wait_until([&] {  // GLib keeps its threads for the next task
        g_thread_pool_stop_unused_threads();
        return watch.calls.has_ended();
    }));
}

}  // namespace
}  // namespace ndsharray::test
