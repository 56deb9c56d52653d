// SPDX-License-Identifier: BSD-3-Clause
// The classes of the Python module; each is all in its source file.
#pragma once

#include <pybind11/pybind11.h>

namespace ndsharray::python {

void define_reader(pybind11::module_& module);
void define_writer(pybind11::module_& module);

}  // namespace ndsharray::python
