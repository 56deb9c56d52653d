// SPDX-License-Identifier: BSD-3-Clause
// The thread in which everything happens that RTSP clients ask for.
#pragma once

#include <gst/rtsp-server/rtsp-server.h>

#include <functional>

namespace ndsharray::serve {

/// The requests of all clients are handled in it, one after the other, and here is where their sessions and
/// media go. gst-rtsp-server ends it with its last client, and the next one gets another, while the old one
/// still takes down what its client looked at: who asks for that then is refused. Held by this, it stays. For
/// the same reason nobody else may hold a session, not even for a moment: who gives up the last reference
/// takes down the media.
class RtspThread {
  public:
    explicit RtspThread(GstRTSPServer* server);
    ~RtspThread();
    RtspThread(const RtspThread&) = delete;
    RtspThread& operator=(const RtspThread&) = delete;

    /// Runs `call` in it, later, where nothing of the server is locked. Any thread.
    void run(std::function<void()> call);

    /// Likewise, and waits until it was run. Not in this thread.
    void run_and_wait(const std::function<void()>& call);

    /// Runs `call` in it again and again until it returns false.
    void every(unsigned milliseconds, std::function<bool()> call);

  private:
    GstRTSPThread* thread_;
};

}  // namespace ndsharray::serve
