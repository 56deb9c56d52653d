// SPDX-License-Identifier: BSD-3-Clause
// A pipeline that plays in a process of its own and does what a test tells it; gst-launch-1.0 as well.
#include "remote_pipeline.hpp"

#include <unistd.h>

#include <cstdio>
#include <sstream>
#include <stdexcept>

#include "frames.hpp"
#include "pipeline.hpp"

namespace ndsharray::test {
namespace {

std::string described(const Sample& sample) {
    std::ostringstream text;
    const gst::Owned<char> caps(gst_caps_to_string(sample.caps()));
    text << "frame " << sample.pts() << ' ' << sample.offset() << ' ' << sample.is_discont() << ' '
         << sample.checksum() << ' ' << caps.get();
    return text.str();
}

std::string run_pull(Pipeline& pipeline, std::istringstream& words) {
    std::chrono::milliseconds::rep milliseconds = 0;
    words >> milliseconds;
    const Sample sample = pull(pipeline["out"], std::chrono::milliseconds(milliseconds));
    if (sample)
        return described(sample);
    if (!is_at_end(pipeline["out"]))
        return "timeout";
    const PipelineError error = pipeline.error(std::chrono::nanoseconds(0));
    return error.domain == 0 ? "eos" : "error " + error.sentence;
}

std::string run_push(Pipeline& pipeline, std::istringstream& words) {
    unsigned first = 0, count = 0;
    std::string caps;
    words >> first >> count >> caps;
    if (!push_random(pipeline["in"], caps, first, count))
        throw std::runtime_error("the appsrc did not take a frame");
    return "";
}

std::string obey(Pipeline& pipeline, const std::string& message) {
    std::istringstream words(message);
    std::string command;
    words >> command;
    if (command == "pull")
        return run_pull(pipeline, words);
    if (command == "push")
        return run_push(pipeline, words);
    if (command == "ends")
        return pipeline.ends() ? "1" : "0";
    if (command == "counter") {
        std::string element, field;
        words >> element >> field;
        return std::to_string(counter(pipeline[element.c_str()], field.c_str()));
    }
    if (command == "end") {
        end(pipeline["in"]);
        return "";
    }
    throw std::runtime_error("no command " + command);
}

int run_pipeline(Channel& channel, const Arguments& arguments) {
    Pipeline pipeline(arguments.at(0));
    pipeline.play();
    channel.send("playing");
    while (const auto message = channel.receive(std::nullopt)) {
        if (*message == "stop")
            return pipeline.set_state(GST_STATE_NULL) ? 0 : 1;
        try {
            channel.send("ok " + obey(pipeline, *message));
        } catch (const std::exception& error) {
            channel.send(error.what());
        }
    }
    return 0;
}

int run_gst_launch(Channel&, const Arguments& arguments) {
    std::vector<std::string> words{"gst-launch-1.0", "-q"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    std::perror("gst-launch-1.0");
    return 127;
}

const RegisteredRole pipeline_role("pipeline", run_pipeline);
const RegisteredRole gst_launch_role("gst-launch", run_gst_launch);

}  // namespace

RemotePipeline::RemotePipeline(const std::string& description) : process_("pipeline", {description}) {
    if (!process_.channel().receive(3 * patience))
        throw std::runtime_error("the other process cannot play " + description);
}

std::string RemotePipeline::ask(const std::string& command) {
    process_.channel().send(command);
    const auto answer = process_.channel().receive(3 * patience);
    if (!answer)
        throw std::runtime_error("the other process ended at: " + command);
    if (!answer->starts_with("ok "))
        throw std::runtime_error(*answer);
    return answer->substr(3);
}

RemoteSample RemotePipeline::pull(std::chrono::milliseconds timeout) {
    std::istringstream words(ask("pull " + std::to_string(timeout.count())));
    RemoteSample result;
    std::string kind;
    words >> kind;
    if (kind == "frame") {
        result.kind = RemoteSample::Kind::Frame;
        words >> result.pts >> result.offset >> result.is_discont >> result.checksum;
    } else if (kind == "eos") {
        result.kind = RemoteSample::Kind::Eos;
    } else if (kind == "error") {
        result.kind = RemoteSample::Kind::Error;
    }
    std::getline(words >> std::ws, result.text);
    return result;
}

void RemotePipeline::push_random(const std::string& caps, unsigned first, unsigned count) {
    ask("push " + std::to_string(first) + " " + std::to_string(count) + " " + caps);
}

void RemotePipeline::end() {
    ask("end");
}

bool RemotePipeline::ends() {
    return ask("ends") == "1";
}

std::uint64_t RemotePipeline::counter(const std::string& element, const std::string& field) {
    return std::stoull(ask("counter " + element + " " + field));
}

void RemotePipeline::stop() {
    process_.channel().send("stop");
    if (process_.wait_for_exit() != 0)
        throw std::runtime_error("the other process did not end well");
}

ChildProcess gst_launch(const std::string& description) {
    std::istringstream words(description);
    Arguments arguments;
    for (std::string word; words >> word;)
        arguments.push_back(word);
    return ChildProcess("gst-launch", arguments);
}

}  // namespace ndsharray::test
