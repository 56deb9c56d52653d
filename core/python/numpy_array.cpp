// SPDX-License-Identifier: BSD-3-Clause
// NumPy's arrays and ours.
#include "numpy_array.hpp"

#include "errors.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray::python {
namespace {

namespace py = pybind11;

enum class Kind { Signed, Unsigned, Float, Complex, Bool };

/// The type with items of this kind and size; nothing for one that NumPy has and we have not.
std::optional<DType> dtype_of(Kind kind, std::size_t bytes) noexcept {
    struct Row {
        Kind kind;
        DType dtype;
    };
    static constexpr std::array<Row, dtype_count> rows{{
        {Kind::Signed, DType::Int8},
        {Kind::Signed, DType::Int16},
        {Kind::Signed, DType::Int32},
        {Kind::Signed, DType::Int64},
        {Kind::Unsigned, DType::UInt8},
        {Kind::Unsigned, DType::UInt16},
        {Kind::Unsigned, DType::UInt32},
        {Kind::Unsigned, DType::UInt64},
        {Kind::Float, DType::Float16},
        {Kind::Float, DType::Float32},
        {Kind::Float, DType::Float64},
        {Kind::Float, DType::Float128},
        {Kind::Complex, DType::Complex64},
        {Kind::Complex, DType::Complex128},
        {Kind::Complex, DType::Complex256},
        {Kind::Bool, DType::Bool},
    }};
    for (const Row& row : rows)
        if (row.kind == kind && item_size(row.dtype) == bytes)
            return row.dtype;
    return std::nullopt;
}

/// What a format of the buffer interface (PEP 3118) says, without its size.
struct Format {
    Kind kind;
    ByteOrder byte_order;
};

std::optional<Kind> kind_of(std::string_view code) noexcept {
    if (code.size() == 2 && code[0] == 'Z' && std::string_view("fdg").find(code[1]) != code.npos)
        return Kind::Complex;
    if (code.size() != 1)
        return std::nullopt;
    if (std::string_view("bhilqn").find(code[0]) != code.npos)
        return Kind::Signed;
    if (std::string_view("BHILQN").find(code[0]) != code.npos)
        return Kind::Unsigned;
    if (std::string_view("efdg").find(code[0]) != code.npos)
        return Kind::Float;
    return code[0] == '?' ? std::optional(Kind::Bool) : std::nullopt;
}

std::optional<Format> parse(std::string_view format) noexcept {
    ByteOrder byte_order = native_byte_order;
    if (!format.empty() && std::string_view("@=<>!^").find(format[0]) != format.npos) {
        if (format[0] == '<')
            byte_order = ByteOrder::Little;
        else if (format[0] == '>' || format[0] == '!')
            byte_order = ByteOrder::Big;
        format.remove_prefix(1);
    }
    const auto kind = kind_of(format);
    return kind ? std::optional(Format{*kind, byte_order}) : std::nullopt;
}

[[noreturn]] void throw_unsupported(const std::string& dtype) {
    throw_not_implemented(dtype + " is a numpy.dtype which is not supported; these are: " +
                          "int8 to int64, uint8 to uint64, float16 to float64, float128, complex64, "
                          "complex128, complex256, bool");
}

std::string text_of(const py::handle& object) {
    return py::str(object).cast<std::string>();
}

/// What describes the type of an object's elements best.
std::string dtype_text(const py::handle& object, const char* format) {
    return py::hasattr(object, "dtype") ? text_of(object.attr("dtype")) : std::string(format ? format : "B");
}

constexpr ByteOrder foreign_byte_order =
    native_byte_order == ByteOrder::Little ? ByteOrder::Big : ByteOrder::Little;

/// One length of a shape: an int, or what NumPy takes for one.
std::uint64_t length_from(const py::handle& length) {
    const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(length.ptr()));
    if (!number) {
        PyErr_Clear();
        throw py::type_error("a shape is an int or a sequence of ints, one per dimension; " +
                             py::repr(length).cast<std::string>() + " is none");
    }
    const std::uint64_t result = PyLong_AsUnsignedLongLong(number.ptr());
    if (PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        throw py::value_error("a length in a shape is 0 or more, and fits into memory; " +
                              py::repr(length).cast<std::string>() + " is none");
    }
    return result;
}

/// A mask cannot cross: without it, what was masked would look like data.
void refuse_mask(const py::handle& object) {
    if (py::hasattr(object, "mask") && py::hasattr(object, "filled"))
        throw py::type_error(
            "a masked array would lose its mask; write array.filled(value), or array.data to send all of it");
}

/// 1-byte types have no byte order, but their specs do: that of the machine.
ByteOrder normalized(ByteOrder order, DType dtype) noexcept {
    return item_size(dtype) == 1 ? native_byte_order : order;
}

// Never released: needed until the interpreter is gone.
const py::object& numpy_ndarray() {
    static const auto& type = *new py::object(py::module_::import("numpy").attr("ndarray"));
    return type;
}
const py::object& numpy_dtype() {
    static const auto& type = *new py::object(py::module_::import("numpy").attr("dtype"));
    return type;
}

/// numpy.dtype of each of our types in each byte order; None where this platform has none.
py::object numpy_dtype(DType dtype, ByteOrder order) {
    static std::array<PyObject*, std::size_t{dtype_count} * 2> cache{};
    PyObject*& cached = cache[static_cast<std::size_t>(dtype) * 2 + (order == ByteOrder::Big ? 1 : 0)];
    if (cached == nullptr) {
        std::string type(name(dtype));
        if (dtype == DType::Float128)
            type = "longdouble";
        else if (dtype == DType::Complex256)
            type = "clongdouble";
        // The machine's own order has no sign in the buffer interface: memoryview, struct and others know no
        // other.
        py::object made = numpy_dtype()(type);
        if (order != native_byte_order)
            made = made.attr("newbyteorder")("S");
        if (made.attr("itemsize").cast<std::size_t>() != item_size(dtype))
            made = py::none();
        cached = made.release().ptr();
    }
    return py::reinterpret_borrow<py::object>(cached);
}

}  // namespace

BorrowedArray::BorrowedArray(const py::handle& object) {
    if (PyObject_CheckBuffer(object.ptr()) == 0)
        throw py::type_error("a NumPy array is needed (or what has the buffer interface), not " +
                             std::string(Py_TYPE(object.ptr())->tp_name));
    refuse_mask(object);
    const bool is_swapped = borrow(object);
    auto format = parse(buffer_.format != nullptr ? buffer_.format : "B");
    if (format && is_swapped)
        format->byte_order = foreign_byte_order;
    const auto dtype =
        format ? dtype_of(format->kind, static_cast<std::size_t>(buffer_.itemsize)) : std::nullopt;
    if (!dtype) {
        const std::string text = dtype_text(object, buffer_.format);
        PyBuffer_Release(&buffer_);
        throw_unsupported(text);
    }
    view_.data = buffer_.buf;
    view_.spec.dtype = *dtype;
    view_.spec.byte_order = normalized(format->byte_order, *dtype);
    view_.spec.ndim = static_cast<std::uint32_t>(buffer_.ndim);
    for (std::size_t i = 0; i < view_.spec.ndim && i < max_dimensions; ++i) {
        view_.spec.shape[i] = static_cast<std::uint64_t>(buffer_.shape[i]);
        view_.spec.strides[i] = buffer_.strides[i];
    }
}

/// NumPy lends all but what no format can say, which is long double with a byte order, be it this machine's:
/// that is lent without one.
/// \returns whether it is in the other byte order.
bool BorrowedArray::borrow(const py::handle& object) {
    if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_RECORDS_RO) == 0)
        return false;
    PyErr_Clear();
    if (py::isinstance(object, numpy_ndarray())) {
        const py::object dtype = object.attr("dtype");
        const auto kind = dtype.attr("kind").cast<std::string>();
        const py::object plain = dtype.attr("newbyteorder")("=");
        if (kind == "f" || kind == "c") {
            const py::object lent = object.attr("view")(plain);
            if (PyObject_GetBuffer(lent.ptr(), &buffer_, PyBUF_RECORDS_RO) == 0)
                return !dtype.attr("isnative").cast<bool>();
            PyErr_Clear();
        }
    }
    throw_unsupported(dtype_text(object, nullptr));
}

ArraySpec BorrowedArray::spec() const {
    const ArraySpec& spec = view_.spec;
    const std::vector<std::uint64_t> shape(buffer_.shape, buffer_.shape + buffer_.ndim);
    return ArraySpec::contiguous(spec.dtype, shape, spec.byte_order);
}

ArraySpec spec_of(const py::object& shape, const py::object& dtype) {
    const py::object type = numpy_dtype()(dtype);
    const auto kind_code = type.attr("kind").cast<std::string>();
    const auto order = type.attr("byteorder").cast<std::string>();
    static constexpr std::string_view codes = "iufcb";
    const std::size_t kind = codes.find(kind_code);
    const auto ours = kind != codes.npos
                          ? dtype_of(static_cast<Kind>(kind), type.attr("itemsize").cast<std::size_t>())
                          : std::nullopt;
    if (!ours)
        throw_unsupported(text_of(type));
    const ByteOrder byte_order = order == "<"   ? ByteOrder::Little
                                 : order == ">" ? ByteOrder::Big
                                                : native_byte_order;
    std::vector<std::uint64_t> lengths;
    if (py::isinstance<py::sequence>(shape) && !py::isinstance<py::str>(shape)) {
        for (const py::handle length : shape)
            lengths.push_back(length_from(length));
    } else {
        lengths.push_back(length_from(shape));
    }
    return ArraySpec::contiguous(*ours, lengths, normalized(byte_order, *ours));
}

py::object make_array(const ArraySpec& spec, const py::object& owner) {
    const py::object dtype = numpy_dtype(spec.dtype, spec.byte_order);
    if (dtype.is_none())
        throw_not_implemented("NumPy has no " + std::string(name(spec.dtype)) + " on this machine");
    py::tuple shape(spec.ndim);
    py::tuple strides(spec.ndim);
    for (std::size_t i = 0; i < spec.ndim; ++i) {
        shape[i] = py::int_(spec.shape[i]);
        strides[i] = py::int_(spec.strides[i]);
    }
    return numpy_ndarray()(shape, dtype, owner, 0, strides);
}

py::buffer_info lend(const std::byte* data, std::size_t bytes, bool read_only) {
    return py::buffer_info(const_cast<std::byte*>(data), 1, "B", 1, {static_cast<py::ssize_t>(bytes)}, {1},
                           read_only);
}

}  // namespace ndsharray::python
