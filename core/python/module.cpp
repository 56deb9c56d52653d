// SPDX-License-Identifier: BSD-3-Clause
// The compiled part of the Python package ndsharray.
#include "classes.hpp"
#include "errors.hpp"
#include "numpy_array.hpp"
#include "python_frame.hpp"

#include <ndsharray/tag.hpp>

PYBIND11_MODULE(_core, module) {
    namespace py = pybind11;
    using namespace ndsharray::python;

    module.doc() = "Arrays shared between processes under a tag.";
    module.attr("__version__") = PACKAGE_VERSION;
    define_error(module);
    define_frame(module);
    define_reader(module);
    define_writer(module);
    module.def(
        "tags",
        [] {
            py::list names;
            for (const std::string& tag : ndsharray::tags())
                names.append(tag);
            return names;
        },
        "Tags that have a living writer now.");
    module.def(
        "_check", [](const py::object& array) { static_cast<void>(BorrowedArray(array)); },
        "Raises what Writer.write() would for the array's type.");
}
