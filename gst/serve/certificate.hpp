// SPDX-License-Identifier: BSD-3-Clause
// Whether a certificate is the one that a session description names.
#pragma once

#include <string>

namespace ndsharray::serve {

/// \param pem the certificate
/// \param fingerprint as RFC 8122 has it: "sha-256 AB:CD:..."
bool has_fingerprint(const std::string& pem, const std::string& fingerprint);

}  // namespace ndsharray::serve
