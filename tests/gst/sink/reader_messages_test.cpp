// SPDX-License-Identifier: BSD-3-Clause
// The sink tells its application of each reader: messages on the bus, signals, num-readers.
#include <unistd.h>

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gst_test.hpp"
#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

struct Told {
    std::string what;
    std::string tag;
    guint pid = 0;
    guint readers = 0;
    bool operator==(const Told&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Told& told) {
    return out << told.what << ' ' << told.tag << ' ' << told.pid << ' ' << told.readers;
}

class ReaderMessages : public GstTest {
  protected:
    ReaderMessages() { writer_.play(); }

    /// The next message about a reader.
    std::optional<Told> next(std::chrono::nanoseconds timeout = patience) {
        const auto message = writer_.message(GST_MESSAGE_ELEMENT, timeout);
        if (!message)
            return std::nullopt;
        const GstStructure* structure = gst_message_get_structure(message.get());
        Told told{gst_structure_get_name(structure), gst_structure_get_string(structure, "tag")};
        EXPECT_TRUE(gst_structure_get(structure, "pid", G_TYPE_UINT, &told.pid, "readers", G_TYPE_UINT,
                                      &told.readers, nullptr));
        EXPECT_STREQ(GST_MESSAGE_SRC_NAME(message.get()), "sink");
        return told;
    }

    Told added(pid_t pid, guint readers) const {
        return {"ndsh-reader-added", tag_, static_cast<guint>(pid), readers};
    }
    Told removed(pid_t pid, guint readers) const {
        return {"ndsh-reader-removed", tag_, static_cast<guint>(pid), readers};
    }

    Pipeline writer_{"appsrc name=in format=time ! ndshsink name=sink sync=false async=false tag=" + tag_};
    const std::string other_ = "ndshsrc name=src tag=" + tag_ + " ! fakesink sync=false";
};

TEST_F(ReaderMessages, NameEachReaderThatComesAndGoes) {
    RemotePipeline first(other_);
    EXPECT_EQ(next(), added(first.pid(), 1));
    {
        RemotePipeline second(other_);
        const pid_t pid = second.pid();
        EXPECT_EQ(next(), added(pid, 2));
        second.stop();
        EXPECT_EQ(next(), removed(pid, 1));
    }
    EXPECT_EQ(num_readers(writer_["sink"]), 1U);
}

TEST_F(ReaderMessages, TellOfAReaderThatIsKilled) {
    RemotePipeline reader(other_);
    const pid_t pid = reader.pid();
    ASSERT_EQ(next(), added(pid, 1));
    reader.kill();
    EXPECT_EQ(next(), removed(pid, 0));
}

TEST_F(ReaderMessages, MissNoneOfManyAtOnceAndKeepTheirOrder) {
    constexpr unsigned many = 20;
    {
        std::vector<std::unique_ptr<Pipeline>> readers;
        for (unsigned i = 0; i < many; ++i)
            readers.push_back(std::make_unique<Pipeline>(other_));
        for (const auto& reader : readers)
            reader->play();
        for (unsigned i = 1; i <= many; ++i)
            ASSERT_EQ(next(), added(::getpid(), i));
    }
    for (unsigned i = many; i-- > 0;)
        ASSERT_EQ(next(), removed(::getpid(), i));
}

TEST_F(ReaderMessages, DoNotComeAfterTheElementStopped) {
    // Again and again, since it is about what happens at the same time.
    for (int round = 0; round < 20; ++round) {
        std::vector<std::unique_ptr<Pipeline>> readers;
        for (int i = 0; i < 4; ++i) {
            readers.push_back(std::make_unique<Pipeline>(other_));
            readers.back()->play();
        }
        ASSERT_TRUE(next()) << round;  // they are just coming
        // The bus of the pipeline would drop what comes in NULL; in READY it does not.
        GstElement* sink = writer_["sink"];
        ASSERT_TRUE(gst_element_set_locked_state(sink, TRUE));
        ASSERT_EQ(gst_element_set_state(sink, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
        while (next(0ns)) {
        }
        readers.clear();
        EXPECT_EQ(next(5ms), std::nullopt);
        EXPECT_EQ(num_readers(sink), 0U);
        gst_element_set_locked_state(sink, FALSE);
        ASSERT_TRUE(gst_element_sync_state_with_parent(sink));
    }
}

/// What the signals say.
class Signals {
  public:
    explicit Signals(GstElement* sink) : sink_(sink) {
        for (const char* name : {"reader-added", "reader-removed"})
            ids_.push_back(g_signal_connect(sink, name, G_CALLBACK(keep), this));
    }
    ~Signals() {
        for (const gulong id : ids_)
            g_signal_handler_disconnect(sink_, id);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    std::vector<guint> pids() {
        const std::lock_guard lock(mutex_);
        return pids_;
    }

  private:
    static void keep(GstElement*, guint pid, guint, gpointer self) {
        auto& signals = *static_cast<Signals*>(self);
        const std::lock_guard lock(signals.mutex_);
        signals.pids_.push_back(pid);
    }

    GstElement* sink_;
    std::vector<gulong> ids_;
    std::mutex mutex_;
    std::vector<guint> pids_;
};

TEST_F(ReaderMessages, ComeWithSignals) {
    Signals signals(writer_["sink"]);
    RemotePipeline reader(other_);
    const auto pid = static_cast<guint>(reader.pid());
    ASSERT_TRUE(wait_until([&] { return signals.pids() == std::vector<guint>{pid}; }));
    reader.stop();
    EXPECT_TRUE(wait_until([&] { return signals.pids() == std::vector<guint>{pid, pid}; }));
}

/// A handler that is called once and does not return until it is told to.
struct BlockedHandler {
    std::atomic<unsigned> calls = 0;
    std::atomic<bool> go_on = false;

    static void handle(GstElement*, guint, guint, gpointer self) {
        auto& blocked = *static_cast<BlockedHandler*>(self);
        ++blocked.calls;
        wait_until([&] { return blocked.go_on.load(); });
    }
};

TEST_F(ReaderMessages, ThatWaitWhenTheElementStopsDoNotCome) {
    BlockedHandler blocked;
    GstElement* sink = writer_["sink"];
    g_signal_connect(sink, "reader-added", G_CALLBACK(BlockedHandler::handle), &blocked);
    Pipeline first(other_), second(other_);
    first.play();
    ASSERT_EQ(next(), added(::getpid(), 1));
    ASSERT_TRUE(wait_until([&] { return blocked.calls == 1; }));
    second.play();
    ASSERT_TRUE(has_readers(sink, 2));
    gst_element_set_locked_state(sink, TRUE);
    ASSERT_EQ(gst_element_set_state(sink, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    blocked.go_on = true;
    EXPECT_EQ(next(50ms), std::nullopt);
    EXPECT_EQ(blocked.calls, 1U);
}

TEST_F(ReaderMessages, ComeOneAtATime) {
    BlockedHandler blocked;
    GstElement* sink = writer_["sink"];
    g_signal_connect(sink, "reader-added", G_CALLBACK(BlockedHandler::handle), &blocked);
    Pipeline first(other_), second(other_);
    first.play();
    ASSERT_TRUE(wait_until([&] { return blocked.calls == 1; }));
    second.play();
    ASSERT_TRUE(has_readers(sink, 2));
    EXPECT_FALSE(wait_until([&] { return blocked.calls > 1; }, 50ms));
    blocked.go_on = true;
    EXPECT_TRUE(wait_until([&] { return blocked.calls == 2; }));
}

TEST_F(ReaderMessages, LetAHandlerStopThePipeline) {
    std::atomic<bool> stopped = false;
    const auto stop = +[](GstElement* sink, guint, guint, gpointer stopped) {
        gst_element_set_locked_state(sink, TRUE);
        gst_element_set_state(sink, GST_STATE_NULL);
        *static_cast<std::atomic<bool>*>(stopped) = true;
    };
    g_signal_connect(writer_["sink"], "reader-added", G_CALLBACK(stop), &stopped);
    Pipeline reader(other_);
    reader.play();
    EXPECT_TRUE(wait_until([&] { return stopped.load(); }));
}

}  // namespace
}  // namespace ndsharray::test
