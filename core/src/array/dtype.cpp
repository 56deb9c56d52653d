// SPDX-License-Identifier: BSD-3-Clause
// The element types an array can have: NumPy's names, NumPy's sizes.
#include <ndsharray/dtype.hpp>

#include <array>

namespace ndsharray {
namespace {

struct Row {
    std::string_view name;
    std::size_t bytes;
};

// In the order of the enumerators.
constexpr std::array<Row, dtype_count> table{{
    {"int8", 1},
    {"int16", 2},
    {"int32", 4},
    {"int64", 8},
    {"uint8", 1},
    {"uint16", 2},
    {"uint32", 4},
    {"uint64", 8},
    {"float16", 2},
    {"float32", 4},
    {"float64", 8},
    {"float128", 16},
    {"complex64", 8},
    {"complex128", 16},
    {"complex256", 32},
    {"bool", 1},
}};
static_assert(table[static_cast<std::size_t>(DType::UInt8)].name == "uint8");
static_assert(table[static_cast<std::size_t>(DType::Bool)].name == "bool");

}  // namespace

std::size_t item_size(DType dtype) noexcept {
    const auto index = static_cast<std::size_t>(dtype);
    return index < table.size() ? table[index].bytes : 0;
}

std::string_view name(DType dtype) noexcept {
    const auto index = static_cast<std::size_t>(dtype);
    return index < table.size() ? table[index].name : "invalid";
}

}  // namespace ndsharray
