// SPDX-License-Identifier: BSD-3-Clause
// Who may ask for what: the password, the page that asks, and the headers that tell browsers so. One place
// for HTTP.
#pragma once

#include <libsoup/soup.h>

#include "serve/options.hpp"

namespace ndsharray::serve {

/// Makes the server refuse, before a handler sees it: requests without the password, from pages of other
/// hosts, under a name that a local server does not have, and with a body that is too large or of unknown
/// size.
void guard(SoupServer* server, const Options& options);

/// Compares in a time that does not depend on how much is alike.
bool same_secret(const std::string& one, const std::string& other);

}  // namespace ndsharray::serve
