// SPDX-License-Identifier: BSD-3-Clause
// Waiting from Python: without the GIL, and with an ear for Ctrl-C.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace ndsharray::python {

using Timeout = std::optional<std::chrono::nanoseconds>;  // nothing: for ever

/// Lets other threads of Python run for as long as it lives.
///
/// A daemon thread that comes back while Python ends gets no GIL any more: up to Python 3.13 its own C thread
/// ends there by an unwinding that destructors must not let through, so that the whole process would be
/// terminated. It sleeps here instead until the process is over, as from Python 3.14 on.
class WithoutGil {
  public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil();
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

  private:
    PyThreadState* state_;
};

/// From seconds; None is for ever. \throws ValueError, TypeError.
Timeout timeout_from(const pybind11::object& seconds);

/// Waits in short steps, each without the GIL, and lets Python handle signals between them.
/// \param wait called with how long at most, without the GIL
/// \param goes_on whether what it returned means that nothing came yet
template <typename Wait, typename GoesOn>
auto wait_for(Timeout timeout, Wait wait, GoesOn goes_on) {
    constexpr std::chrono::nanoseconds step = std::chrono::milliseconds(100);
    const auto start = std::chrono::steady_clock::now();
    for (;;) {
        std::chrono::nanoseconds left = step;
        if (timeout)
            left = std::min(step, *timeout - (std::chrono::steady_clock::now() - start));
        auto result = [&] {
            const WithoutGil released;
            return wait(std::max(left, std::chrono::nanoseconds(0)));
        }();
        if (!goes_on(result) || left < step)
            return result;
        if (PyErr_CheckSignals() != 0)
            throw pybind11::error_already_set();
    }
}

}  // namespace ndsharray::python
