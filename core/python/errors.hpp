// SPDX-License-Identifier: BSD-3-Clause
// The core's errors in Python: one exception class with the error's name.
#pragma once

#include <pybind11/pybind11.h>

namespace ndsharray::python {

/// Adds `Error` to the module; from then on every ndsharray::Error is raised as one.
void define_error(pybind11::module_& module);

/// From now on, Python ends: a daemon thread that meets a closed writer sleeps until the process is over.
/// Otherwise it would print the exception, and Python may end the process by SIGABRT because of that. Needs
/// the GIL.
void python_ends() noexcept;

/// Raises NotImplementedError.
[[noreturn]] void throw_not_implemented(const std::string& sentence);

}  // namespace ndsharray::python
