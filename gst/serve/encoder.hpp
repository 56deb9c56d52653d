// SPDX-License-Identifier: BSD-3-Clause
// Which encoder is taken, and its settings for low latency.
#pragma once

#include <gst/gst.h>

#include <string>

#include "owned.hpp"

namespace ndsharray::serve {

/// What the command line says of encoding. 0 and empty: chosen by what is there.
struct EncoderOptions {
    std::string element;   ///< such as "x264enc"
    unsigned bitrate = 0;  ///< in kbit/s; 0: by the size of the picture
    unsigned fps = 60;     ///< at most
    unsigned width = 0;    ///< of the encoded picture; 0: as the first frame has it
    unsigned height = 0;
};

enum class Codec { H264, Vp8 };

/// An encoder that is installed and really encodes here: it was tried.
class Encoder {
  public:
    /// Tries `options.element`, or else each encoder in order of preference.
    /// \throws std::runtime_error with a sentence where none works.
    explicit Encoder(const EncoderOptions& options);

    Codec codec() const;

    /// Caps of what comes out: H.264 of constrained baseline with start codes, an access unit in each
    /// buffer, SPS and PPS before each key frame; or VP8.
    gst::Owned<GstCaps> caps() const;

    /// Lets frames that go through the pad, before launch(), say how often they come where they do not:
    /// without that x264enc keeps each frame until the next one comes, to know how long it is seen.
    static void give_rate(GstPad* pad);

    /// Elements for gst_parse_launch() from raw video of that size, in 4:2:0, to caps().
    std::string launch(unsigned width, unsigned height) const;

  private:
    EncoderOptions options_;
    std::string element_;
};

}  // namespace ndsharray::serve
