// SPDX-License-Identifier: BSD-3-Clause
// The thread in which everything happens that RTSP clients ask for.
#include "serve/rtsp_thread.hpp"

#include <future>
#include <stdexcept>
#include <utility>

#include "serve/main_loop.hpp"

namespace ndsharray::serve {

RtspThread::RtspThread(GstRTSPServer* server) {
    GstRTSPThreadPool* pool = gst_rtsp_server_get_thread_pool(server);
    gst_rtsp_thread_pool_set_max_threads(pool, 1);
    GstRTSPContext context{};
    context.server = server;
    thread_ = gst_rtsp_thread_pool_get_thread(pool, GST_RTSP_THREAD_TYPE_CLIENT, &context);
    g_object_unref(pool);
    if (thread_ == nullptr)
        throw std::runtime_error("there is no thread for RTSP");
}

RtspThread::~RtspThread() {
    gst_rtsp_thread_stop(thread_);
}

void RtspThread::run(std::function<void()> call) {
    attach(g_idle_source_new(), thread_->context, [call = std::move(call)] {
        call();
        return false;
    });
}

void RtspThread::run_and_wait(const std::function<void()>& call) {
    std::promise<void> done;
    run([&] {
        call();
        done.set_value();
    });
    done.get_future().wait();
}

void RtspThread::every(unsigned milliseconds, std::function<bool()> call) {
    attach(g_timeout_source_new(milliseconds), thread_->context, std::move(call));
}

}  // namespace ndsharray::serve
