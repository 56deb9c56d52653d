// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for the Python module: what takes longest.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
