// SPDX-License-Identifier: BSD-3-Clause
// One side of a run: a process with one pipeline, steered over its channel.
#include <support/child_process.hpp>

#include <gst/gst.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench_sink.hpp"
#include "bench_src.hpp"
#include "plan.hpp"

namespace ndsharray::bench {
namespace {

using test::Arguments;
using test::Channel;

struct Unref {
    void operator()(GstElement* element) const noexcept { gst_object_unref(element); }
};
using Element = std::unique_ptr<GstElement, Unref>;

Element parse(const std::string& launch) {
    g_autoptr(GError) error = nullptr;
    Element pipeline(gst_parse_launch(launch.c_str(), &error));
    if (error != nullptr)
        throw std::runtime_error(error->message);
    gst_object_ref_sink(pipeline.get());
    return pipeline;
}

/// Runs in whichever thread posts the message.
GstBusSyncReply report_error(GstBus*, GstMessage* message, gpointer channel) {
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        g_autoptr(GError) error = nullptr;
        g_autofree char* details = nullptr;
        gst_message_parse_error(message, &error, &details);
        send(*static_cast<Channel*>(channel),
             {event::error, std::string(error->message) + " " + (details ? details : ""), {}});
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
}

class Pipeline {
  public:
    Pipeline(Channel& channel, const ProcessPlan& plan)
        : pipeline_(parse(plan.launch)), source_(element("source")), sink_(element("sink")) {
        const Notify notify = notify_over(channel);
        if (source_)
            configure_source(source_.get(), plan.source, notify);
        if (sink_)
            configure_sink(sink_.get(), plan.sink, notify);
        g_autoptr(GstBus) bus = gst_element_get_bus(pipeline_.get());
        gst_bus_set_sync_handler(bus, report_error, &channel, nullptr);
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);  // what fails is on the bus
    }
    ~Pipeline() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    void go() {
        if (source_)
            end_warm_up(source_.get());
    }

    SideResult progress() const {
        SideResult result;
        if (source_)
            result.frames = frames_pushed(source_.get());
        return result;
    }

  private:
    Element element(const char* name) const {
        return Element(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
    }

    Element pipeline_;
    Element source_;
    Element sink_;
};

int run_pipeline(Channel& channel, const Arguments& arguments) {
    gst_init(nullptr, nullptr);
    register_source();
    register_sink();
    Pipeline pipeline(channel, plan_of(arguments));
    while (const auto order = channel.receive(std::nullopt)) {
        if (*order == command::go)
            pipeline.go();
        else if (*order == command::progress)
            send(channel, {event::progress, {}, pipeline.progress()});
        else if (*order == command::stop)
            break;
    }
    return 0;
}

const test::RegisteredRole pipeline_role("pipeline", run_pipeline);

}  // namespace
}  // namespace ndsharray::bench
