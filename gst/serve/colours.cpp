// SPDX-License-Identifier: BSD-3-Clause
// The colour maps: what colour a number from 0 to 255 has. Nine colours of each map, the rest between them.
#include "serve/colours.hpp"

#include <cstddef>

namespace ndsharray::serve {
namespace {

using Anchors = std::array<Colour, 9>;

constexpr Anchors gray{{{0, 0, 0},
                        {32, 32, 32},
                        {64, 64, 64},
                        {96, 96, 96},
                        {128, 128, 128},
                        {159, 159, 159},
                        {191, 191, 191},
                        {223, 223, 223},
                        {255, 255, 255}}};
constexpr Anchors viridis{{{68, 1, 84},
                           {71, 44, 122},
                           {59, 81, 139},
                           {44, 113, 142},
                           {33, 144, 141},
                           {39, 173, 129},
                           {92, 200, 99},
                           {170, 220, 50},
                           {253, 231, 37}}};
constexpr Anchors inferno{{{0, 0, 4},
                           {31, 12, 72},
                           {85, 15, 109},
                           {136, 34, 106},
                           {186, 54, 85},
                           {227, 89, 51},
                           {249, 140, 10},
                           {249, 201, 50},
                           {252, 255, 164}}};
constexpr Anchors turbo{{{48, 18, 59},
                         {70, 107, 227},
                         {40, 188, 235},
                         {50, 242, 152},
                         {164, 252, 60},
                         {238, 207, 58},
                         {251, 126, 33},
                         {208, 47, 5},
                         {122, 4, 3}}};

constexpr std::array<Colour, 256> table_of(const Anchors& anchors) {
    std::array<Colour, 256> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const std::size_t place = i * (anchors.size() - 1);
        const std::size_t below = place / 255 == anchors.size() - 1 ? anchors.size() - 2 : place / 255;
        const std::size_t part = place - below * 255;
        for (std::size_t c = 0; c < 3; ++c)
            table[i][c] = static_cast<std::uint8_t>(
                (anchors[below][c] * (255 - part) + anchors[below + 1][c] * part + 127) / 255);
    }
    return table;
}

constexpr std::array<std::array<Colour, 256>, 4> tables{table_of(gray), table_of(viridis), table_of(inferno),
                                                        table_of(turbo)};

}  // namespace

const std::array<Colour, 256>& colours(ColourMap map) {
    return tables.at(static_cast<std::size_t>(map));
}

}  // namespace ndsharray::serve
