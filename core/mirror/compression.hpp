// SPDX-License-Identifier: BSD-3-Clause
// Lossless compression of the parts of an array: differences of neighbours, split into planes of bytes, by
// zstd.
#pragma once

#include <ndsharray/array.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace ndsharray::mirror {

/// What neighbours are: elements of `width` bytes, `step` elements apart.
struct Neighbours {
    std::size_t width = 1;
    std::size_t step = 1;
};
Neighbours neighbours_of(const ArraySpec& spec);

/// Differences of neighbours, split into planes of bytes. `to` has room for as many bytes as `from` has.
void filter(std::span<std::byte> to, std::span<const std::byte> from, const Neighbours& neighbours);
void unfilter(std::span<std::byte> to, std::span<const std::byte> from, const Neighbours& neighbours);

class Compressor {
  public:
    Compressor();

    /// \returns fewer bytes than `part` has, valid until the next call; or none where they would not be
    /// fewer.
    std::span<const std::byte> compress(std::span<const std::byte> part, const Neighbours& neighbours);

  private:
    struct Free {
        void operator()(ZSTD_CCtx_s* context) const;
    };
    std::unique_ptr<ZSTD_CCtx_s, Free> context_;
    std::vector<std::byte> filtered_;
    std::vector<std::byte> compressed_;
};

class Decompressor {
  public:
    Decompressor();

    /// Fills `part`. \returns false if `bytes` are not such a part, compressed.
    bool decompress(std::span<std::byte> part, std::span<const std::byte> bytes,
                    const Neighbours& neighbours);

  private:
    struct Free {
        void operator()(ZSTD_DCtx_s* context) const;
    };
    std::unique_ptr<ZSTD_DCtx_s, Free> context_;
    std::vector<std::byte> filtered_;
};

}  // namespace ndsharray::mirror
