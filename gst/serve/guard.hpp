// SPDX-License-Identifier: BSD-3-Clause
// Who may ask for what: the password, the page that asks, and the headers that tell browsers so. One place
// for HTTP and RTSP.
#pragma once

#include <gst/rtsp-server/rtsp-server.h>
#include <libsoup/soup.h>

#include <string>
#include <string_view>

#include "serve/options.hpp"

namespace ndsharray::serve {

/// Makes the server refuse, before a handler sees it: requests without the password, from pages of other
/// hosts, under a name that a local server does not have, and with a body that is too large or of unknown
/// size.
void guard(SoupServer* server, const Options& options);

/// Makes the server ask for the password, as Digest or Basic, before it says anything of a tag, and speak TLS
/// where there is a certificate. No viewer can have packets sent to another host.
/// \throws std::runtime_error where the certificate cannot be used.
void guard(GstRTSPServer* server, const Options& options);

/// Lets those see its media whom guard() lets in.
void allow_viewers(GstRTSPMediaFactory* factory);

/// The certificate for TLS, for the caller to unref; nullptr where there is none.
/// \throws std::runtime_error where it cannot be used.
GTlsCertificate* certificate_of(const Options& options);

/// The name in "NAME:PORT" or "[ADDRESS]:PORT".
std::string_view without_port(std::string_view host);

/// Compares in a time that does not depend on how much is alike.
bool same_secret(const std::string& one, const std::string& other);

}  // namespace ndsharray::serve
