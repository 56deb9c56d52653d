// SPDX-License-Identifier: BSD-3-Clause
// Tells the application which readers attach and detach: by bus messages, signals and "num-readers".
#include "sink/reader_messages.hpp"

#include <utility>

GST_DEBUG_CATEGORY_EXTERN(ndshsink_debug);
#define GST_CAT_DEFAULT ndshsink_debug

namespace ndsharray::gst {
namespace {

constexpr const char* added_signal = "reader-added";
constexpr const char* removed_signal = "reader-removed";

bool is_added(const ReaderChange& change) {
    return change.kind == ReaderChange::Kind::Added;
}

void install_signal(GObjectClass* klass, const char* name) {
    g_signal_new(name, G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr, G_TYPE_NONE,
                 2, G_TYPE_UINT, G_TYPE_UINT);
}

/// Runs a function with the element in a thread of GStreamer. The element stays alive until then.
void call_async(GstElement* element, GstElementCallAsyncFunc function, gpointer data) {
    gst_element_call_async(element, function, data, nullptr);
}

void notify_readers(GstElement* element, gpointer) {
    g_object_notify(G_OBJECT(element), "num-readers");
}

}  // namespace

void install_reader_signals(GObjectClass* klass) {
    install_signal(klass, added_signal);
    install_signal(klass, removed_signal);
}

void ReaderMessages::start(const std::string& tag) {
    const std::lock_guard posting(posting_);
    ++run_;
    tag_ = tag;
    readers_ = 0;
}

void ReaderMessages::tell(const ReaderChange& change) {
    const std::lock_guard lock(mutex_);
    queue_.push_back({change, run_});
    // GStreamer may use several threads. This makes one call at a time.
    if (!std::exchange(is_telling_, true)) {
        call_async(
            element_, [](GstElement*, gpointer self) { static_cast<ReaderMessages*>(self)->tell_all(); },
            this);
    }
}

void ReaderMessages::stop() {
    const std::lock_guard posting(posting_);
    ++run_;
    if (readers_.exchange(0) != 0) {
        call_async(element_, notify_readers, nullptr);
    }
}

void ReaderMessages::tell_all() {
    for (;;) {
        News news;
        {
            const std::lock_guard lock(mutex_);
            if (queue_.empty()) {
                is_telling_ = false;
                return;
            }
            news = queue_.front();
            queue_.pop_front();
        }
        if (post(news)) {
            const char* signal = is_added(news.change) ? added_signal : removed_signal;
            g_signal_emit_by_name(element_, signal, guint{news.change.pid}, guint{news.change.readers});
            notify_readers(element_, nullptr);
        }
    }
}

/// \returns false if the change belongs to a run that is over.
bool ReaderMessages::post(const News& news) {
    const std::lock_guard posting(posting_);
    if (news.run != run_) {
        return false;
    }
    const ReaderChange& change = news.change;
    readers_ = change.readers;
    GST_INFO_OBJECT(element_, "process %u %s reading, %u readers", change.pid,
                    is_added(change) ? "began" : "ended", change.readers);
    gst_element_post_message(
        element_, gst_message_new_element(
                      GST_OBJECT(element_),
                      gst_structure_new(is_added(change) ? "ndsh-reader-added" : "ndsh-reader-removed",  //
                                        "tag", G_TYPE_STRING, tag_.c_str(),                              //
                                        "pid", G_TYPE_UINT, guint{change.pid},                           //
                                        "readers", G_TYPE_UINT, guint{change.readers}, nullptr)));
    return true;
}

}  // namespace ndsharray::gst
