// SPDX-License-Identifier: BSD-3-Clause
// Any call of ours may fail: in whole lives of both elements, from NULL to PLAYING and back with some frames,
// each call and allocation of our libraries fails in turn. Then there is an ERROR message or nothing to
// notice, and the same pipeline works when it is tried again. With FAIL_EXTENT=full it does so with every
// error of the manual page.
#include "gst_test.hpp"

#include <ndsharray/ndsharray.hpp>

#include <support/failing_life.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ndsharray::test {
namespace {

constexpr unsigned frames = 4;

/// Longer than what a std::string keeps without memory.
const std::string tag = "camera-with-a-long-name";

void require(bool condition, const std::string& what) {
    Steps::require(condition, what);
}

/// An ERROR message of GStreamer's own kinds. Nothing is allocated by C++ in here: it would count.
bool is_public_error(GstMessage* message) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    const bool is_public = error->domain == GST_RESOURCE_ERROR || error->domain == GST_STREAM_ERROR ||
                           error->domain == GST_CORE_ERROR;
    g_error_free(error);
    return is_public;
}

/// A pipeline, and what comes of it.
class Played {
  public:
    enum class End { None, Eos, Error, Unknown };

    explicit Played(const std::string& line)
        : pipeline_(gst_parse_launch(line.c_str(), nullptr)), bus_(gst_element_get_bus(pipeline_)) {}
    ~Played() {
        gst_element_set_state(pipeline_, GST_STATE_NULL);
        gst_object_unref(bus_);
        gst_object_unref(pipeline_);
    }
    Played(const Played&) = delete;
    Played& operator=(const Played&) = delete;

    Held<GstElement> operator[](const char* name) const {
        return Held<GstElement>(gst_bin_get_by_name(GST_BIN(pipeline_), name));
    }

    bool set_state(GstState state) {
        return gst_element_set_state(pipeline_, state) != GST_STATE_CHANGE_FAILURE;
    }

    /// How it ended within this time.
    End end(std::chrono::nanoseconds timeout) {
        constexpr auto types = static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
        GstMessage* message =
            gst_bus_timed_pop_filtered(bus_, static_cast<GstClockTime>(timeout.count()), types);
        if (message == nullptr)
            return End::None;
        End end = End::Eos;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
            end = is_public_error(message) ? End::Error : End::Unknown;
        gst_message_unref(message);
        return end;
    }

    /// A run that did not work: it has to say so by an ERROR message, and is over.
    void give_up(End end) {
        if (end == End::None)
            end = this->end(patience);
        require(end == End::Error, "there is no ERROR message");
        require(set_state(GST_STATE_NULL), "it does not go back to NULL");
        gst_bus_set_flushing(bus_, TRUE);
        gst_bus_set_flushing(bus_, FALSE);
    }

  private:
    GstElement* pipeline_;
    GstBus* bus_;
};

/// Reads what is counted, as an application may at any time.
void read_properties(GstElement* element) {
    GstStructure* stats = nullptr;
    char* tag = nullptr;
    g_object_get(element, "stats", &stats, "tag", &tag, nullptr);
    g_free(tag);
    if (stats != nullptr)
        gst_structure_free(stats);
}

void stop(Steps& steps, Played& played) {
    steps.run("NULL", [&] { return played.set_state(GST_STATE_NULL); });
}

void write_as(Steps& steps, const std::string& before, const std::string& properties) {
    {
        Played played("videotestsrc num-buffers=" + std::to_string(frames) +
                      " ! video/x-raw,format=RGB,width=32,height=24 ! " + before +
                      "ndshsink name=sink sync=false tag=" + tag + " " + properties);
        const auto sink = played["sink"];
        Played::End end = Played::End::None;
        steps.run(
            "PLAYING",
            [&] {
                end = Played::End::None;
                if (played.set_state(GST_STATE_PLAYING))
                    end = played.end(patience);
                return end == Played::End::Eos;
            },
            [&] {
                played.give_up(end);
                require(std::filesystem::is_empty(directory()), "files are left of a sink that failed");
            });
        Reader partner(tag);
        require(static_cast<bool>(partner.read(patience)), "the reader got no frame");
        steps.run("properties", [&] {
            read_properties(sink.get());
            return true;
        });
        stop(steps, played);
        require(std::filesystem::is_empty(directory()), "files are left of a sink that was stopped");
    }
}

GstPadProbeReturn count(GstPad*, GstPadProbeInfo*, gpointer counter) {
    g_atomic_int_inc(static_cast<gint*>(counter));
    return GST_PAD_PROBE_OK;
}

/// Whether the kernel said of a file that it is not there. A source believes that and waits for a writer: the
/// kernel tells it of each that comes. That a file is there of which the kernel said otherwise it cannot
/// know.
bool writer_seems_missing() {
    const Failure failure = planned_failure();
    return failure_happened() && failure.call == Call::Open && failure.error == ENOENT;
}

void read_as(Steps& steps, const std::string& properties) {
    const std::uint64_t shape[] = {24, 32, 3};
    const ArraySpec spec = ArraySpec::contiguous(DType::UInt8, shape);
    std::optional<Writer> writer(std::in_place, tag, WriterOptions{.slots = 6});
    const auto let_another_writer_come = [&] {
        end_failures();
        writer.reset();
        writer.emplace(tag, WriterOptions{.slots = 6});
    };
    {
        gint arrived = 0;
        Played played("ndshsrc name=src tag=" + tag + " " + properties +
                      " ! fakesink name=out sync=false async=false");
        const auto source = played["src"];
        const auto out = played["out"];
        GstPad* pad = gst_element_get_static_pad(out.get(), "sink");
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count, &arrived, nullptr);
        gst_object_unref(pad);
        for (unsigned attempt = 0;; ++attempt) {
            g_atomic_int_set(&arrived, 0);
            bool started = false;
            steps.run("PLAYING", [&] {
                started = played.set_state(GST_STATE_PLAYING);
                return true;
            });
            Played::End end = Played::End::None;
            const auto deadline = std::chrono::steady_clock::now() + patience;
            bool other_came = false;
            while (started && end == Played::End::None &&
                   g_atomic_int_get(&arrived) < static_cast<gint>(frames) &&
                   std::chrono::steady_clock::now() < deadline) {
                if (!other_came && writer_seems_missing()) {
                    let_another_writer_come();
                    other_came = true;
                }
                require(writer->publish(writer->acquire(spec)) != 0, "the writer could not go on");
                end = played.end(2ms);
            }
            if (g_atomic_int_get(&arrived) >= static_cast<gint>(frames))
                break;
            require(failure_happened(), "it failed although no call did");
            end_failures();
            played.give_up(end);
            require(attempt < 2, "it does not work again");
        }
        steps.run("properties", [&] {
            read_properties(source.get());
            return true;
        });
        stop(steps, played);
    }
    require(wait_until([&] { return writer->stats().readers == 0; }), "an entry is left");
    std::vector<WritableFrame> all;
    for (unsigned i = 0; i + 1 < writer->stats().slots; ++i)
        all.push_back(writer->acquire(0ns));
    require(all.empty() || static_cast<bool>(all.back()), "a slot is lost");
    all.clear();
    writer.reset();
}

/// So that the bounded form stays short.
constexpr unsigned step = 5;

const std::vector<FailingLife> lives{
    {"Sink", [](Steps& steps) { write_as(steps, "", ""); }, true, step},
    {"CopyingSink", [](Steps& steps) { write_as(steps, "identity drop-allocation=true ! ", "compat=true"); },
     true},
    {"Source", [](Steps& steps) { read_as(steps, ""); }, true, step},
    {"EverySource", [](Steps& steps) { read_as(steps, "mode=every max-leases=0"); }, true, step},
};

class FailingElements : public GstTest, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(FailingElements, SayErrorsThatNothingIsLeftOf) {
    // A thread without work ends, and is not kept for the next work. Some get idle only after all that is
    // waited for.
    g_thread_pool_set_max_unused_threads(0);
    // Loaded once, and not in each life.
    for (const char* name : {"videotestsrc", "identity", "capsfilter", "fakesink", "ndshsink", "ndshsrc"})
        gst_object_unref(gst_object_ref_sink(gst_element_factory_make(name, nullptr)));
    const char* extent = std::getenv("FAIL_EXTENT");
    const bool full = extent != nullptr && std::string(extent) == "full";
    const FailingLife& life = lives.at(GetParam());
    const FailingOutcome outcome = fail_each_call(life, full ? Extent::Full : Extent::Bounded);
    EXPECT_FALSE(outcome.counts.empty());
    for (const FailureCount& counted : outcome.counts)
        std::cout << "| " << life.name << " | " << counted.call << " | " << counted.calls << " | "
                  << counted.errors << " | " << counted.lives << " |\n";
    for (const std::string& problem : outcome.problems)
        ADD_FAILURE() << problem;
    directory_.clear();  // of processes that died
}

INSTANTIATE_TEST_SUITE_P(Lives, FailingElements, ::testing::Range<std::size_t>(0, lives.size()),
                         [](const auto& life) { return lives.at(life.param).name; });

}  // namespace
}  // namespace ndsharray::test
