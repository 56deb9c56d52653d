// SPDX-License-Identifier: BSD-3-Clause
// A frame in Python: its array is the shared memory, and every view of it keeps the lease.
#pragma once

#include <pybind11/pybind11.h>

#include <ndsharray/frame.hpp>

#include <memory>
#include <string>

namespace ndsharray::python {

/// What arrays keep alive.
struct Pixels {
    Frame frame;
    bool writable;  // a copy that belongs to the program
};

/// The same for who does not ask whether memory is read-only.
struct PlainPixels {
    std::shared_ptr<Pixels> pixels;
};

class PythonFrame {
  public:
    /// \param writable whether its Reader was asked for that
    PythonFrame(Frame frame, std::string tag, bool writable);

    /// \throws ValueError after release().
    pybind11::object array();
    /// Another array with the same elements, to be changed.
    pybind11::object copy() { return array().attr("copy")(); }
    /// numpy.asarray(): the array itself where it is what is wanted, else a copy.
    /// \throws ValueError where `copy` is False and only a copy would do.
    pybind11::object as_array(const pybind11::object& dtype, const pybind11::object& copy);
    /// The memory as DLPack has it, which has no sign for read-only memory.
    pybind11::object dlpack(const pybind11::kwargs& options);
    pybind11::dict attributes() const;
    const std::string& tag() const noexcept { return tag_; }
    std::string repr() const;
    std::string segment_name() const { return pixels().frame.segment_name(); }

    const FrameInfo& info() const noexcept { return info_; }
    double age_ms() const noexcept;
    std::uint64_t missed() const noexcept { return missed_; }
    bool first_of_writer() const noexcept { return first_of_writer_; }
    bool is_copy() const noexcept { return is_copy_; }

    /// The lease ends when no array of it is left.
    void release() noexcept;

  private:
    const Pixels& pixels() const;

    std::shared_ptr<Pixels> pixels_;
    pybind11::object array_;
    std::string tag_;
    FrameInfo info_;
    std::uint64_t missed_;
    bool first_of_writer_;
    bool is_copy_;
};

void define_frame(pybind11::module_& module);

}  // namespace ndsharray::python
