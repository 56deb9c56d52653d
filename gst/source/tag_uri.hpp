// SPDX-License-Identifier: BSD-3-Clause
// URIs of tags, such as ndsh://cam0?mode=every: what they say of an element, and what an element says in one.
#pragma once

#include <gst/gst.h>

#include <map>
#include <stdexcept>
#include <string>

namespace ndsharray::gst {

inline constexpr const char* uri_scheme = "ndsh";

/// Why a URI is none of a tag, or says what an element does not know: a sentence that says what is allowed.
struct UriProblem : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// ndsh://TAG?property=value&property=value. Tags are case-sensitive.
struct TagUri {
    std::string tag;
    std::map<std::string, std::string> settings;  ///< by property, in the words of a launch line

    /// Also takes ndsh:///TAG, for programs that write the part after the second slash in lower case.
    /// \throws UriProblem
    static TagUri parse(const std::string& uri);
};

/// Sets what the URI names on an element with the property "tag", that one last; or nothing at all. What the
/// URI does not name stays as it is.
/// \throws UriProblem for a property the element itself does not have, or a value it cannot have.
void set_from_uri(GObject* element, const TagUri& uri);

/// The URI with which another element becomes like this one; empty without a tag.
std::string uri_of(GObject* element);

}  // namespace ndsharray::gst
