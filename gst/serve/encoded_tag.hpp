// SPDX-License-Identifier: BSD-3-Clause
// The frames of one tag, encoded once for all who look: over RTSP and WebRTC.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "owned.hpp"
#include "serve/encoder.hpp"
#include "serve/tag_source.hpp"

namespace ndsharray::serve {

/// A pipeline that reads the tag and encodes its frames. It goes on while the writer leaves, is killed, comes
/// back or writes other arrays; the encoded picture keeps its size, and whatever comes is fitted into it.
/// Any thread may call any function.
class EncodedTag : public std::enable_shared_from_this<EncodedTag> {
  public:
    /// Gets each encoded frame, with its caps, in the thread that encodes. Returns at once, and neither
    /// subscribes nor unsubscribes. The PTS is a running time of the system clock since base_time().
    /// \returns whether it took the frame. If not, the next one that it gets is a key frame.
    using Take = std::function<bool(GstSample*)>;

    /// While it lives, frames come. Its destruction waits for a call of `Take` that is running.
    class Subscription {
      public:
        Subscription(std::shared_ptr<EncodedTag> tag, Take take);
        ~Subscription();
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;

        EncodedTag& tag() const { return *tag_; }

      private:
        friend class EncodedTag;
        std::shared_ptr<EncodedTag> tag_;
        Take take_;
        bool waits_for_key_frame_ = true;  // guarded by the mutex of the tag
    };

    /// Of EncodedTags alone.
    EncodedTag(std::string tag, std::string owner, const Encoder& encoder, const EncoderOptions& options,
               const Look& look);
    ~EncodedTag();
    EncodedTag(const EncodedTag&) = delete;
    EncodedTag& operator=(const EncodedTag&) = delete;

    /// Makes the pipeline, once. \throws std::runtime_error with a sentence where that fails.
    void play();

    /// Each frame from the next key frame on, which is asked for.
    [[nodiscard]] std::unique_ptr<Subscription> subscribe(Take take);

    /// The next frame becomes a key frame; requests that come fast become one.
    void request_key_frame() { wants_key_frame_ = true; }

    /// As Encoder::caps(); known before there is a frame.
    gst::Owned<GstCaps> caps() const { return encoder_.caps(); }
    Codec codec() const { return encoder_.codec(); }
    GstClockTime base_time() const { return base_time_; }

  private:
    void stop();
    void restart(unsigned life);
    static GstBusSyncReply heard(GstBus*, GstMessage* message, gpointer life);
    void connect(GstElement* source);
    bool let_through(GstPad* pad, GstBuffer* buffer);
    void send(GstSample* sample);

    std::string tag_;
    std::string owner_;
    Encoder encoder_;
    unsigned fps_;
    bool is_video_;
    unsigned width_;
    unsigned height_;
    unsigned lives_ = 0;  // pipelines so far
    GstClockTime base_time_ = 0;
    gst::Owned<GstObject> clock_;
    gst::Owned<GstObject> pipeline_;
    std::unique_ptr<ArraySource> arrays_;

    std::atomic<bool> wants_key_frame_ = false;
    GstClockTime key_frame_asked_ = 0;         // of the thread that reads
    GstClockTime next_ = GST_CLOCK_TIME_NONE;  // likewise: no frame before

    std::mutex mutex_;  // guards subscriptions_
    std::list<Subscription*> subscriptions_;
};

/// All that is encoded now: one EncodedTag per tag while somebody holds it.
class EncodedTags {
  public:
    EncodedTags(const Encoder& encoder, const EncoderOptions& options, std::string owner);

    /// Waits a moment for the first frame: not for the main loop.
    /// \throws std::runtime_error with a sentence where the tag has nothing to see yet.
    std::shared_ptr<EncodedTag> of(const std::string& tag);

    const Encoder& encoder() const { return encoder_; }

  private:
    std::shared_ptr<EncodedTag> find(const std::string& tag);

    Encoder encoder_;
    EncoderOptions options_;
    std::string owner_;
    std::mutex mutex_;  // guards what follows
    std::map<std::string, std::weak_ptr<EncodedTag>> all_;
};

}  // namespace ndsharray::serve
