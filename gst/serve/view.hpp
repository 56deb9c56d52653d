// SPDX-License-Identifier: BSD-3-Clause
// How somebody wants to look at an array: what the query of a URL says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ndsharray::serve {

enum class ColourMap { Gray, Viridis, Inferno, Turbo };
enum class Bayer { Auto, None, Rggb, Bggr, Grbg, Gbrg };
enum class Channels { Auto, None, First, Last };

struct View {
    std::vector<std::uint64_t> index;  ///< per leading axis, from the first; what is missing is 0
    std::optional<double> low;         ///< percentiles that become black and white
    std::optional<double> high;
    ColourMap map = ColourMap::Gray;
    Bayer bayer = Bayer::Auto;  ///< Auto: what the tag says of its mosaic
    Channels channels = Channels::Auto;
    unsigned width = 0;  ///< at most so wide; 0: as it is
    unsigned quality = 85;
    unsigned fps = 30;  ///< at most

    /// Whether the numbers are asked for as they are, not as a picture of them.
    bool is_plain() const {
        return !low && !high && map == ColourMap::Gray && (bayer == Bayer::Auto || bayer == Bayer::None);
    }
};

/// \throws std::invalid_argument with a sentence for the viewer.
View view_of(const char* query);

/// The number that a key of a query has. \throws std::invalid_argument.
std::optional<std::uint64_t> number_in(const char* query, const char* key);

}  // namespace ndsharray::serve
