// SPDX-License-Identifier: BSD-3-Clause
// Which way up a picture is: the tag "image-orientation" in events.
#pragma once

#include <gst/gst.h>

#include <optional>

#include "metadata/format.hpp"

namespace ndsharray::gst {

/// The tag's value, such as "rotate-90".
const char* orientation_tag(Orientation orientation);

/// (transfer full) An event that says this of the stream.
GstEvent* orientation_event(Orientation orientation);

/// What the events of a stream say. What is said of the stream counts more than what is said of its
/// container.
class OrientationOfStream {
  public:
    /// Looks at an event that came from upstream. \returns whether it could have changed anything.
    bool observe(GstEvent* event);

    /// Nothing if it was not said.
    std::optional<Orientation> get() const { return of_stream_ ? of_stream_ : of_container_; }

  private:
    std::optional<Orientation> of_stream_;
    std::optional<Orientation> of_container_;
};

}  // namespace ndsharray::gst
