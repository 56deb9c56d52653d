// SPDX-License-Identifier: BSD-3-Clause
// What a viewer offers over WHEP, and the answer to it. webrtcbin sees nothing that a viewer wrote: only what
// was understood here, written anew.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "serve/encoder.hpp"
#include "serve/sdp.hpp"

namespace ndsharray::serve {

/// RTP's name for it.
const char* name_of(Codec codec);

/// Who a viewer is on the network (RFC 8839), and where it can be reached.
struct IceFragment {
    std::string ufrag;  ///< empty where the fragment does not say
    std::vector<std::string> candidates;

    /// What PATCH brings (RFC 8840). \throws std::invalid_argument.
    static IceFragment parse(const std::string& text);
};

class Offer {
  public:
    /// \throws std::invalid_argument with a sentence for the viewer.
    explicit Offer(const std::string& text);
    Offer(const Offer&) = delete;
    Offer& operator=(const Offer&) = delete;

    /// The payload type under which the viewer takes this codec.
    std::optional<unsigned> payload(Codec codec) const;

    /// The number under which the viewer takes the header extension "playout-delay".
    std::optional<unsigned> playout_delay() const;

    /// An offer of the video alone, in this codec alone.
    std::string reduced(Codec codec) const;

    /// The answer: the video as in the answer `local` to the reduced offer, everything else declined.
    std::string answer(const std::string& local, Codec codec) const;

    const IceFragment& ice() const { return ice_; }

    /// The fingerprint of the viewer's certificate: the hash and its bytes in hexadecimal, with colons.
    const std::string& fingerprint() const { return fingerprint_; }

  private:
    /// An attribute of the transport, which the session or the first medium of the bundle may state for all.
    std::string transport(std::string_view name) const;
    std::string fmtp(Codec codec) const;
    std::string declined(const SdpSection& section, const SdpSection& video) const;

    Sdp offer_;
    const SdpSection* video_ = nullptr;
    std::vector<std::string> bundle_;  // mids
    std::string mid_;                  // of the video
    std::string pwd_;
    std::string fingerprint_;
    std::string setup_;
    IceFragment ice_;
};

}  // namespace ndsharray::serve
