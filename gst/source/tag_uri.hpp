// SPDX-License-Identifier: BSD-3-Clause
// URIs of tags, such as ndsh://cam0?mode=every: parsing them, setting an element by one, and making one.
#pragma once

#include <gst/gst.h>

#include <map>
#include <stdexcept>
#include <string>

namespace ndsharray::gst {

inline constexpr const char* uri_scheme = "ndsh";

/// The fault of a URI: it does not name a tag, or the element does not know a setting. what() also says what
/// is allowed.
struct UriProblem : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// ndsh://TAG?property=value&property=value. Tags are case-sensitive.
struct TagUri {
    std::string tag;
    std::map<std::string, std::string> settings;  ///< by property, with values as in a launch line

    /// Also accepts ndsh:///TAG, because some programs write the part after the second slash in lower case.
    /// \throws UriProblem
    static TagUri parse(const std::string& uri);
};

/// Sets the properties that the URI names on an element, and then the property "tag". If there is a fault,
/// sets nothing. Other properties stay unchanged.
/// \throws UriProblem if the element's own class does not have a property, or a value is not valid.
void set_from_uri(GObject* element, const TagUri& uri);

/// The URI that gives another element the settings of this one. Empty if there is no tag.
std::string uri_of(GObject* element);

}  // namespace ndsharray::gst
