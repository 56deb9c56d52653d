// SPDX-License-Identifier: BSD-3-Clause
// What ndsh-serve was told, and whether that is safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "serve/encoder.hpp"

namespace ndsharray::serve {

/// A STUN or TURN server, through which viewers behind a router are reached.
struct IceServer {
    std::string scheme;   ///< stun, turn, turns
    std::string address;  ///< HOST or HOST:PORT, and a query where there is one
    std::string user, password;

    /// From "stun:HOST:PORT" or "turn:USER:PASSWORD@HOST:PORT". \returns nothing for anything else.
    static std::optional<IceServer> parse(const std::string& text);

    /// As webrtcbin wants it.
    std::string uri() const;

    /// As the header Link tells viewers of it.
    std::string link() const;
};

struct Options {
    std::string listen = "127.0.0.1";
    std::uint16_t http = 8080;
    std::uint16_t rtsp = 8554;
    bool no_rtsp = false;
    std::string user;  ///< empty: everybody may look
    std::string password;
    std::string certificate;  ///< files in PEM
    std::string key;
    bool open = false;
    std::vector<IceServer> ice_servers;
    std::string owner;  ///< whose tags; empty: this user's and root's
    EncoderOptions encoder;

    bool is_local() const;

    /// Whether it listens at every address of this machine.
    bool is_any() const;

    /// The address to listen on as a URL has it.
    std::string host() const;
    bool has_tls() const { return !certificate.empty(); }
};

/// What the command line says. \returns nothing where the program is done, with `exit_code` set.
std::optional<Options> parse(int argc, char** argv, int& exit_code);

/// Why these options are refused, or an empty string. Passwords do not cross a network in the clear, and
/// without a password nothing is shown to a network by mistake.
std::string problem(const Options& options);

}  // namespace ndsharray::serve
