// SPDX-License-Identifier: BSD-3-Clause
// What leaves the library is an Error, whatever was thrown inside.
#pragma once

#include <ndsharray/error.hpp>

#include <new>
#include <system_error>

namespace ndsharray {

/// Made when the library is loaded: where there is no memory, none is to be had for a sentence either. A copy
/// of it allocates nothing.
const Error& out_of_memory() noexcept;

/// \returns what `work` does. \throws Error, and nothing else that the standard library throws.
template <typename Work>
decltype(auto) only_errors(Work&& work) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        throw Error(out_of_memory());
    } catch (const std::system_error& error) {  // a thread that could not be started
        throw Error(ErrorCode::System, error.what());
    }
}

}  // namespace ndsharray
