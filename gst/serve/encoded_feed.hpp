// SPDX-License-Identifier: BSD-3-Clause
// Frames of an EncodedTag for an appsrc in the pipeline of one protocol or viewer.
#pragma once

#include <gst/app/gstappsrc.h>

#include <memory>

#include "serve/encoded_tag.hpp"

namespace ndsharray::serve {

/// While it lives, encoded frames go into the appsrc, from a key frame on. If the appsrc is not emptied,
/// frames are left out up to the next key frame after it was: it holds a second of frames at most, and nobody
/// waits. The pipeline of the appsrc has to use the system clock (gst_pipeline_use_clock).
class EncodedFeed {
  public:
    EncodedFeed(std::shared_ptr<EncodedTag> tag, GstAppSrc* appsrc);
    ~EncodedFeed();
    EncodedFeed(const EncodedFeed&) = delete;
    EncodedFeed& operator=(const EncodedFeed&) = delete;

    void request_key_frame() { subscription_->tag().request_key_frame(); }

  private:
    bool take(GstSample* sample);
    static GstPadProbeReturn set_time(GstPad*, GstPadProbeInfo* info, gpointer self);

    gst::Owned<GstObject> appsrc_;
    GstClockTime base_time_;
    unsigned long probe_;
    std::unique_ptr<EncodedTag::Subscription> subscription_;
};

}  // namespace ndsharray::serve
