// SPDX-License-Identifier: BSD-3-Clause
// Tells browsers to show each frame as soon as it is decoded.
#include "serve/playout_delay.hpp"

#include <gst/rtp/rtp.h>

#include <array>

namespace ndsharray::serve {
namespace {

gboolean extend(GstBuffer** buffer, guint, gpointer number) {
    /// The least and the most delay, of twelve bits each.
    static const std::array<guint8, 3> none{};
    *buffer = gst_buffer_make_writable(*buffer);
    GstRTPBuffer packet = GST_RTP_BUFFER_INIT;
    if (gst_rtp_buffer_map(*buffer, GST_MAP_READWRITE, &packet)) {
        gst_rtp_buffer_add_extension_onebyte_header(&packet, static_cast<guint8>(GPOINTER_TO_UINT(number)),
                                                    none.data(), none.size());
        gst_rtp_buffer_unmap(&packet);
    }
    return TRUE;
}

GstPadProbeReturn pass(GstPad*, GstPadProbeInfo* info, gpointer number) {
    if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0) {
        GstBufferList* list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
        gst_buffer_list_foreach(list, extend, number);
        GST_PAD_PROBE_INFO_DATA(info) = list;
    } else {
        GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
        extend(&buffer, 0, number);
        GST_PAD_PROBE_INFO_DATA(info) = buffer;
    }
    return GST_PAD_PROBE_OK;
}

}  // namespace

void ask_for_no_playout_delay(GstPad* pad, unsigned number) {
    gst_pad_add_probe(
        pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST), pass,
        GUINT_TO_POINTER(number), nullptr);
}

}  // namespace ndsharray::serve
