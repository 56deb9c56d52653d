// SPDX-License-Identifier: BSD-3-Clause
// HOST:PORT as people write it.
#include "engine.hpp"

#include <ndsharray/error.hpp>

#include <algorithm>
#include <charconv>

namespace ndsharray::mirror {
namespace {

[[noreturn]] void wrong(const std::string& text) {
    throw Error(ErrorCode::InvalidArgument,
                "\"" + text + "\" is no HOST:PORT, such as 10.0.0.7:7447, edge-7 or [::1]:7447");
}

bool is_port(const std::string& text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size();
}

bool is_host(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
               c == '-' || c == '_' || c == ':' || c == '%';
    });
}

}  // namespace

Address Address::parse(const std::string& text) {
    Address address;
    std::string port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string::npos)
            wrong(text);
        address.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else {
        const auto colon = text.find(':');
        address.host = text.substr(0, colon);
        port = colon == std::string::npos ? "" : text.substr(colon);
    }
    if (!port.empty()) {
        address.port = port.substr(1);
        if (port.front() != ':' || !is_port(address.port))
            wrong(text);
    }
    if (!is_host(address.host))
        wrong(text);
    return address;
}

std::string Address::to_string() const {
    return host.find(':') == std::string::npos ? host + ":" + port : "[" + host + "]:" + port;
}

bool Address::is_local() const {
    const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;
    return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_number);
}

}  // namespace ndsharray::mirror
