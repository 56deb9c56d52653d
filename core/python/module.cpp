// SPDX-License-Identifier: BSD-3-Clause
// The compiled part of the Python package ndsharray.
#include "classes.hpp"
#include "errors.hpp"
#include "numpy_array.hpp"
#include "python_frame.hpp"

#include <ndsharray/signals.hpp>
#include <ndsharray/tag.hpp>

#include <csignal>
#include <string>
#include <vector>

namespace {

namespace py = pybind11;

void clean_up_on_signals(const py::object& signals) {
    std::vector<int> numbers;
    try {
        for (const py::handle signal : py::iter(signals))
            numbers.push_back(py::int_(py::reinterpret_borrow<py::object>(signal)).cast<int>());
    } catch (const py::error_already_set&) {
        throw py::type_error("`signals` is a sequence such as (signal.SIGTERM, signal.SIGHUP), not " +
                             py::repr(signals).cast<std::string>());
    }
    ndsharray::clean_up_on_signals(numbers);
}

}  // namespace

PYBIND11_MODULE(_core, module) {
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
        "clean_up_on_signals", &clean_up_on_signals,
        py::arg_v("signals", py::make_tuple(SIGTERM), "(signal.SIGTERM,)"),
        "Lets these signals (of SIGTERM, SIGINT, SIGHUP, SIGQUIT) close the tags of all Writers of this "
        "process before they end it: readers are told, and no file is left. A handler that was set "
        "with signal.signal() before still runs; set later, it takes the place of this.");
    module.def(
        "_check", [](const py::object& array) { static_cast<void>(BorrowedArray(array)); },
        "Raises what Writer.write() would for the array's type.");
}
