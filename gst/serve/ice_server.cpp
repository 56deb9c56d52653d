// SPDX-License-Identifier: BSD-3-Clause
// STUN and TURN servers: as the command line, webrtcbin and viewers name them.
#include <glib.h>

#include "serve/options.hpp"

namespace ndsharray::serve {
namespace {

/// For a URI.
std::string escaped(const std::string& text) {
    gchar* copy = g_uri_escape_string(text.c_str(), nullptr, FALSE);
    std::string found(copy);
    g_free(copy);
    return found;
}

/// For a header: neither a quotation mark nor a line ends early.
bool is_harmless(const std::string& text) {
    return text.find_first_of("\"\\<>\r\n ") == std::string::npos;
}

}  // namespace

std::optional<IceServer> IceServer::parse(const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos || !is_harmless(text))
        return std::nullopt;
    IceServer server{
        .scheme = text.substr(0, colon), .address = text.substr(colon + 1), .user = {}, .password = {}};
    const bool is_turn = server.scheme == "turn" || server.scheme == "turns";
    if (!is_turn && server.scheme != "stun")
        return std::nullopt;
    if (is_turn) {
        const auto at = server.address.rfind('@');
        const auto between = server.address.find(':');
        if (at == std::string::npos || between >= at)
            return std::nullopt;
        server.user = server.address.substr(0, between);
        server.password = server.address.substr(between + 1, at - between - 1);
        server.address = server.address.substr(at + 1);
        if (server.user.empty() || server.password.empty())
            return std::nullopt;
    }
    if (server.address.empty() || server.address.find_first_of("@/") != std::string::npos)
        return std::nullopt;
    return server;
}

std::string IceServer::uri() const {
    const std::string credentials = user.empty() ? "" : escaped(user) + ':' + escaped(password) + '@';
    return scheme + "://" + credentials + address;
}

std::string IceServer::link() const {
    std::string text = '<' + scheme + ':' + address + ">; rel=\"ice-server\"";
    if (!user.empty())
        text += "; username=\"" + user + "\"; credential=\"" + password + "\"; credential-type=\"password\"";
    return text;
}

}  // namespace ndsharray::serve
