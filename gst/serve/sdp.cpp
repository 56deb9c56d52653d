// SPDX-License-Identifier: BSD-3-Clause
// A session description (RFC 8866), or a fragment of one, as its lines. Nothing in it is trusted.
#include "serve/sdp.hpp"

#include <glib.h>

#include <algorithm>
#include <stdexcept>

namespace ndsharray::serve {
namespace {

/// Chromium's offer for one video has some 170 lines.
constexpr std::size_t most_lines = 2000;
constexpr std::size_t most_characters = 1024;  // of a line
constexpr std::size_t most_sections = 16;

bool is_printable(char character) {
    return static_cast<unsigned char>(character) >= 0x20 && character != 0x7f;
}

void require_line(std::string_view line) {
    if (line.size() < 2 || line[1] != '=' || !g_ascii_islower(line[0]))
        throw std::invalid_argument("a line of a session description begins with a letter and =");
    if (line.size() > most_characters)
        throw std::invalid_argument("a line of the session description is too long");
    if (!std::all_of(line.begin(), line.end(), is_printable))
        throw std::invalid_argument("a session description is text");
}

/// The value where `attribute` has this name.
std::optional<std::string> value_of(std::string_view attribute, std::string_view name) {
    if (!attribute.starts_with(name))
        return std::nullopt;
    attribute.remove_prefix(name.size());
    if (attribute.empty())
        return std::string();
    if (attribute[0] != ':')
        return std::nullopt;
    return std::string(attribute.substr(1));
}

}  // namespace

std::optional<std::string> SdpSection::value(std::string_view name) const {
    for (const std::string& attribute : attributes)
        if (auto found = value_of(attribute, name))
            return found;
    return std::nullopt;
}

std::vector<std::string> SdpSection::values(std::string_view name) const {
    std::vector<std::string> found;
    for (const std::string& attribute : attributes)
        if (auto one = value_of(attribute, name))
            found.push_back(std::move(*one));
    return found;
}

std::vector<std::string> SdpSection::words() const {
    return words_of(media);
}

Sdp Sdp::parse(const std::string& text) {
    Sdp found;
    std::size_t lines = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty() && rest.empty())
            break;
        require_line(line);
        if (++lines > most_lines)
            throw std::invalid_argument("the session description has too many lines");
        const std::string content(line.substr(2));
        if (line[0] == 'm') {
            if (found.sections.size() == most_sections)
                throw std::invalid_argument("the session description has too many media");
            found.sections.push_back({content, {}});
        } else if (line[0] == 'a') {
            (found.sections.empty() ? found.session : found.sections.back()).attributes.push_back(content);
        }
    }
    return found;
}

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> found;
    for (std::size_t from = 0; from <= text.size();) {
        const auto end = std::min(text.find(' ', from), text.size());
        found.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    return found;
}

bool is_token(std::string_view text, std::size_t least, std::size_t most, std::string_view others) {
    return text.size() >= least && text.size() <= most &&
           std::all_of(text.begin(), text.end(), [others](char character) {
               return g_ascii_isalnum(character) || others.find(character) != std::string_view::npos;
           });
}

}  // namespace ndsharray::serve
