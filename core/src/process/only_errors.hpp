// SPDX-License-Identifier: BSD-3-Clause
// The library throws only Error, for any exception inside.
#pragma once

#include <ndsharray/error.hpp>

#include <new>
#include <system_error>

namespace ndsharray {

/// Made when the library is loaded: without memory, no sentence could be made. A copy of it allocates
/// nothing.
const Error& out_of_memory() noexcept;

/// \returns the result of `work`. \throws Error, in place of exceptions of the standard library.
template <typename Work>
decltype(auto) only_errors(Work&& work) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        throw Error(out_of_memory());
    } catch (const std::system_error& error) {  // a thread cannot be started
        throw Error(ErrorCode::System, error.what());
    }
}

}  // namespace ndsharray
