// SPDX-License-Identifier: BSD-3-Clause
// A pipeline made from a launch line, and waiting for what it says on its bus.
#include "pipeline.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

namespace ndsharray::test {
namespace {

Held<GstElement> parse(const std::string& description) {
    gst_init(nullptr, nullptr);
    GError* error = nullptr;
    constexpr auto flags =
        static_cast<GstParseFlags>(GST_PARSE_FLAG_FATAL_ERRORS | GST_PARSE_FLAG_PLACE_IN_BIN);
    Held<GstElement> element(gst_parse_launch_full(description.c_str(), nullptr, flags, &error));
    if (error) {
        const std::string what = description + ": " + error->message;
        g_error_free(error);
        throw std::runtime_error(what);
    }
    if (GST_IS_PIPELINE(element.get()))
        return element;
    Held<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
    gst_bin_add(GST_BIN(pipeline.get()), element.release());
    return pipeline;
}

GstClockTime clock_time(std::chrono::nanoseconds time) {
    return static_cast<GstClockTime>(time.count());
}

PipelineError parsed(GstMessage* message) {
    GError* error = nullptr;
    char* debug = nullptr;
    gst_message_parse_error(message, &error, &debug);
    PipelineError result{error->domain, error->code, GST_MESSAGE_SRC_NAME(message), error->message,
                         debug ? debug : ""};
    g_error_free(error);
    g_free(debug);
    return result;
}

}  // namespace

Pipeline::Pipeline(const std::string& description)
    : pipeline_(parse(description)), bus_(gst_element_get_bus(pipeline_.get())) {}

Pipeline::~Pipeline() {
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

GstElement* Pipeline::operator[](const char* name) const {
    GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline_.get()), name);
    if (!element)
        throw std::runtime_error(std::string("no element ") + name);
    gst_object_unref(element);  // the pipeline has its own reference
    return element;
}

bool Pipeline::set_state(GstState state) {
    return gst_element_set_state(pipeline_.get(), state) != GST_STATE_CHANGE_FAILURE;
}

bool Pipeline::reaches(GstState state, std::chrono::nanoseconds timeout) {
    if (!set_state(state))
        return false;
    GstState reached = GST_STATE_VOID_PENDING;
    const auto result = gst_element_get_state(pipeline_.get(), &reached, nullptr, clock_time(timeout));
    return (result == GST_STATE_CHANGE_SUCCESS || result == GST_STATE_CHANGE_NO_PREROLL) && reached == state;
}

void Pipeline::play() {
    if (!set_state(GST_STATE_PLAYING))
        throw std::runtime_error("cannot play: " + error(std::chrono::nanoseconds(0)).sentence);
}

Held<GstMessage> Pipeline::message(int types, std::chrono::nanoseconds timeout) {
    return Held<GstMessage>(
        gst_bus_timed_pop_filtered(bus_.get(), clock_time(timeout), static_cast<GstMessageType>(types)));
}

bool Pipeline::ends(std::chrono::nanoseconds timeout) {
    const auto message = this->message(GST_MESSAGE_EOS | GST_MESSAGE_ERROR, timeout);
    if (message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR)
        ADD_FAILURE() << parsed(message.get()).sentence;
    return message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS;
}

PipelineError Pipeline::error(std::chrono::nanoseconds timeout) {
    const auto message = this->message(GST_MESSAGE_ERROR | GST_MESSAGE_EOS, timeout);
    const bool failed = message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR;
    return failed ? parsed(message.get()) : PipelineError{};
}

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\')
            result += '\\';
        result += letter;
    }
    return result + '"';
}

std::uint64_t counter(GstElement* element, const char* field) {
    GstStructure* structure = nullptr;
    g_object_get(element, "stats", &structure, nullptr);
    const Held<GstStructure> stats(structure);
    guint64 large = 0;
    guint small = 0;
    if (gst_structure_get_uint64(stats.get(), field, &large))
        return large;
    EXPECT_TRUE(gst_structure_get_uint(stats.get(), field, &small)) << field;
    return small;
}

bool has_counted_all(GstElement* sink) {
    return wait_until(
        [&] { return counter(sink, "copied") + counter(sink, "zero-copied") == counter(sink, "published"); });
}

unsigned num_readers(GstElement* sink) {
    guint readers = 0;
    g_object_get(sink, "num-readers", &readers, nullptr);
    return readers;
}

bool has_readers(GstElement* sink, unsigned count) {
    return wait_until([&] { return counter(sink, "readers") == count; });
}

}  // namespace ndsharray::test
