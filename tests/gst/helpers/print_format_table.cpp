// SPDX-License-Identifier: BSD-3-Clause
// Prints the table of formats in gst/README.md: paste it between the markers formats:begin and formats:end.
#include <iostream>

#include "format_table.hpp"

int main() {
    gst_init(nullptr, nullptr);
    std::cout << ndsharray::gst::format_table();
}
