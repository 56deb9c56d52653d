// SPDX-License-Identifier: BSD-3-Clause
// Whether a certificate is the one that a session description names.
#include "serve/certificate.hpp"

#include <gio/gio.h>

#include <map>
#include <string_view>

namespace ndsharray::serve {
namespace {

const std::map<std::string, GChecksumType>& hashes() {
    static const std::map<std::string, GChecksumType> known{
        {"sha-256", G_CHECKSUM_SHA256}, {"sha-384", G_CHECKSUM_SHA384}, {"sha-512", G_CHECKSUM_SHA512}};
    return known;
}

/// Letters small, nothing but digits and letters.
std::string plain(const std::string& text) {
    std::string found;
    for (const char character : text)
        if (g_ascii_isxdigit(character))
            found += g_ascii_tolower(character);
    return found;
}

/// The certificate as bytes, which the hash is of.
std::string der_of(const std::string& pem) {
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
    const auto from = pem.find(begin);
    const auto to = pem.find("-----END CERTIFICATE-----");
    if (from == std::string::npos || to == std::string::npos || to < from)
        return {};
    const std::string text = pem.substr(from + begin.size(), to - from - begin.size());
    gsize size = 0;
    guchar* bytes = g_base64_decode(text.c_str(), &size);
    std::string der(reinterpret_cast<const char*>(bytes), size);
    g_free(bytes);
    return der;
}

}  // namespace

bool has_fingerprint(const std::string& pem, const std::string& fingerprint) {
    const auto space = fingerprint.find(' ');
    const std::string der = der_of(pem);
    gchar* name = g_ascii_strdown(fingerprint.substr(0, space).c_str(), -1);
    const auto hash = hashes().find(name);
    g_free(name);
    if (space == std::string::npos || der.empty() || hash == hashes().end())
        return false;
    gchar* sum =
        g_compute_checksum_for_data(hash->second, reinterpret_cast<const guchar*>(der.data()), der.size());
    const bool is_same = plain(fingerprint.substr(space + 1)) == sum;
    g_free(sum);
    return is_same;
}

}  // namespace ndsharray::serve
