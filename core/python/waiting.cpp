// SPDX-License-Identifier: BSD-3-Clause
// Waiting from Python: without the GIL, and with an ear for Ctrl-C.
#include "waiting.hpp"

#include <cxxabi.h>
#include <unistd.h>

namespace ndsharray::python {

namespace py = pybind11;

WithoutGil::~WithoutGil() {
    try {
        PyEval_RestoreThread(state_);
    } catch (const abi::__forced_unwind&) {
        for (;;)
            pause();
    }
}

Timeout timeout_from(const py::object& seconds) {
    if (seconds.is_none())
        return std::nullopt;
    const double number = PyFloat_AsDouble(seconds.ptr());
    if (PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        throw py::type_error("a timeout is a number of seconds, or None to wait for ever, not " +
                             py::repr(seconds).cast<std::string>());
    }
    if (!(number >= 0))
        throw py::value_error("a timeout is a number of seconds, not negative, or None to wait for ever");
    constexpr double for_ever = 1e9;
    if (number > for_ever)
        return std::nullopt;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(number * 1e9));
}

}  // namespace ndsharray::python
