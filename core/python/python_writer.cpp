// SPDX-License-Identifier: BSD-3-Clause
// ndsharray.Writer in Python.
#include "classes.hpp"

#include "errors.hpp"
#include "numpy_array.hpp"
#include "own_process.hpp"
#include "python_frame.hpp"
#include "waiting.hpp"

#include <ndsharray/writer.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace ndsharray::python {
namespace {

namespace py = pybind11;
using py::literals::operator""_a;

/// What an array of Writer.acquire() lives in. When the last array of it goes, the slot does.
struct Slot {
    std::shared_ptr<Writer> writer;
    WritableFrame frame;
};

Attributes attributes_from(const py::object& attributes) {
    Attributes result;
    if (attributes.is_none())
        return result;
    if (!py::isinstance<py::dict>(attributes))
        throw py::type_error("`attributes` is a dict of str, not " +
                             std::string(Py_TYPE(attributes.ptr())->tp_name));
    for (const auto& [key, value] : attributes.cast<py::dict>())
        result[py::str(key).cast<std::string>()] = py::str(value).cast<std::string>();
    return result;
}

/// Times and flags are those of a frame that was read, where the new one is made from it.
FrameInfo info_like(const py::object& frame) {
    if (frame.is_none())
        return {};
    if (!py::isinstance<PythonFrame>(frame))
        throw py::type_error("`like` is a Frame that a Reader returned, not " +
                             std::string(Py_TYPE(frame.ptr())->tp_name));
    return frame.cast<const PythonFrame&>().info();
}

class PythonWriter;

/// Those that were not closed, to be closed when Python ends. Guarded by the GIL; lives as long as the
/// process.
std::set<PythonWriter*>& open_writers() {
    static auto& writers = *new std::set<PythonWriter*>;
    return writers;
}

/// Fields are guarded by the GIL; calls work on a Writer they share, so that close() may come meanwhile.
class PythonWriter {
  public:
    PythonWriter(const std::string& tag, unsigned slots, unsigned permissions, bool backpressure, bool compat,
                 const py::object& attributes)
        : tag_(tag), attributes_(attributes_from(attributes)) {
        WriterOptions options;
        options.slots = slots;
        options.permissions = permissions;
        options.backpressure = backpressure;
        options.compat = compat;
        writer_ = std::make_shared<Writer>(tag, options);
        open_writers().insert(this);
    }
    ~PythonWriter() {
        open_writers().erase(this);
        if (writer_)
            writer_->close();  // arrays of acquire() keep the Writer, and must not keep the tag
    }
    PythonWriter(const PythonWriter&) = delete;
    PythonWriter& operator=(const PythonWriter&) = delete;

    std::uint64_t write(const py::object& array, const py::object& like, const py::object& timeout);
    py::object acquire(const py::object& shape, const py::object& dtype, const py::object& timeout);
    std::uint64_t publish(const py::object& array, const py::object& like);

    bool wait_for_reader(const py::object& timeout) {
        return waits_for(timeout, [](Writer& writer, auto step) { return writer.wait_for_reader(step); });
    }
    bool drain(const py::object& timeout) {
        return waits_for(timeout, [](Writer& writer, auto step) { return writer.drain(step); });
    }
    void end_of_stream() { writer()->end_of_stream(); }
    void cancel() { writer()->cancel(); }
    void resume() { writer()->resume(); }
    void close();

    const std::string& tag() const noexcept { return tag_; }
    std::string segment_name() const { return writer()->segment_name(); }
    py::dict stats() const;
    std::string repr() const;

  private:
    std::shared_ptr<Writer> writer() const;
    template <typename Publish>
    std::uint64_t publish_by(Writer& writer, Publish publish);
    WritableFrame wait_for_slot(const ArraySpec& spec, Timeout timeout);
    void warn_of_missing_slots(const Writer& writer);
    template <typename Wait>
    bool waits_for(const py::object& timeout, Wait wait);

    const std::string tag_;
    const Attributes attributes_;
    const OwnProcess process_;
    std::shared_ptr<Writer> writer_;
    std::string published_in_;  // name of the segment
    unsigned told_missing_slots_ = 0;
};

std::shared_ptr<Writer> PythonWriter::writer() const {
    process_.require("Writer", tag_);
    if (!writer_)
        throw Error(ErrorCode::Closed, "the writer of tag \"" + tag_ + "\" was closed; make a new one");
    return writer_;
}

/// Empty if there is none to be had: status() says why.
WritableFrame PythonWriter::wait_for_slot(const ArraySpec& spec, Timeout timeout) {
    const auto writer = this->writer();
    const auto configured_slot = [&](std::chrono::nanoseconds step) {
        const WriteStatus status = writer->configure(spec, attributes_, 0, step);
        return status == WriteStatus::Ok ? writer->acquire(step) : WritableFrame(status);
    };
    const auto at_once = [&] {
        const WithoutGil released;
        return configured_slot(std::chrono::nanoseconds(0));
    };
    WritableFrame frame = at_once();
    if (!frame && writer->options().backpressure)
        frame = wait_for(timeout, configured_slot, [](const WritableFrame& found) {
            return !found && found.status() == WriteStatus::Timeout;
        });
    warn_of_missing_slots(*writer);
    return frame;
}

/// Raises if the program turned warnings into errors.
void PythonWriter::warn_of_missing_slots(const Writer& writer) {
    const unsigned missing = writer.missing_slots();
    if (missing <= std::exchange(told_missing_slots_, missing))
        return;
    const unsigned slots = writer.stats().slots;
    const std::string text = "only " + std::to_string(slots) + " frames instead of " +
                             std::to_string(slots + missing) +
                             " fit into shared memory: readers have less time, or copy; enlarge it, or set "
                             "slots=" +
                             std::to_string(slots) + " to be content with that";
    if (PyErr_WarnEx(PyExc_RuntimeWarning, text.c_str(), 1) != 0)
        throw py::error_already_set();
}

/// Publishes without the GIL. With backpressure the first frame of a new layout may wait for readers: that is
/// left to another thread, so that this one can answer Ctrl-C.
template <typename Publish>
std::uint64_t PythonWriter::publish_by(Writer& writer, Publish publish) {
    if (!writer.options().backpressure || writer.segment_name() == published_in_) {
        const WithoutGil released;
        return publish();
    }
    published_in_ = writer.segment_name();
    auto publishing = std::async(std::launch::async, publish);
    const auto wait = [&](std::chrono::nanoseconds step) { return publishing.wait_for(step); };
    try {
        wait_for(std::nullopt, wait,
                 [](std::future_status status) { return status != std::future_status::ready; });
    } catch (...) {
        writer.cancel();
        publishing.wait();
        writer.resume();
        throw;
    }
    return publishing.get();
}

std::uint64_t PythonWriter::write(const py::object& array, const py::object& like,
                                  const py::object& timeout) {
    const BorrowedArray borrowed(array);
    const FrameInfo info = info_like(like);
    WritableFrame frame = wait_for_slot(borrowed.spec(), timeout_from(timeout));
    if (!frame)
        return 0;
    const auto writer = this->writer();
    return publish_by(*writer, [&] {
        copy_elements(frame.data(), borrowed.view());
        return writer->publish(std::move(frame), info);
    });
}

py::object PythonWriter::acquire(const py::object& shape, const py::object& dtype,
                                 const py::object& timeout) {
    const ArraySpec spec = spec_of(shape, dtype);
    WritableFrame frame = wait_for_slot(spec, timeout_from(timeout));
    if (!frame)
        return py::none();
    const auto slot = std::make_shared<Slot>(Slot{writer(), std::move(frame)});
    return make_array(spec, py::cast(slot));
}

/// The array stays, so that nothing points into the void, but can no longer be written.
std::uint64_t PythonWriter::publish(const py::object& array, const py::object& like) {
    const auto writer = this->writer();
    const py::object base = py::getattr(array, "base", py::none());
    if (!py::isinstance<Slot>(base))
        throw py::value_error(
            "publish() takes the array that acquire() returned, itself, not a view or copy");
    const auto slot = base.cast<std::shared_ptr<Slot>>();
    if (slot->writer != writer)
        throw py::value_error("this array was acquired from another Writer");
    if (slot->frame.is_published())
        throw py::value_error("this array was published before; acquire() another one");
    const FrameInfo info = info_like(like);
    array.attr("setflags")("write"_a = false);
    return publish_by(*writer, [&] { return writer->publish_pinned(slot->frame, info); });
}

template <typename Wait>
bool PythonWriter::waits_for(const py::object& timeout, Wait wait) {
    const auto writer = this->writer();
    const WriteStatus status = wait_for(
        timeout_from(timeout), [&](std::chrono::nanoseconds step) { return wait(*writer, step); },
        [](WriteStatus status) { return status == WriteStatus::Timeout; });
    return status == WriteStatus::Ok;
}

void PythonWriter::close() {
    const auto writer = std::exchange(writer_, nullptr);
    if (!writer || !process_.is_here())
        return;
    const WithoutGil released;
    writer->cancel();  // so that other threads that wait in it notice
    writer->close();
}

py::dict PythonWriter::stats() const {
    const WriterStats stats = writer()->stats();
    return py::dict("published"_a = stats.published, "dropped"_a = stats.dropped,
                    "reclaimed"_a = stats.reclaimed, "generation"_a = stats.generation,
                    "slots"_a = stats.slots, "readers"_a = stats.readers, "segment"_a = stats.segment);
}

std::string PythonWriter::repr() const {
    const std::string name = "<ndsharray.Writer of tag \"" + tag_ + "\"";
    if (!writer_)
        return name + ", closed>";
    if (!process_.is_here())
        return name + ", of another process>";
    const WriterStats stats = writer_->stats();
    return name + ", " + std::to_string(stats.published) + " frames published, " +
           std::to_string(stats.readers) + " readers>";
}

void close_writers() {
    python_ends();
    while (!open_writers().empty()) {
        PythonWriter* writer = *open_writers().begin();
        open_writers().erase(writer);
        writer->close();
    }
}

}  // namespace

void define_writer(py::module_& module) {
    py::class_<Slot, std::shared_ptr<Slot>>(module, "_Slot", py::buffer_protocol())
        .def_buffer([](const Slot& slot) {
            return lend(slot.frame.data(), static_cast<std::size_t>(slot.frame.spec().bytes),
                        slot.frame.is_published());
        });

    const unsigned own_user_only = 0600;
    const char* options =
        "tag: 1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot.\n"
        "slots: frames in shared memory, 3 to 32; 0: as many as there is need and room for.\n"
        "permissions: mode of the files, such as 0o640 to let the group read; nobody else writes pixels.\n"
        "backpressure: wait for readers with mode 'every' instead of dropping frames.\n"
        "compat: also write the files of the package ndsharray 1.x, for scripts that use it.\n"
        "attributes: dict of str that readers find in Frame.attributes; 'caps' says what video it is.\n"
        "Raises Error, with code 'TagInUse' where the tag has a living writer.";
    py::class_<PythonWriter>(module, "Writer",
                             "The writer of a tag: one at a time. dtype and shape may change with any frame.")
        .def(py::init<const std::string&, unsigned, unsigned, bool, bool, const py::object&>(), "tag"_a,
             py::kw_only(), "slots"_a = 0, py::arg_v("permissions", own_user_only, "0o600"),
             "backpressure"_a = false, "compat"_a = false, "attributes"_a = py::none(), options)
        .def("write", &PythonWriter::write, "array"_a, py::kw_only(), "like"_a = py::none(),
             "timeout"_a = py::none(),
             "Copies an array into shared memory and publishes it. With backpressure this waits up to "
             "`timeout` seconds (None: for ever) for readers. `like`: a Frame whose times the new one has. "
             "Returns the frame's number, or 0 if there was no room for it.")
        .def("acquire", &PythonWriter::acquire, "shape"_a, "dtype"_a = "uint8", "timeout"_a = py::none(),
             "An array in shared memory, to be filled and given to publish(); what is in it is undefined. "
             "None if there is no room: readers hold all of it.")
        .def("publish", &PythonWriter::publish, "array"_a, py::kw_only(), "like"_a = py::none(),
             "Sends an array of acquire(), which is read-only from then on, and changes with later frames: "
             "do not use it or views of it any more. Returns the frame's number, or 0 if it was not sent.")
        .def("wait_for_reader", &PythonWriter::wait_for_reader, "timeout"_a = py::none(),
             "Whether a reader is attached, waiting for one up to `timeout` seconds.")
        .def("drain", &PythonWriter::drain, "timeout"_a = py::none(),
             "Waits until every reader with mode 'every' has the last frame; whether they have.")
        .def("end_of_stream", &PythonWriter::end_of_stream,
             "Tells readers that the stream ended after the last frame. Writing again starts a new one.")
        .def("cancel", &PythonWriter::cancel,
             "Makes what waits in another thread, and would wait later, return until resume().")
        .def("resume", &PythonWriter::resume)
        .def("close", &PythonWriter::close, "Ends the tag and removes its files.")
        .def_property_readonly("tag", &PythonWriter::tag)
        .def_property_readonly("segment_name", &PythonWriter::segment_name,
                               "File name of the shared memory in use; '' before the first frame.")
        .def_property_readonly("stats", &PythonWriter::stats, "Counters: dict.")
        .def("__repr__", &PythonWriter::repr)
        .def("__enter__", [](py::object self) { return self; })
        .def("__exit__", [](PythonWriter& writer, const py::args&) { writer.close(); });

    module.def("_close_writers", &close_writers, "Closes every Writer of this process, which ends.");
}

}  // namespace ndsharray::python
