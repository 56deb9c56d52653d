// SPDX-License-Identifier: BSD-3-Clause
// The orientation of pictures: the tag "image-orientation" in events.
#pragma once

#include <gst/gst.h>

#include <optional>

#include "metadata/format.hpp"

namespace ndsharray::gst {

/// The value of the tag, such as "rotate-90".
const char* orientation_tag(Orientation orientation);

/// An event with this orientation of the stream. \returns (transfer full)
GstEvent* orientation_event(Orientation orientation);

/// The orientation that the events of a stream give. A tag of the stream counts more than a tag of its
/// container.
class OrientationOfStream {
  public:
    /// Takes note of an event from upstream. \returns whether the orientation may have changed.
    bool observe(GstEvent* event);

    /// Nothing if no event gave it.
    std::optional<Orientation> get() const { return of_stream_ ? of_stream_ : of_container_; }

  private:
    std::optional<Orientation> of_stream_;
    std::optional<Orientation> of_container_;
};

}  // namespace ndsharray::gst
