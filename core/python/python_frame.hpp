// SPDX-License-Identifier: BSD-3-Clause
// A frame in Python: its array is the shared memory, and every view of it keeps the lease.
#pragma once

#include <pybind11/pybind11.h>

#include <ndsharray/frame.hpp>

#include <memory>

namespace ndsharray::python {

/// What arrays keep alive.
struct Pixels {
    Frame frame;
};

class PythonFrame {
  public:
    explicit PythonFrame(Frame frame);

    /// \throws ValueError after release().
    pybind11::object array();
    pybind11::dict attributes() const;
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
    FrameInfo info_;
    std::uint64_t missed_;
    bool first_of_writer_;
    bool is_copy_;
};

void define_frame(pybind11::module_& module);

}  // namespace ndsharray::python
