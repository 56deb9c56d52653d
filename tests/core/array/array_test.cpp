// SPDX-License-Identifier: BSD-3-Clause
// Array layouts: what can be made, what is refused, and what is said about them.
#include "core_test.hpp"

#include <ndsharray/array.hpp>
#include <ndsharray/error.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace ndsharray::test {
namespace {

Strides strides_of(const ArraySpec& spec) {
    return {spec.strides.begin(), spec.strides.begin() + spec.ndim};
}

/// Whether making it throws InvalidArgument.
template <typename Make>
::testing::AssertionResult is_refused(Make&& make) {
    try {
        make();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::InvalidArgument)
            return ::testing::AssertionFailure() << "wrong code " << name(error.code());
        return ::testing::AssertionSuccess() << error.what();
    }
    return ::testing::AssertionFailure() << "it was accepted";
}

TEST(ContiguousArray, HasCOrderStrides) {
    const auto spec = ArraySpec::contiguous(DType::UInt16, Shape{4, 3, 2});
    EXPECT_EQ(strides_of(spec), (Strides{12, 4, 2}));
}

TEST(ContiguousArray, OccupiesItsElements) {
    const auto spec = ArraySpec::contiguous(DType::Float64, Shape{4, 3});
    EXPECT_EQ(spec.size(), 12U);
    EXPECT_EQ(spec.extent(), 96U);
    EXPECT_EQ(spec.bytes, 96U);
}

TEST(ContiguousArray, IsContiguous) {
    EXPECT_TRUE(ArraySpec::contiguous(DType::UInt8, Shape{4, 3, 2}).is_contiguous());
}

TEST(ContiguousArray, HasNoProblem) {
    EXPECT_EQ(ArraySpec::contiguous(DType::UInt8, Shape{4, 3, 2}).problem(), "");
}

TEST(ContiguousArray, KeepsItsByteOrder) {
    EXPECT_EQ(ArraySpec::contiguous(DType::UInt16, Shape{4}, ByteOrder::Big).byte_order, ByteOrder::Big);
    EXPECT_EQ(ArraySpec::contiguous(DType::UInt16, Shape{4}).byte_order, native_byte_order);
}

TEST(ContiguousArray, MayHaveNoDimensions) {
    const auto spec = ArraySpec::contiguous(DType::Complex128, Shape{});
    EXPECT_EQ(spec.ndim, 0U);
    EXPECT_EQ(spec.size(), 1U);
    EXPECT_EQ(spec.extent(), 16U);
    EXPECT_EQ(spec.bytes, 16U);
    EXPECT_TRUE(spec.is_contiguous());
    EXPECT_EQ(spec.problem(), "");
}

TEST(ContiguousArray, MayHaveNoElements) {
    for (const Shape& shape : {Shape{0}, Shape{0, 5}, Shape{5, 0}, Shape{5, 0, 7}}) {
        const auto spec = ArraySpec::contiguous(DType::Int32, shape);
        EXPECT_EQ(spec.size(), 0U);
        EXPECT_EQ(spec.extent(), 0U);
        EXPECT_EQ(spec.bytes, 0U);
        EXPECT_TRUE(spec.is_contiguous());
        EXPECT_EQ(spec.problem(), "");
    }
}

TEST(ContiguousArray, MayHaveThirtyTwoDimensions) {
    const auto spec = ArraySpec::contiguous(DType::UInt8, Shape(32, 1));
    EXPECT_EQ(spec.ndim, 32U);
    EXPECT_EQ(spec.problem(), "");
}

TEST(ContiguousArray, MayNotHaveThirtyThreeDimensions) {
    EXPECT_TRUE(is_refused([] { ArraySpec::contiguous(DType::UInt8, Shape(33, 1)); }));
}

TEST(ContiguousArray, MayNotHaveAnUnknownType) {
    EXPECT_TRUE(is_refused([] { ArraySpec::contiguous(static_cast<DType>(16), Shape{1}); }));
}

TEST(ContiguousArray, MayHaveTwoToThe62Bytes) {
    const auto spec = ArraySpec::contiguous(DType::UInt8, Shape{std::uint64_t{1} << 62});
    EXPECT_EQ(spec.bytes, std::uint64_t{1} << 62);
}

TEST(ContiguousArray, MayNotHaveMoreBytes) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    for (const Shape& shape : {Shape{(std::uint64_t{1} << 62) + 1}, Shape{most}, Shape{most, most},
                               Shape{std::uint64_t{1} << 32, std::uint64_t{1} << 32}, Shape(32, 1024)})
        EXPECT_TRUE(is_refused([&] { ArraySpec::contiguous(DType::UInt8, shape); }));
    EXPECT_TRUE(
        is_refused([] { ArraySpec::contiguous(DType::UInt16, Shape{(std::uint64_t{1} << 61) + 1}); }));
}

TEST(StridedArray, KeepsPaddedRows) {
    const auto spec = ArraySpec::strided(DType::UInt8, Shape{4, 10, 3}, Strides{32, 3, 1});
    EXPECT_EQ(strides_of(spec), (Strides{32, 3, 1}));
    EXPECT_EQ(spec.size(), 120U);
    EXPECT_EQ(spec.extent(), 3 * 32U + 30U);
    EXPECT_EQ(spec.bytes, spec.extent());
    EXPECT_FALSE(spec.is_contiguous());
    EXPECT_EQ(spec.problem(), "");
}

TEST(StridedArray, KeepsPaddingAfterTheLastElement) {
    const auto spec = ArraySpec::strided(DType::UInt8, Shape{4, 30}, Strides{32, 1}, 128);
    EXPECT_EQ(spec.bytes, 128U);
    EXPECT_EQ(spec.extent(), 126U);
}

TEST(StridedArray, MayNotHaveFewerBytesThanItsExtent) {
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{4, 30}, Strides{32, 1}, 125); }));
}

TEST(StridedArray, IsContiguousWithoutGaps) {
    EXPECT_TRUE(ArraySpec::strided(DType::Int16, Shape{4, 3}, Strides{6, 2}).is_contiguous());
}

TEST(StridedArray, MayBeInFortranOrder) {
    const auto spec = ArraySpec::strided(DType::UInt16, Shape{4, 3}, Strides{2, 8});
    EXPECT_EQ(spec.extent(), 24U);
    EXPECT_FALSE(spec.is_contiguous());
    EXPECT_EQ(spec.problem(), "");
}

TEST(StridedArray, MayHaveAnyStrideWhereADimensionIsOne) {
    const auto spec = ArraySpec::strided(DType::UInt8, Shape{1, 4}, Strides{0, 1});
    EXPECT_EQ(spec.problem(), "");
    EXPECT_EQ(spec.extent(), 4U);
}

TEST(StridedArray, MayNotHaveNegativeStrides) {
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{4, 3}, Strides{-3, 1}); }));
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{4, 3}, Strides{-3, 1}, 12); }));
}

TEST(StridedArray, MayNotLetElementsOverlap) {
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{4, 4}, Strides{2, 1}); }));
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{4, 4}, Strides{0, 1}); }));
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt16, Shape{4}, Strides{1}); }));
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{2, 2}, Strides{1, 1}); }));
}

TEST(StridedArray, NeedsAStridePerDimension) {
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{4, 3}, Strides{1}); }));
}

TEST(StridedArray, MayNotHaveThirtyThreeDimensions) {
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape(33, 1), Strides(33, 1)); }));
}

TEST(StridedArray, MayNotHaveMoreThanTwoToThe62Bytes) {
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{2, 2}, Strides{largest, largest}); }));
    EXPECT_TRUE(is_refused([] { ArraySpec::strided(DType::UInt8, Shape{5}, Strides{largest / 2}); }));
    EXPECT_TRUE(is_refused(
        [] { ArraySpec::strided(DType::UInt8, Shape{4}, Strides{1}, (std::uint64_t{1} << 62) + 1); }));
}

TEST(Problem, IsASentenceThatTellsWhatIsWrong) {
    auto spec = ArraySpec::contiguous(DType::UInt8, Shape{4, 3});
    spec.ndim = 33;
    EXPECT_NE(spec.problem().find("33"), std::string::npos) << spec.problem();
}

TEST(Problem, IsFoundInEachField) {
    const auto good = ArraySpec::contiguous(DType::UInt16, Shape{4, 3});
    auto bad = good;
    bad.dtype = static_cast<DType>(99);
    EXPECT_NE(bad.problem(), "");
    bad = good;
    bad.byte_order = static_cast<ByteOrder>(2);
    EXPECT_NE(bad.problem(), "");
    bad = good;
    bad.ndim = 0xffffffffU;
    EXPECT_NE(bad.problem(), "");
    bad = good;
    bad.strides[1] = -2;
    EXPECT_NE(bad.problem(), "");
    bad = good;
    bad.shape[0] = std::numeric_limits<std::uint64_t>::max();
    EXPECT_NE(bad.problem(), "");
    bad = good;
    bad.bytes = 23;
    EXPECT_NE(bad.problem(), "");
    bad = good;
    bad.bytes = std::numeric_limits<std::uint64_t>::max();
    EXPECT_NE(bad.problem(), "");
}

TEST(Problem, IsSafeToAskOfAnyBitPattern) {
    std::mt19937_64 random(1);
    unsigned accepted = 0;
    for (int round = 0; round < 20000; ++round) {
        ArraySpec spec;
        spec.dtype = static_cast<DType>(random() % 20);
        spec.byte_order = static_cast<ByteOrder>(random() % 3);
        spec.ndim = static_cast<std::uint32_t>(round % 3 == 0 ? random() : random() % 34);
        spec.bytes = random() >> random() % 64;
        for (auto& length : spec.shape)
            length = random() >> random() % 64;
        for (auto& stride : spec.strides)
            stride = static_cast<std::int64_t>(random() >> random() % 64);
        accepted += spec.problem().empty() ? 1 : 0;
        EXPECT_FALSE(spec.to_string().empty());
    }
    EXPECT_LT(accepted, 20000U);
}

TEST(Equality, HoldsForTheSameLayout) {
    EXPECT_EQ(ArraySpec::contiguous(DType::UInt8, Shape{4, 3}),
              ArraySpec::strided(DType::UInt8, Shape{4, 3}, Strides{3, 1}));
}

TEST(Equality, IgnoresWhatLiesBeyondTheDimensions) {
    const auto spec = ArraySpec::contiguous(DType::UInt8, Shape{4, 3});
    auto other = spec;
    other.shape[2] = 7;
    other.strides[2] = 7;
    EXPECT_EQ(spec, other);
}

TEST(Equality, LooksAtEachField) {
    const auto spec = ArraySpec::strided(DType::UInt8, Shape{4, 3}, Strides{4, 1});
    EXPECT_FALSE(spec == ArraySpec::strided(DType::Int8, Shape{4, 3}, Strides{4, 1}));
    EXPECT_FALSE(spec == ArraySpec::strided(DType::UInt8, Shape{4, 2}, Strides{4, 1}, spec.bytes));
    EXPECT_FALSE(spec == ArraySpec::strided(DType::UInt8, Shape{4, 3}, Strides{5, 1}, spec.bytes + 3));
    EXPECT_FALSE(spec == ArraySpec::strided(DType::UInt8, Shape{4, 3}, Strides{4, 1}, spec.bytes + 1));
    EXPECT_FALSE(spec == ArraySpec::strided(DType::UInt8, Shape{4, 3, 1}, Strides{4, 1, 1}));
    auto other = spec;
    other.byte_order = spec.byte_order == ByteOrder::Little ? ByteOrder::Big : ByteOrder::Little;
    EXPECT_FALSE(spec == other);
}

TEST(ToString, NamesDtypeAndShape) {
    EXPECT_EQ(ArraySpec::contiguous(DType::UInt8, Shape{1080, 1920, 3}).to_string(), "uint8 (1080, 1920, 3)");
    EXPECT_EQ(ArraySpec::contiguous(DType::Float32, Shape{4, 0}).to_string(), "float32 (4, 0)");
    EXPECT_EQ(ArraySpec::contiguous(DType::Float32, Shape{}).to_string(), "float32 ()");
}

}  // namespace
}  // namespace ndsharray::test
