// SPDX-License-Identifier: BSD-3-Clause
// The least that is a fuzzer: whether the compiler makes it, meson.build asks.
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t) {
    return 0;
}
