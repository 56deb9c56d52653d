// SPDX-License-Identifier: BSD-3-Clause
// A probe on a pad that comes and goes.
#pragma once

#include <gst/gst.h>

namespace ndsharray::gst {

/// While a pad has any probe, GStreamer looks for probes with every buffer, which costs a frame that nobody
/// waits for as many cache lines as a tenth of its way. So a probe is there only while it is needed. For one
/// thread at a time.
class PadProbe {
  public:
    /// \param data of the callback; must outlive the pad
    PadProbe(GstPad* pad, int types, GstPadProbeCallback callback, gpointer data)
        : pad_(pad), types_(static_cast<GstPadProbeType>(types)), callback_(callback), data_(data) {}

    void set_present(bool is_wanted) {
        if (is_wanted == (id_ != 0)) {
            return;
        }
        if (is_wanted) {
            id_ = gst_pad_add_probe(pad_, types_, callback_, data_, nullptr);
        } else {
            gst_pad_remove_probe(pad_, id_);
            id_ = 0;
        }
    }

  private:
    GstPad* pad_;
    GstPadProbeType types_;
    GstPadProbeCallback callback_;
    gpointer data_;
    gulong id_ = 0;
};

}  // namespace ndsharray::gst
