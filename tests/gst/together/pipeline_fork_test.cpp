// SPDX-License-Identifier: BSD-3-Clause
// A process that forks while its pipelines play: whatever the child does with them, the parent plays on.
#include "gst_test.hpp"

#include <support/child_process.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <vector>

#include "load.hpp"

namespace ndsharray::test {
namespace {

/// What a forked child does with pipelines whose threads stayed with the parent. May hang: GStreamer waits
/// there for those threads. Pipelines of its own are not to be had: GLib hands their work to threads of its
/// pool, which stayed behind as well.
using ChildPart = void (*)(TagPipelines& pipelines);

const std::map<std::string, ChildPart, std::less<>> child_parts = {
    {"stop_writer", [](TagPipelines& own) { gst_element_set_state(own.writer().get(), GST_STATE_NULL); }},
    {"stop_reader", [](TagPipelines& own) { gst_element_set_state(own.reader().get(), GST_STATE_NULL); }},
    {"stop_sink", [](TagPipelines& own) { gst_element_set_state(own.writer()["sink"], GST_STATE_NULL); }},
    {"stop_source", [](TagPipelines& own) { gst_element_set_state(own.reader()["src"], GST_STATE_NULL); }},
    {"ask",
     [](TagPipelines& own) {
         counter(own.writer()["sink"], "published");
         counter(own.reader()["src"], "frames");
         num_readers(own.writer()["sink"]);
     }},
    {"exit", [](TagPipelines&) { std::exit(0); }},
    {"exec", [](TagPipelines&) { ::execl("/bin/true", "true", nullptr); }},
};

/// Whether the child must come to its end by itself: it takes no lock that a thread of the parent may have
/// held.
bool has_to_end(const std::string& part) {
    return part == "exit" || part == "exec";
}

/// Plays, forks in the midst of it, and tells what became of both.
int fork_in_pipeline(Channel& channel, const Arguments& arguments) {
    gst_init(nullptr, nullptr);
    const std::string part = arguments.at(1), caps = caps_text("RGB", 64, 48);
    TagPipelines pipelines(arguments.at(0));
    unsigned frames = 0;
    const auto pass = [&](unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            if (!pipelines.pass(caps, frames++))
                return false;
        return true;
    };
    std::string said = pass(20) ? "played" : "did not play";
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        child_parts.at(part)(pipelines);
        ::_exit(0);
    }
    said += pass(50) ? ", played on" : ", did not play on";
    int status = 0;
    const bool ended = wait_until([&] { return ::waitpid(child, &status, WNOHANG) == child; },
                                  has_to_end(part) ? std::chrono::nanoseconds(patience) : 500ms);
    if (!ended) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
    }
    if (has_to_end(part) && (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
        said += ", the child did not end well";
    said += pass(50) ? ", and on" : ", and not on";
    channel.send(said);
    return 0;
}
const RegisteredRole fork_in_pipeline_role("fork_in_pipeline", fork_in_pipeline);

class PipelineFork : public GstTest, public ::testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(ChildThatDoes, PipelineFork,
                         ::testing::Values("stop_writer", "stop_reader", "stop_sink", "stop_source", "ask",
                                           "exit", "exec"),
                         [](const auto& info) { return info.param; });

TEST_P(PipelineFork, LeavesTheParentsPipelinesPlaying) {
    ChildProcess process("fork_in_pipeline", {tag_, GetParam()});
    EXPECT_EQ(process.channel().receive(3 * patience), "played, played on, and on");
    EXPECT_EQ(process.wait_for_exit(), 0);
}

}  // namespace
}  // namespace ndsharray::test
