// SPDX-License-Identifier: BSD-3-Clause
// Columns of text.
#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace ndsharray::cli {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest_first = 16;

}  // namespace

std::string shortened(const std::string& text, std::size_t width) {
    if (text.size() <= width)
        return text;
    if (width < 5)
        return text.substr(0, width);
    const std::size_t tail = (width - 2) / 2;
    return text.substr(0, width - 2 - tail) + ".." + text.substr(text.size() - tail);
}

std::vector<std::size_t> Table::widths(std::size_t width) const {
    std::vector<std::size_t> widths;
    for (const Column& column : columns_)
        widths.push_back(column.title.size());
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    const std::size_t total =
        std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + gap * (widths.size() - 1);
    if (width != 0 && total > width) {
        const std::size_t excess = total - width;
        const std::size_t floor = std::min(narrowest_first, widths[0]);
        widths[0] = widths[0] > floor + excess ? widths[0] - excess : floor;
    }
    return widths;
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string cell = i == 0 ? shortened(cells[i], widths[i]) : cells[i];
        text += std::string(i == 0 ? 0 : gap, ' ');
        text += columns_[i].align == Align::Left ? fmt::format("{:<{}}", cell, widths[i])
                                                 : fmt::format("{:>{}}", cell, widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

std::vector<std::string> Table::lines(std::size_t width) const {
    const std::vector<std::size_t> fitting = widths(width);
    std::vector<std::string> titles;
    for (const Column& column : columns_)
        titles.push_back(column.title);
    std::vector<std::string> lines{line(titles, fitting)};
    for (const auto& row : rows_)
        lines.push_back(line(row, fitting));
    if (width != 0)
        for (std::string& text : lines)
            text.resize(std::min(text.size(), width));
    return lines;
}

}  // namespace ndsharray::cli
