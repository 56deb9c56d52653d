// SPDX-License-Identifier: BSD-3-Clause
// Tells a source that its streaming thread has paused or stopped.
#include "source/task_end.hpp"

#include <memory>

namespace ndsharray::gst {
namespace {

/// The function that a task had before it was watched.
struct WatchedTask {
    GstTask* task;  // owns this object
    GstTaskFunction function;
    gpointer data;
    GDestroyNotify notify;
    std::function<void()> at_rest;
};

void run(gpointer data) {
    const auto* watched = static_cast<WatchedTask*>(data);
    watched->function(watched->data);
    if (gst_task_get_state(watched->task) != GST_TASK_STARTED) {
        watched->at_rest();
    }
}

void destroy(gpointer data) {
    const std::unique_ptr<WatchedTask> watched(static_cast<WatchedTask*>(data));
    if (watched->notify) {
        watched->notify(watched->data);
    }
}

/// The task that was created, if the message is about that; nullptr for all other messages.
GstTask* created_task(GstElement* element, GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_STREAM_STATUS) {
        return nullptr;
    }
    GstStreamStatusType type{};
    GstElement* owner = nullptr;
    gst_message_parse_stream_status(message, &type, &owner);
    const GValue* object = gst_message_get_stream_status_object(message);
    const bool is_created = type == GST_STREAM_STATUS_TYPE_CREATE && owner == element;
    return is_created && object && G_VALUE_HOLDS(object, GST_TYPE_TASK) ? GST_TASK(g_value_get_object(object))
                                                                        : nullptr;
}

}  // namespace

/// A task that is being created does not run yet. So its function can still be replaced.
void watch_task(GstElement* element, GstMessage* message, const std::function<void()>& at_rest) {
    if (GstTask* task = created_task(element, message)) {
        auto watched = std::make_unique<WatchedTask>(
            WatchedTask{task, task->func, task->user_data, task->notify, at_rest});
        task->func = run;
        task->user_data = watched.release();
        task->notify = destroy;
    }
}

}  // namespace ndsharray::gst
