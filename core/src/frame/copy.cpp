// SPDX-License-Identifier: BSD-3-Clause
// Copying an array of any strides into one in C order.
#include "frame/copy.hpp"

#include <ndsharray/error.hpp>

#include <cstring>
#include <span>
#include <string>

namespace ndsharray {
namespace {

/// The inner dimensions that lie in C order without gaps, and what they have together.
struct Run {
    std::size_t first_dimension;
    std::size_t bytes;
};

Run longest_run(const ArraySpec& spec) noexcept {
    Run run{spec.ndim, item_size(spec.dtype)};
    while (run.first_dimension > 0) {
        const std::size_t dimension = run.first_dimension - 1;
        const bool adjacent =
            spec.shape[dimension] == 1 || spec.strides[dimension] == static_cast<std::int64_t>(run.bytes);
        if (!adjacent)
            break;
        run.bytes *= spec.shape[dimension];
        run.first_dimension = dimension;
    }
    return run;
}

/// Copies dimension `dimension` and all inside of it. \returns where the next byte goes.
std::byte* copy_dimension(std::byte* to, const std::byte* from, const ArraySpec& spec, const Run& run,
                          std::size_t dimension) noexcept {
    if (dimension == run.first_dimension) {
        std::memcpy(to, from, run.bytes);
        return to + run.bytes;
    }
    for (std::uint64_t i = 0; i < spec.shape[dimension]; ++i)
        to = copy_dimension(to, from + static_cast<std::ptrdiff_t>(i) * spec.strides[dimension], spec, run,
                            dimension + 1);
    return to;
}

}  // namespace

ArraySpec contiguous_like(const ArraySpec& spec) {
    if (spec.ndim > max_dimensions)
        throw Error(ErrorCode::InvalidArgument, "this array cannot be shared: it has " +
                                                    std::to_string(spec.ndim) + " dimensions, at most " +
                                                    std::to_string(max_dimensions) + " are possible");
    return ArraySpec::contiguous(spec.dtype, std::span(spec.shape.data(), spec.ndim), spec.byte_order);
}

void copy_elements(std::byte* to, const ArrayView& from) noexcept {
    if (from.spec.size() == 0)
        return;
    copy_dimension(to, static_cast<const std::byte*>(from.data), from.spec, longest_run(from.spec), 0);
}

}  // namespace ndsharray
