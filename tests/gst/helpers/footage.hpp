// SPDX-License-Identifier: BSD-3-Clause
// Real footage, and the front of a pipeline that decodes it.
#pragma once

#include <string>

namespace ndsharray::test {

/// A screen recording, 1024x768, of Debian's package gnome-user-docs.
inline constexpr const char* footage = "/usr/share/help/C/gnome-help/figures/display-dual-monitors.webm";

inline std::string decoding(const std::string& decoder) {
    return std::string("filesrc location=") + footage + " ! matroskademux ! " + decoder + " ! ";
}

}  // namespace ndsharray::test
