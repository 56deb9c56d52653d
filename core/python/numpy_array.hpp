// SPDX-License-Identifier: BSD-3-Clause
// NumPy's arrays and ours. By the buffer interface and NumPy's Python API only, so that one build works with
// NumPy 1.x and 2.x.
#pragma once

#include <pybind11/pybind11.h>

#include <ndsharray/array.hpp>

#include <cstddef>

namespace ndsharray::python {

/// An array that a Python object lends, as long as this lives. To be made and destroyed with the GIL.
class BorrowedArray {
  public:
    /// \throws TypeError: no array; NotImplementedError: a dtype that cannot be shared.
    explicit BorrowedArray(const pybind11::handle& object);
    ~BorrowedArray() { PyBuffer_Release(&buffer_); }
    BorrowedArray(const BorrowedArray&) = delete;
    BorrowedArray& operator=(const BorrowedArray&) = delete;

    /// Strides of any sign.
    const ArrayView& view() const noexcept { return view_; }

    /// Layout of the array in C order.
    ArraySpec spec() const;

  private:
    bool borrow(const pybind11::handle& object);

    Py_buffer buffer_{};
    ArrayView view_;
};

/// Layout of an array in C order. \param dtype whatever numpy.dtype() takes
/// \throws NotImplementedError: a dtype that cannot be shared.
ArraySpec spec_of(const pybind11::object& shape, const pybind11::object& dtype);

/// An ndarray over memory that `owner` lends by the buffer interface, from its first byte on; the array keeps
/// `owner` alive. It can be written if the memory can.
pybind11::object make_array(const ArraySpec& spec, const pybind11::object& owner);

/// Bytes that Python may look at.
pybind11::buffer_info lend(const std::byte* data, std::size_t bytes, bool read_only);

}  // namespace ndsharray::python
