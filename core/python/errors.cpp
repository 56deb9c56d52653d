// SPDX-License-Identifier: BSD-3-Clause
// The core's errors in Python: one exception class with the error's name.
#include "errors.hpp"

#include "waiting.hpp"

#include <ndsharray/error.hpp>

#include <exception>
#include <string>

#include <unistd.h>

namespace ndsharray::python {
namespace {

namespace py = pybind11;

PyObject* error_type = nullptr;  // lives as long as the process
bool is_python_ending = false;   // guarded by the GIL

bool is_daemon_thread() {
    return py::module_::import("threading").attr("current_thread")().attr("daemon").cast<bool>();
}

void translate(std::exception_ptr pointer) {
    try {
        if (pointer)
            std::rethrow_exception(pointer);
    } catch (const Error& error) {
        if (is_python_ending && error.code() == ErrorCode::Closed && is_daemon_thread()) {
            const WithoutGil released;
            for (;;)
                pause();
        }
        const py::object instance = py::reinterpret_borrow<py::object>(error_type)(error.what());
        instance.attr("code") = std::string(name(error.code()));
        PyErr_SetObject(error_type, instance.ptr());
    }
}

}  // namespace

void define_error(py::module_& module) {
    const char* doc =
        "What a tag cannot do. `code` is the name of what went wrong, such as 'TagInUse'; the text is a "
        "sentence that says where, and what to do.";
    error_type = PyErr_NewExceptionWithDoc("ndsharray.Error", doc, PyExc_RuntimeError, nullptr);
    if (error_type == nullptr)
        throw py::error_already_set();
    py::reinterpret_borrow<py::object>(error_type).attr("code") = "None";
    module.add_object("Error", error_type);
    py::register_exception_translator(translate);
}

void python_ends() noexcept {
    is_python_ending = true;
}

void throw_not_implemented(const std::string& sentence) {
    PyErr_SetString(PyExc_NotImplementedError, sentence.c_str());
    throw py::error_already_set();
}

}  // namespace ndsharray::python
