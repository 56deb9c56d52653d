// SPDX-License-Identifier: BSD-3-Clause
#include "long_double.hpp"

#include <cfloat>

namespace ndsharray::mirror {
namespace {

// By the digits of its fraction, which differ from format to format.
constexpr std::string_view this_format() {
    switch (LDBL_MANT_DIG) {
        case 53:
            return "IEEE 64 bit";
        case 64:
            return "x87 80 bit";
        case 106:
            return "double-double 128 bit";
        case 113:
            return "IEEE 128 bit";
        default:
            return "unknown";
    }
}

bool has_long_double(const ArraySpec& spec) {
    return spec.dtype == DType::Float128 || spec.dtype == DType::Complex256;
}

}  // namespace

void add_long_double(Attributes& attributes, const ArraySpec& spec) {
    if (has_long_double(spec))
        attributes.emplace(long_double_attribute, this_format());
}

std::string long_double_problem(const Attributes& attributes, const ArraySpec& spec) {
    const auto format = attributes.find(long_double_attribute);
    if (!has_long_double(spec) || format == attributes.end() || format->second == this_format())
        return {};
    return "its " + std::string(name(spec.dtype)) + " elements come from another kind of processor (" +
           format->second + "; here: " + std::string(this_format()) + ") and would be other numbers here; " +
           (spec.dtype == DType::Float128 ? "float64 is" : "complex128 is") + " the same everywhere";
}

}  // namespace ndsharray::mirror
