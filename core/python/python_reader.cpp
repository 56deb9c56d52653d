// SPDX-License-Identifier: BSD-3-Clause
// ndsharray.Reader in Python.
#include "classes.hpp"

#include "own_process.hpp"
#include "python_frame.hpp"
#include "waiting.hpp"

#include <ndsharray/reader.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace ndsharray::python {
namespace {

namespace py = pybind11;
using py::literals::operator""_a;

ReadMode mode_from(const std::string& name) {
    if (name == "latest")
        return ReadMode::Latest;
    if (name == "every")
        return ReadMode::Every;
    throw py::value_error("mode is 'latest' or 'every', not '" + name + "'");
}

std::string owner_from(const py::object& owner) {
    return owner.is_none() ? std::string() : py::str(owner).cast<std::string>();
}

ReaderOptions options(const std::string& mode, unsigned max_leases, const py::object& owner, bool writable) {
    ReaderOptions options;
    options.mode = mode_from(mode);
    options.max_leases = max_leases;
    options.writable = writable;
    options.owner = owner_from(owner);
    return options;
}

/// Fields are guarded by the GIL; read() works on a Reader it shares, so that close() may come meanwhile.
class PythonReader {
  public:
    PythonReader(std::string tag, const std::string& mode, const py::object& timeout, const py::object& owner,
                 unsigned max_leases, bool writable)
        : tag_(std::move(tag)),
          mode_(mode),
          timeout_(timeout_from(timeout)),
          writable_(writable),
          state_(std::make_shared<State>(tag_, options(mode, max_leases, owner, writable))) {
        const Error obstacle = state_->reader.obstacle();
        if (obstacle.code() != ErrorCode::None && PyErr_WarnEx(PyExc_RuntimeWarning, obstacle.what(), 1) != 0)
            throw py::error_already_set();
    }

    py::object read(const py::object& timeout);
    py::object next();

    void cancel() { state().reader.cancel(); }
    void resume() { state().reader.resume(); }
    void close();

    const std::string& tag() const noexcept { return tag_; }
    const std::string& mode() const noexcept { return mode_; }
    std::string status() const { return std::string(name(status_)); }
    py::object obstacle() const;
    bool attached() const { return state().reader.attached(); }
    std::string segment_name() const { return state().reader.segment_name(); }
    py::dict stats() const;
    std::string repr() const;

  private:
    struct State {
        State(const std::string& tag, ReaderOptions options) : reader(tag, std::move(options)) {}
        Reader reader;
        std::mutex reading;  // a Reader is for one thread at a time
    };

    State& state() const;
    Frame wait(Timeout timeout);
    py::object delivered(Frame frame);

    const std::string tag_;
    const std::string mode_;
    const Timeout timeout_;
    const bool writable_;
    const OwnProcess process_;
    std::shared_ptr<State> state_;
    ReadStatus status_ = ReadStatus::Timeout;
};

PythonReader::State& PythonReader::state() const {
    process_.require("Reader", tag_);
    if (!state_)
        throw Error(ErrorCode::Closed, "the reader of tag \"" + tag_ + "\" was closed; make a new one");
    return *state_;
}

/// A look first: what is there needs no waiting, and so no change of threads.
Frame PythonReader::wait(Timeout timeout) {
    state();
    const std::shared_ptr<State> state = state_;
    if (const std::unique_lock look(state->reading, std::try_to_lock); look) {
        Frame frame = state->reader.read(std::chrono::nanoseconds(0));
        if (frame || frame.status() != ReadStatus::Timeout || timeout == std::chrono::nanoseconds(0))
            return frame;
    }
    return wait_for(
        timeout,
        [&](std::chrono::nanoseconds step) {
            const std::lock_guard guard(state->reading);
            return state->reader.read(step);
        },
        [](const Frame& frame) { return !frame && frame.status() == ReadStatus::Timeout; });
}

py::object PythonReader::delivered(Frame frame) {
    status_ = frame.status();
    if (frame)
        return py::cast(PythonFrame(std::move(frame), tag_, writable_));
    if (status_ == ReadStatus::Failed)
        throw state().reader.error();
    return py::none();
}

py::object PythonReader::read(const py::object& timeout) {
    return delivered(wait(timeout.is(py::ellipsis()) ? timeout_ : timeout_from(timeout)));
}

py::object PythonReader::next() {
    for (;;) {
        py::object frame = delivered(wait(timeout_));
        if (!frame.is_none())
            return frame;
        if (status_ != ReadStatus::Disconnected)
            throw py::stop_iteration();
    }
}

void PythonReader::close() {
    if (!state_ || !process_.is_here()) {
        state_.reset();
        return;
    }
    state_->reader.cancel();
    const std::shared_ptr<State> last = std::exchange(state_, nullptr);
}

py::object PythonReader::obstacle() const {
    const Error obstacle = state().reader.obstacle();
    return obstacle.code() == ErrorCode::None ? py::object(py::none()) : py::str(obstacle.what());
}

std::string PythonReader::repr() const {
    const std::string name = "<ndsharray.Reader of tag \"" + tag_ + "\"";
    if (!state_)
        return name + ", closed>";
    if (!process_.is_here())
        return name + ", of another process>";
    return name + ", mode '" + mode_ + "', " + (state_->reader.attached() ? "attached" : "no writer yet") +
           ", " + std::to_string(state_->reader.stats().frames) + " frames read>";
}

py::dict PythonReader::stats() const {
    const ReaderStats stats = state().reader.stats();
    return py::dict("frames"_a = stats.frames, "missed"_a = stats.missed, "copied"_a = stats.copied,
                    "reconnects"_a = stats.reconnects, "generation"_a = stats.generation,
                    "segment"_a = stats.segment);
}

}  // namespace

void define_reader(py::module_& module) {
    py::class_<PythonReader>(module, "Reader",
                             "Reads the frames of a tag. It may be made before the writer, outlive it, and "
                             "follows its successors. Iterating gives frames until the stream ends or the "
                             "timeout passes.")
        .def(
            py::init<std::string, const std::string&, const py::object&, const py::object&, unsigned, bool>(),
            "tag"_a, "mode"_a = "latest", py::kw_only(), "timeout"_a = py::none(), "owner"_a = py::none(),
            "max_leases"_a = 2, "writable"_a = false,
            "tag: what the writer calls its stream; the writer may come later.\n"
            "mode: 'latest' gives the newest frame each time, 'every' each frame in order.\n"
            "timeout: how many seconds read() and iterating wait for a frame; None: for ever.\n"
            "owner: user who must own the tag, by name or number; None: this user or root.\n"
            "max_leases: frames held in shared memory at a time; what is held beyond that is copied.\n"
            "writable: arrays of frames are copies that belong to the program, which may draw into them.")
        .def("read", &PythonReader::read, "timeout"_a = py::ellipsis(),
             "The next Frame, waiting for it up to `timeout` seconds (None: for ever; by default the "
             "Reader's). None if there is none: `status` says why.")
        .def_property_readonly("status", &PythonReader::status,
                               "What the last read() came to: 'Frame', 'Timeout', 'Cancelled', "
                               "'EndOfStream', 'Disconnected'.")
        .def("cancel", &PythonReader::cancel,
             "Makes a read() that waits in another thread, and every later one, return None until resume().")
        .def("resume", &PythonReader::resume)
        .def("close", &PythonReader::close, "Frames that were read stay valid.")
        .def_property_readonly("tag", &PythonReader::tag)
        .def_property_readonly("mode", &PythonReader::mode)
        .def_property_readonly("attached", &PythonReader::attached, "Whether a living writer is known.")
        .def_property_readonly(
            "obstacle", &PythonReader::obstacle,
            "What is in the way of any writer, as a sentence: the directory of the tags is "
            "missing. read() waits until somebody makes it. None if nothing is.")
        .def_property_readonly("segment_name", &PythonReader::segment_name,
                               "File name of the shared memory last read from; '' before the first frame.")
        .def_property_readonly("stats", &PythonReader::stats, "Counters: dict.")
        .def("__repr__", &PythonReader::repr)
        .def("__enter__", [](py::object self) { return self; })
        .def("__exit__", [](PythonReader& reader, const py::args&) { reader.close(); })
        .def("__iter__", [](py::object self) { return self; })
        .def("__next__", &PythonReader::next);
}

}  // namespace ndsharray::python
