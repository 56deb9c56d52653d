// SPDX-License-Identifier: BSD-3-Clause
// One viewer over WebRTC: what the encoder of its tag makes, sent through a webrtcbin of its own.
#pragma once

#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "owned.hpp"
#include "serve/encoded_tag.hpp"
#include "serve/options.hpp"
#include "serve/whep_offer.hpp"

namespace ndsharray::serve {

/// Of the main loop. It ends by itself where no connection comes about in time, where the viewer says that it
/// leaves, and where nothing was heard of it for some time: a viewer that is killed does not stay.
class WhepSession : public std::enable_shared_from_this<WhepSession> {
  public:
    /// How long a viewer may take to connect after the answer, and how long it may be silent. Players report
    /// what they received every 5 s or more often.
    static constexpr unsigned connects_within_seconds = 10;
    static constexpr unsigned silent_seconds = 15;

    struct Told {
        std::function<void(const std::string& answer)> answered;
        std::function<void(const std::string& why)> ended;  ///< it may be destroyed then
    };

    /// \throws std::runtime_error where an element is missing.
    WhepSession(std::shared_ptr<const Offer> offer, std::shared_ptr<EncodedTag> encoded,
                const Options& options);
    ~WhepSession();
    WhepSession(const WhepSession&) = delete;
    WhepSession& operator=(const WhepSession&) = delete;

    /// Begins; `told` is called later. The answer comes when the local description is complete.
    /// \throws std::runtime_error where the offer is not understood.
    void start(Told told);

    /// What PATCH brought.
    void add(const IceFragment& fragment);

    /// From when the server read a frame until it was sent; 0: none was.
    std::chrono::microseconds age() const { return std::chrono::microseconds(age_us_.load()); }

    /// Of encoded frames that were sent, by all sessions so far.
    static std::uint64_t bytes();

    const std::string& ufrag() const { return offer_->ice().ufrag; }

  private:
    using Then = std::function<void(WhepSession&, const GstStructure* reply)>;
    struct Call;

    static void replied(GstPromise* promise, gpointer call);
    static void notified(GObject*, GParamSpec*, gpointer session);
    static void element_added(GstBin*, GstBin*, GstElement* element, gpointer session);
    static GstPadProbeReturn heard(GstPad*, GstPadProbeInfo*, gpointer session);
    static GstPadProbeReturn asked(GstPad*, GstPadProbeInfo* info, gpointer session);
    static gboolean message(GstBus*, GstMessage* message, gpointer session);

    void listen_at(const Options& options);
    GstPromise* then(Then next);
    void describe(const GstStructure* reply);
    std::string answer() const;
    void look();
    void connected();
    bool is_who_offered() const;
    bool tick();
    void end(const std::string& why);
    bool take(GstSample* sample);

    std::shared_ptr<const Offer> offer_;
    std::shared_ptr<EncodedTag> encoded_;
    gst::Owned<GstElement> pipeline_;
    gst::Owned<GstElement> source_;
    gst::Owned<GstElement> webrtc_;
    std::unique_ptr<EncodedTag::Subscription> subscription_;
    Told told_;
    unsigned timer_ = 0;
    bool has_description_ = false;
    bool has_answered_ = false;
    bool has_ended_ = false;
    std::int64_t begun_ = 0;  // CLOCK_MONOTONIC, in microseconds, as are the others
    std::atomic<std::int64_t> heard_ = 0;
    std::atomic<bool> is_connected_ = false;
    std::atomic<std::int64_t> age_us_ = 0;
};

}  // namespace ndsharray::serve
