// SPDX-License-Identifier: BSD-3-Clause
// A frame in Python: its array is the shared memory, and every view of it keeps the lease.
#include "python_frame.hpp"

#include "numpy_array.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace ndsharray::python {
namespace {

namespace py = pybind11;

/// Attributes may hold any bytes.
py::str text(const std::string& bytes) {
    return py::reinterpret_steal<py::str>(
        PyUnicode_DecodeUTF8(bytes.data(), static_cast<py::ssize_t>(bytes.size()), "surrogateescape"));
}

py::object known(std::int64_t time) {
    return time == no_time ? py::object(py::none()) : py::int_(time);
}

}  // namespace

PythonFrame::PythonFrame(Frame frame, std::string tag, bool writable)
    : tag_(std::move(tag)),
      info_(frame.info()),
      missed_(frame.missed()),
      first_of_writer_(frame.first_of_writer()),
      is_copy_(frame.is_copy()) {
    pixels_ = std::make_shared<Pixels>(Pixels{std::move(frame), writable});
}

const Pixels& PythonFrame::pixels() const {
    if (!pixels_)
        throw py::value_error("this frame was released");
    return *pixels_;
}

py::object PythonFrame::array() {
    const ArraySpec& spec = pixels().frame.spec();
    if (!array_)
        array_ = make_array(spec, py::cast(pixels_));
    return array_;
}

py::object PythonFrame::as_array(const py::object& dtype, const py::object& copy) {
    const py::object array = this->array();
    const py::object current = array.attr("dtype");
    const py::object wanted = py::module_::import("numpy").attr("dtype")(dtype.is_none() ? current : dtype);
    const bool converts = !wanted.equal(current);
    const bool must_not_copy = !copy.is_none() && !copy.cast<bool>();
    if (converts && must_not_copy)
        throw py::value_error("a frame of " + py::str(array.attr("dtype")).cast<std::string>() +
                              " is another dtype only as a copy");
    if (converts)
        return array.attr("astype")(dtype);
    return copy.is_none() || must_not_copy ? array : array.attr("copy")();
}

py::object PythonFrame::dlpack(const py::kwargs& options) {
    const ArraySpec& spec = pixels().frame.spec();
    return make_array(spec, py::cast(PlainPixels{pixels_})).attr("__dlpack__")(**options);
}

std::string PythonFrame::repr() const {
    const std::string name = "<ndsharray.Frame " + std::to_string(info_.number) + " of tag \"" + tag_ + "\"";
    if (!pixels_)
        return name + ", released>";
    const auto tenths = static_cast<long long>(age_ms() * 10);
    return name + ", " + pixels().frame.spec().to_string() + ", " + std::to_string(tenths / 10) + "." +
           std::to_string(tenths % 10) + " ms old>";
}

py::dict PythonFrame::attributes() const {
    py::dict result;
    for (const auto& [key, value] : pixels().frame.attributes())
        result[text(key)] = text(value);
    return result;
}

double PythonFrame::age_ms() const noexcept {
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    // As doubles: the file may say any time, and the difference may be no 64-bit number.
    const double age = static_cast<double>(now.count()) - static_cast<double>(info_.published);
    return std::max(age, 0.0) * 1e-6;
}

void PythonFrame::release() noexcept {
    array_ = py::object();
    pixels_.reset();
}

void define_frame(py::module_& module) {
    py::class_<Pixels, std::shared_ptr<Pixels>>(module, "_Pixels", py::buffer_protocol())
        .def_buffer([](const Pixels& pixels) {
            return lend(pixels.frame.data(), static_cast<std::size_t>(pixels.frame.spec().bytes),
                        !pixels.writable);
        });

    py::class_<PlainPixels>(module, "_PlainPixels", py::buffer_protocol())
        .def_buffer([](const PlainPixels& plain) {
            const Frame& frame = plain.pixels->frame;
            return lend(frame.data(), static_cast<std::size_t>(frame.spec().bytes), false);
        });

    py::class_<PythonFrame>(
        module, "Frame",
        "A frame that was read. Its pixels do not change while it, its array, or a view of that lives.")
        .def_property_readonly("array", &PythonFrame::array,
                               "The frame as a numpy.ndarray: the shared memory itself, unless is_copy. "
                               "Read-only, unless the Reader is writable; to draw into it, take copy().")
        .def("copy", &PythonFrame::copy,
             "The frame as a numpy.ndarray of the program's own, to be changed. To have each frame so: "
             "Reader(tag, writable=True).")
        .def("__array__", &PythonFrame::as_array, py::arg("dtype") = py::none(), py::arg("copy") = py::none(),
             "What numpy.asarray(frame) calls: `array`, or a copy where another dtype is asked for.")
        .def("__dlpack__", &PythonFrame::dlpack,
             "What torch.from_dlpack(frame) and others call: a tensor over the frame's memory, without a "
             "copy. It "
             "must not be written: DLPack cannot say so, and writing ends the process.")
        .def("__dlpack_device__", [](const PythonFrame&) { return py::make_tuple(1, 0); })  // kDLCPU
        .def("__repr__", &PythonFrame::repr)
        .def_property_readonly("tag", &PythonFrame::tag)
        .def_property_readonly("number", [](const PythonFrame& frame) { return frame.info().number; })
        .def_property_readonly("age_ms", &PythonFrame::age_ms, "Milliseconds since the frame was published.")
        .def_property_readonly("attributes", &PythonFrame::attributes,
                               "What the writer says about its frames: dict of str; 'caps' for video.")
        .def_property_readonly("segment_name", &PythonFrame::segment_name)
        .def_property_readonly("missed", &PythonFrame::missed,
                               "Frames published since the one read before, which were not read.")
        .def_property_readonly("first_of_writer", &PythonFrame::first_of_writer,
                               "True for the first frame from a writer.")
        .def_property_readonly("is_copy", &PythonFrame::is_copy,
                               "Whether the array is a private copy, because too many frames are held.")
        .def_property_readonly(
            "published",
            [](const PythonFrame& frame) { return static_cast<double>(frame.info().published) * 1e-9; },
            "When the frame was published: seconds of time.monotonic().")
        .def_property_readonly(
            "pts", [](const PythonFrame& frame) { return known(frame.info().pts); },
            "When the frame is to be shown: nanoseconds of time.monotonic_ns(), or None.")
        .def_property_readonly(
            "duration", [](const PythonFrame& frame) { return known(frame.info().duration); },
            "Nanoseconds, or None.")
        .def("release", &PythonFrame::release,
             "Gives the frame back early: at once, or when the last of its arrays goes.")
        .def("__enter__", [](py::object self) { return self; })
        .def("__exit__", [](PythonFrame& frame, const py::args&) { frame.release(); });
}

}  // namespace ndsharray::python
