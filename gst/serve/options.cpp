// SPDX-License-Identifier: BSD-3-Clause
// What ndsh-serve was told, and whether that is safe.
#include "serve/options.hpp"

#include <gio/gio.h>

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <memory>
#include <system_error>

namespace ndsharray::serve {
namespace {

/// NAME:PASSWORD, from the first line of a file or as it was given.
bool set_user(Options& options, const std::string& text) {
    const auto colon = text.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == text.size())
        return false;
    options.user = text.substr(0, colon);
    options.password = text.substr(colon + 1);
    return true;
}

/// WIDTHxHEIGHT, which halves of chroma fit in.
bool set_size(Options& options, const std::string& text) {
    const char* end = text.data() + text.size();
    const auto [x, width_error] = std::from_chars(text.data(), end, options.encoder.width);
    if (width_error != std::errc() || x == end || *x != 'x')
        return false;
    const auto [rest, height_error] = std::from_chars(x + 1, end, options.encoder.height);
    const auto fits = [](unsigned side) { return side >= 64 && side <= 8192 && side % 2 == 0; };
    return height_error == std::errc() && rest == end && fits(options.encoder.width) &&
           fits(options.encoder.height);
}

/// \returns nullptr where it is no IP address.
std::unique_ptr<GInetAddress, decltype(&g_object_unref)> address_of(const std::string& text) {
    return {g_inet_address_new_from_string(text.c_str()), g_object_unref};
}

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

}  // namespace

bool Options::is_local() const {
    const auto address = address_of(listen);
    return address != nullptr && g_inet_address_get_is_loopback(address.get()) != FALSE;
}

std::string Options::host() const {
    return listen.find(':') != std::string::npos ? '[' + listen + ']' : listen;
}

bool Options::is_any() const {
    const auto address = address_of(listen);
    return address != nullptr && g_inet_address_get_is_any(address.get()) != FALSE;
}

std::optional<Options> parse(int argc, char** argv, int& exit_code) {
    Options options;
    std::string user, user_file, size;
    std::vector<std::string> ice_servers;
    CLI::App app("Shows every live tag to browsers and players.", "ndsh serve");
    app.set_version_flag("-V,--version", "ndsh-serve " PACKAGE_VERSION, "prints the version");
    app.get_formatter()->column_width(28);
    app.add_option("--listen", options.listen, "the address to listen on (default: 127.0.0.1)")
        ->type_name("ADDRESS");
    app.add_option("--http", options.http, "the port of the page (default: 8080; 0: any)")->type_name("PORT");
    auto* rtsp =
        app.add_option("--rtsp", options.rtsp, "the port of RTSP (default: 8554; 0: any)")->type_name("PORT");
    app.add_flag("--no-rtsp", options.no_rtsp, "serves no RTSP")->excludes(rtsp);
    app.add_option("--user", user, "gives access; other users of this machine see it in ps")
        ->type_name("NAME:PASSWORD");
    app.add_option("--user-file", user_file, "the same, in the first line of a file")
        ->type_name("FILE")
        ->check(CLI::ExistingFile)
        ->excludes("--user");
    auto* certificate = app.add_option("--cert", options.certificate, "certificate for TLS, in PEM")
                            ->type_name("FILE")
                            ->check(CLI::ExistingFile);
    auto* key =
        app.add_option("--key", options.key, "its key, in PEM")->type_name("FILE")->check(CLI::ExistingFile);
    certificate->needs(key);
    key->needs(certificate);
    app.add_flag("--open", options.open, "everybody who reaches the address has access");
    app.add_option("--ice-server", ice_servers,
                   "stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT, for viewers behind routers")
        ->type_name("SERVER");
    app.add_option("--owner", options.owner, "whose tags (default: yours and root's)")->type_name("USER");
    app.add_option("--encoder", options.encoder.element, "the encoder (default: the best that works here)")
        ->type_name("NAME");
    app.add_option("--bitrate", options.encoder.bitrate, "of encoded video (default: by its size)")
        ->type_name("KBIT/S")
        ->check(CLI::Range(50u, 200'000u));
    app.add_option("--fps", options.encoder.fps, "encoded frames a second, at most (default: 60)")
        ->type_name("NUMBER")
        ->check(CLI::Range(1u, 240u));
    app.add_option("--size", size, "of encoded video (default: as the first frame, at most 1920x1080)")
        ->type_name("WxH");
    app.footer(
        "Examples:\n"
        "  ndsh serve\n"
        "  ndsh serve --listen 0.0.0.0 --http 8443 --user-file user.txt --cert c.pem --key k.pem");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error) == 0 ? 0 : 2;
        return std::nullopt;
    }
    if (!user_file.empty())
        user = first_line(user_file);
    const bool wants_user = app.count("--user") + app.count("--user-file") > 0;
    std::string wrong = wants_user && !set_user(options, user) ? "--user needs NAME:PASSWORD"
                        : !size.empty() && !set_size(options, size)
                            ? "--size needs WIDTHxHEIGHT, even numbers from 64 to 8192"
                            : problem(options);
    for (const std::string& text : ice_servers) {
        const auto server = IceServer::parse(text);
        if (server)
            options.ice_servers.push_back(*server);
        else
            wrong = "--ice-server needs stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT";
    }
    if (!wrong.empty()) {
        std::fprintf(stderr, "ndsh-serve: %s\n", wrong.c_str());
        exit_code = 2;
        return std::nullopt;
    }
    return options;
}

std::string problem(const Options& options) {
    if (address_of(options.listen) == nullptr)
        return options.listen + " is no IP address";
    if (options.is_local())
        return {};
    if (options.user.empty() && !options.open)
        return "--listen " + options.listen +
               " shows every tag to everybody who reaches this machine; set --user, or allow it with "
               "--open";
    if (!options.user.empty() && !options.has_tls())
        return "--user sends passwords over the network, which needs --cert and --key";
    return {};
}

}  // namespace ndsharray::serve
