// SPDX-License-Identifier: BSD-3-Clause
// The header of NumPy's .npy files.
#include "npy.hpp"

#include "text.hpp"

#include <ndsharray/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <vector>

namespace ndsharray::cli {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t alignment = 64;  // of the data in the file, so that it can be mapped

/// NumPy's code of each DType, in the order of its values.
constexpr std::array<std::string_view, dtype_count> codes{"i1", "i2", "i4", "i8",  "u1", "u2",  "u4",  "u8",
                                                          "f2", "f4", "f8", "f16", "c8", "c16", "c32", "b1"};

bool is_complex(DType dtype) noexcept {
    return dtype == DType::Complex64 || dtype == DType::Complex128 || dtype == DType::Complex256;
}

std::string description(const ArraySpec& frame) {
    const std::string_view code = codes.at(static_cast<std::size_t>(frame.dtype));
    const char order = item_size(frame.dtype) == 1 ? '|' : frame.byte_order == ByteOrder::Little ? '<' : '>';
    return order + std::string(code);
}

std::string dictionary(const ArraySpec& frame, std::uint64_t frames) {
    std::string shape = fmt::format("{},", frames);
    for (std::uint32_t i = 0; i < frame.ndim; ++i)
        shape += fmt::format(" {},", frame.shape[i]);
    if (frame.ndim > 0)
        shape.pop_back();
    return fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", description(frame),
                       shape);
}

[[noreturn]] void fail(std::string_view problem) {
    throw std::runtime_error(std::string(problem));
}

[[noreturn]] void fail_as_no_npy(std::string_view problem = {}) {
    fail(fmt::format("it is no .npy file{}; numpy.save(file, array) writes one", problem));
}

/// The Python dictionary in the header: three keys, whose values are a string, a word and a tuple of numbers.
class Dictionary {
  public:
    explicit Dictionary(std::string_view text) : text_(text) {}

    /// What stands after the key, from its first character that is no space.
    std::string_view after(std::string_view key) const {
        for (const char quote : {'\'', '"'}) {
            const std::string quoted = quote + std::string(key) + quote;
            const std::size_t at = text_.find(quoted);
            if (at == std::string_view::npos)
                continue;
            std::string_view rest = trimmed(text_.substr(at + quoted.size()));
            if (rest.empty() || rest.front() != ':')
                break;
            return trimmed(rest.substr(1));
        }
        fail_as_no_npy(fmt::format(": its header has no '{}'", key));
    }

    static std::string_view trimmed(std::string_view text) {
        const std::size_t start = text.find_first_not_of(" \t\n");
        return start == std::string_view::npos ? std::string_view() : text.substr(start);
    }

  private:
    std::string_view text_;
};

struct Element {
    DType dtype;
    ByteOrder byte_order;
};

Element parse_description(std::string_view value) {
    if (value.empty() || (value.front() != '\'' && value.front() != '"'))
        fail("its elements are records; only plain numbers can be published");
    const std::size_t end = value.find(value.front(), 1);
    if (end == std::string_view::npos || end < 3)
        fail_as_no_npy(": its 'descr' cannot be read");
    const std::string_view text = value.substr(1, end - 1);
    const auto found = std::find(codes.begin(), codes.end(), text.substr(1));
    if (found == codes.end())
        fail(fmt::format("elements of type '{}' cannot be published; only numbers and bool can",
                         printable(text)));
    const auto dtype = static_cast<DType>(found - codes.begin());
    const bool has_order = item_size(dtype) > 1;  // a byte has none, whatever is said
    switch (text.front()) {
        case '<':
            return {dtype, has_order ? ByteOrder::Little : native_byte_order};
        case '>':
            return {dtype, has_order ? ByteOrder::Big : native_byte_order};
        case '|':
        case '=':
            return {dtype, native_byte_order};
        default:
            fail(fmt::format("the byte order of '{}' is not known", printable(text)));
    }
}

std::vector<std::uint64_t> parse_shape(std::string_view value) {
    if (value.empty() || value.front() != '(')
        fail_as_no_npy(": its 'shape' cannot be read");
    std::vector<std::uint64_t> shape;
    std::string_view rest = Dictionary::trimmed(value.substr(1));
    while (!rest.empty() && rest.front() != ')') {
        std::uint64_t length = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
        if (error != std::errc{})
            fail_as_no_npy(": its 'shape' cannot be read");
        shape.push_back(length);
        rest = Dictionary::trimmed(rest.substr(static_cast<std::size_t>(end - rest.data())));
        if (!rest.empty() && rest.front() == ',')
            rest = Dictionary::trimmed(rest.substr(1));
        else if (rest.empty() || rest.front() != ')')
            fail_as_no_npy(": its 'shape' cannot be read");
    }
    return shape;
}

bool parse_fortran_order(std::string_view value) {
    if (!value.starts_with("True") && !value.starts_with("False"))
        fail_as_no_npy(": its 'fortran_order' cannot be read");
    return value.starts_with("True");
}

/// Where the dictionary lies in the file.
struct Place {
    std::size_t offset;
    std::size_t bytes;
};

Place find_dictionary(std::string_view start) {
    if (!start.starts_with(magic) || start.size() < 12)
        fail_as_no_npy();
    const auto byte = [&](std::size_t at) { return std::size_t{static_cast<unsigned char>(start[at])}; };
    switch (byte(6)) {
        case 1:
            return {10, byte(8) | byte(9) << 8};
        case 2:
        case 3:
            return {12, byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24};
        default:
            fail(fmt::format("it is a .npy file of version {}.{}, which is not known", byte(6), byte(7)));
    }
}

}  // namespace

std::string make_npy_header(const ArraySpec& frame, std::uint64_t frames) {
    constexpr std::size_t fixed = 10;  // magic, version, length
    const std::size_t most = dictionary(frame, std::numeric_limits<std::uint64_t>::max()).size();
    const std::size_t total = (fixed + most + 1 + alignment - 1) / alignment * alignment;
    std::string text = dictionary(frame, frames);
    text.resize(total - fixed - 1, ' ');
    const std::size_t length = text.size() + 1;
    std::string header(magic);
    header += {'\x01', '\x00', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
    return header + text + "\n";
}

NpyContent parse_npy_header(std::string_view start, std::uint64_t file_bytes) {
    const Place place = find_dictionary(start);
    if (place.offset + place.bytes > start.size())
        fail("its header is cut off, or longer than 64 KiB");
    const Dictionary dictionary(start.substr(place.offset, place.bytes));
    const Element element = parse_description(dictionary.after("descr"));
    const std::vector<std::uint64_t> shape = parse_shape(dictionary.after("shape"));
    if (parse_fortran_order(dictionary.after("fortran_order")) && shape.size() > 1)
        fail(
            "its array is in Fortran order, so that frames do not lie together; save "
            "numpy.ascontiguousarray(array) instead");
    if (shape.empty())
        fail("its array has no dimension to take frames from");
    NpyContent content;
    try {
        content.frame = ArraySpec::contiguous(element.dtype, std::span(shape).subspan(1), element.byte_order);
    } catch (const Error& error) {
        fail(error.what());
    }
    content.frames = shape.front();
    content.data_offset = place.offset + place.bytes;
    const std::uint64_t there =
        (file_bytes - content.data_offset) / std::max<std::uint64_t>(content.frame.bytes, 1);
    if (content.frames == 0 || content.frame.bytes == 0)
        fail("its array is empty");
    if (content.frames > there)
        fail(fmt::format("it is truncated: its header says {} frame{}, it has {}", content.frames,
                         plural(content.frames), there));
    return content;
}

void swap_bytes(std::byte* elements, const ArraySpec& spec) noexcept {
    const std::size_t unit = item_size(spec.dtype) / (is_complex(spec.dtype) ? 2 : 1);
    if (unit < 2)
        return;
    for (std::uint64_t at = 0; at + unit <= spec.bytes; at += unit)
        std::reverse(elements + at, elements + at + unit);
}

}  // namespace ndsharray::cli
