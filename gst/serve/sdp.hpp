// SPDX-License-Identifier: BSD-3-Clause
// A session description (RFC 8866), or a fragment of one, as its lines. Nothing in it is trusted.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray::serve {

/// What stands before the first "m=" line, or from one to the next.
struct SdpSection {
    std::string media;                    ///< behind "m="; empty for the session
    std::vector<std::string> attributes;  ///< behind "a="

    /// The value of the first attribute of this name; empty text for one without a value.
    std::optional<std::string> value(std::string_view name) const;

    /// The values of all attributes of this name.
    std::vector<std::string> values(std::string_view name) const;

    bool has(std::string_view name) const { return value(name).has_value(); }

    /// The words of the "m=" line: kind, port, protocol, formats.
    std::vector<std::string> words() const;
};

struct Sdp {
    SdpSection session;
    std::vector<SdpSection> sections;

    /// \throws std::invalid_argument with a sentence for who sent it.
    static Sdp parse(const std::string& text);
};

/// The words of a text, which single spaces part.
std::vector<std::string> words_of(const std::string& text);

/// Whether the text has between `least` and `most` characters, all of them letters, digits or of `others`.
bool is_token(std::string_view text, std::size_t least, std::size_t most, std::string_view others);

}  // namespace ndsharray::serve
