// SPDX-License-Identifier: BSD-3-Clause
// Element types: NumPy's names and sizes, and values that never change.
#include <ndsharray/dtype.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace ndsharray::test {
namespace {

struct Expected {
    DType dtype;
    std::uint32_t value;
    std::string_view name;
    std::size_t bytes;
};

constexpr Expected all_types[] = {
    {DType::Int8, 0, "int8", 1},
    {DType::Int16, 1, "int16", 2},
    {DType::Int32, 2, "int32", 4},
    {DType::Int64, 3, "int64", 8},
    {DType::UInt8, 4, "uint8", 1},
    {DType::UInt16, 5, "uint16", 2},
    {DType::UInt32, 6, "uint32", 4},
    {DType::UInt64, 7, "uint64", 8},
    {DType::Float16, 8, "float16", 2},
    {DType::Float32, 9, "float32", 4},
    {DType::Float64, 10, "float64", 8},
    {DType::Float128, 11, "float128", 16},
    {DType::Complex64, 12, "complex64", 8},
    {DType::Complex128, 13, "complex128", 16},
    {DType::Complex256, 14, "complex256", 32},
    {DType::Bool, 15, "bool", 1},
};

TEST(DTypes, AreAllThere) {
    EXPECT_EQ(std::size(all_types), dtype_count);
}

TEST(DTypes, KeepTheirValues) {
    for (const auto& type : all_types)
        EXPECT_EQ(static_cast<std::uint32_t>(type.dtype), type.value) << type.name;
}

TEST(DTypes, HaveNumPysNames) {
    for (const auto& type : all_types)
        EXPECT_EQ(name(type.dtype), type.name);
}

TEST(DTypes, HaveNumPysSizes) {
    for (const auto& type : all_types)
        EXPECT_EQ(item_size(type.dtype), type.bytes) << type.name;
}

TEST(DTypes, HaveNoSizeForOtherValues) {
    for (const std::uint32_t value : {16U, 17U, 255U, 0x80000000U, 0xffffffffU})
        EXPECT_EQ(item_size(static_cast<DType>(value)), 0U) << value;
}

TEST(DTypes, AreInvalidForOtherValues) {
    for (const std::uint32_t value : {16U, 17U, 255U, 0x80000000U, 0xffffffffU})
        EXPECT_EQ(name(static_cast<DType>(value)), "invalid") << value;
}

}  // namespace
}  // namespace ndsharray::test
