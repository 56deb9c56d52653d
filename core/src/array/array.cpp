// SPDX-License-Identifier: BSD-3-Clause
// What an array looks like in memory: dtype, shape and strides, as NumPy means them.
#include <ndsharray/array.hpp>
#include <ndsharray/error.hpp>

#include <algorithm>
#include <numeric>

namespace ndsharray {
namespace {

// Far below where sums of sizes overflow, far above what any machine has.
constexpr std::uint64_t max_bytes = std::uint64_t{1} << 62;

/// a * b, or max_bytes + 1 where that is more than max_bytes.
std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) || product > max_bytes ? max_bytes + 1 : product;
}

bool has_elements(const ArraySpec& spec) noexcept {
    return std::all_of(spec.shape.begin(), spec.shape.begin() + spec.ndim, [](auto n) { return n > 0; });
}

/// Bytes from first to last element; max_bytes + 1 where it is more than max_bytes. Strides not negative.
std::uint64_t saturating_extent(const ArraySpec& spec) noexcept {
    if (!has_elements(spec))
        return 0;
    std::uint64_t extent = item_size(spec.dtype);
    for (std::size_t i = 0; i < spec.ndim; ++i) {
        extent += saturating_product(spec.shape[i] - 1, static_cast<std::uint64_t>(spec.strides[i]));
        if (extent > max_bytes)
            return max_bytes + 1;
    }
    return extent;
}

/// Whether each dimension steps past everything the dimensions with smaller strides cover.
bool elements_are_apart(const ArraySpec& spec) {
    std::array<std::size_t, max_dimensions> order{};
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.begin() + spec.ndim,
              [&](std::size_t a, std::size_t b) { return spec.strides[a] < spec.strides[b]; });
    std::uint64_t covered = item_size(spec.dtype);
    for (std::size_t i = 0; i < spec.ndim; ++i) {
        const std::size_t dimension = order[i];
        if (spec.shape[dimension] <= 1)
            continue;  // its stride is never taken
        const auto stride = static_cast<std::uint64_t>(spec.strides[dimension]);
        if (stride < covered)
            return false;
        covered += saturating_product(spec.shape[dimension] - 1, stride);
    }
    return true;
}

void throw_if_bad(const ArraySpec& spec) {
    if (const std::string problem = spec.problem(); !problem.empty())
        throw Error(ErrorCode::InvalidArgument, "this array cannot be shared: " + problem);
}

void require_dimensions(std::size_t ndim) {
    if (ndim > max_dimensions)
        throw Error(ErrorCode::InvalidArgument, "this array cannot be shared: it has " +
                                                    std::to_string(ndim) + " dimensions, at most " +
                                                    std::to_string(max_dimensions) + " are possible");
}

}  // namespace

ArraySpec ArraySpec::contiguous(DType dtype, std::span<const std::uint64_t> shape, ByteOrder byte_order) {
    require_dimensions(shape.size());
    ArraySpec spec;
    spec.dtype = dtype;
    spec.byte_order = byte_order;
    spec.ndim = static_cast<std::uint32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), spec.shape.begin());
    std::uint64_t stride = item_size(dtype);
    for (std::size_t i = shape.size(); i-- > 0;) {
        if (stride > max_bytes)
            throw Error(ErrorCode::InvalidArgument,
                        "this array cannot be shared: it is larger than 2^62 bytes");
        spec.strides[i] = static_cast<std::int64_t>(stride);
        stride = saturating_product(stride, std::max<std::uint64_t>(shape[i], 1));
    }
    spec.bytes = saturating_extent(spec);
    throw_if_bad(spec);
    return spec;
}

ArraySpec ArraySpec::strided(DType dtype, std::span<const std::uint64_t> shape,
                             std::span<const std::int64_t> strides, std::uint64_t bytes,
                             ByteOrder byte_order) {
    require_dimensions(shape.size());
    if (shape.size() != strides.size())
        throw Error(ErrorCode::InvalidArgument,
                    "this array cannot be shared: " + std::to_string(shape.size()) + " lengths but " +
                        std::to_string(strides.size()) + " strides");
    ArraySpec spec;
    spec.dtype = dtype;
    spec.byte_order = byte_order;
    spec.ndim = static_cast<std::uint32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), spec.shape.begin());
    std::copy(strides.begin(), strides.end(), spec.strides.begin());
    const bool negative = std::any_of(strides.begin(), strides.end(), [](auto stride) { return stride < 0; });
    spec.bytes = bytes != 0 || negative ? bytes : saturating_extent(spec);
    throw_if_bad(spec);
    return spec;
}

std::uint64_t ArraySpec::size() const noexcept {
    std::uint64_t count = 1;
    for (std::size_t i = 0; i < ndim; ++i)
        count *= shape[i];
    return count;
}

std::uint64_t ArraySpec::extent() const noexcept {
    return saturating_extent(*this);
}

bool ArraySpec::is_contiguous() const noexcept {
    if (!has_elements(*this))
        return true;
    std::uint64_t expected = item_size(dtype);
    for (std::size_t i = ndim; i-- > 0;) {
        if (shape[i] > 1 && strides[i] != static_cast<std::int64_t>(expected))
            return false;
        expected *= shape[i];
    }
    return true;
}

std::string ArraySpec::problem() const {
    if (item_size(dtype) == 0)
        return "its dtype " + std::to_string(static_cast<std::uint32_t>(dtype)) + " is unknown";
    if (byte_order != ByteOrder::Little && byte_order != ByteOrder::Big)
        return "its byte order " + std::to_string(static_cast<std::uint32_t>(byte_order)) + " is unknown";
    if (ndim > max_dimensions)
        return "it has " + std::to_string(ndim) + " dimensions, at most " + std::to_string(max_dimensions) +
               " are possible";
    std::uint64_t elements = 1;
    for (std::size_t i = 0; i < ndim; ++i) {
        if (strides[i] < 0)
            return "its stride " + std::to_string(strides[i]) + " is negative";
        elements = saturating_product(elements, std::max<std::uint64_t>(shape[i], 1));
    }
    if (elements > max_bytes || saturating_extent(*this) > max_bytes || bytes > max_bytes)
        return "it is larger than 2^62 bytes";
    if (bytes < saturating_extent(*this))
        return "its " + std::to_string(bytes) + " bytes are fewer than the " +
               std::to_string(saturating_extent(*this)) + " its shape and strides need";
    if (has_elements(*this) && !elements_are_apart(*this))
        return "its strides let elements overlap";
    return {};
}

std::string ArraySpec::to_string() const {
    std::string text(name(dtype));
    text += " (";
    for (std::size_t i = 0; i < std::min<std::size_t>(ndim, max_dimensions); ++i) {
        if (i > 0)
            text += ", ";
        text += std::to_string(shape[i]);
    }
    text += ndim == 1 ? ",)" : ")";
    return text;
}

bool ArraySpec::operator==(const ArraySpec& other) const noexcept {
    return dtype == other.dtype && byte_order == other.byte_order && ndim == other.ndim &&
           bytes == other.bytes && std::equal(shape.begin(), shape.begin() + ndim, other.shape.begin()) &&
           std::equal(strides.begin(), strides.begin() + ndim, other.strides.begin());
}

}  // namespace ndsharray
