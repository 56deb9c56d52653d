// SPDX-License-Identifier: BSD-3-Clause
// Columns of text.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ndsharray::cli {

enum class Align { Left, Right };

struct Column {
    std::string title;
    Align align = Align::Left;
};

/// Rows of cells under titles. Cells are printable ASCII.
class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    /// The titles and the rows as lines. In a terminal of `width` columns the first column gives way, and
    /// what is still too long is cut. \param width 0: as wide as it gets.
    std::vector<std::string> lines(std::size_t width) const;

  private:
    std::vector<std::size_t> widths(std::size_t width) const;
    std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// The text with its middle left out where it is longer than `width`, so that both ends can be seen.
std::string shortened(const std::string& text, std::size_t width);

}  // namespace ndsharray::cli
