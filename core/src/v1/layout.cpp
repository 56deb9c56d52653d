// SPDX-License-Identifier: BSD-3-Clause
// The files of the Python package ndsharray 1.x: names and bytes. See core/PROTOCOL.md, section 5.
#include "v1/layout.hpp"

#include "testing/faults.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace ndsharray::v1 {
namespace {

constexpr std::size_t id_digits = 32;

/// The first half of the 32 digits of our files: "ndsharra". In the UUIDs of 1.x the 13th digit is a 4.
constexpr std::uint64_t our_mark = 0x6e64'7368'6172'7261;

/// The dtype index of 1.x. The numbers below 11 never changed.
struct Index {
    DType dtype;
    std::uint64_t number;
};

// If versions differ, the later one comes first: we write for that one.
constexpr std::array<Index, 8> from_11_on{{
    {DType::Complex64, 11},
    {DType::Complex128, 12},
    {DType::Bool, 13},
    {DType::Float128, 11},
    {DType::Complex64, 12},
    {DType::Complex128, 13},
    {DType::Complex256, 14},
    {DType::Bool, 15},
}};

std::uint64_t index_of(DType dtype) noexcept {
    const auto* found = std::find_if(from_11_on.begin(), from_11_on.end(),
                                     [&](const Index& index) { return index.dtype == dtype; });
    return found != from_11_on.end() ? found->number : static_cast<std::uint64_t>(dtype);
}

/// \param item_bytes nothing for an array without elements. Then any size is right.
std::optional<DType> dtype_of(std::uint64_t number, std::optional<std::uint64_t> item_bytes) noexcept {
    const auto fits = [&](DType dtype) { return !item_bytes || *item_bytes == item_size(dtype); };
    if (number < 11) {
        const auto dtype = static_cast<DType>(number);
        return fits(dtype) ? std::optional(dtype) : std::nullopt;
    }
    for (const Index& index : from_11_on)
        if (index.number == number && fits(index.dtype))
            return index.dtype;
    return std::nullopt;
}

void append_number(std::vector<std::byte>& bytes, std::uint64_t number) {
    for (std::size_t i = sizeof(std::size_t); i-- > 0;)
        bytes.push_back(static_cast<std::byte>(number >> (8 * i)));
}

std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t offset, std::size_t width) noexcept {
    std::uint64_t number = 0;
    for (const std::byte byte : bytes.subspan(offset, width))
        number = number << 8 | std::to_integer<std::uint64_t>(byte);
    return number;
}

/// Nothing if the number does not fit into 64 bits.
std::optional<std::uint64_t> element_count(std::span<const std::uint64_t> shape) noexcept {
    std::uint64_t count = 1;
    for (const std::uint64_t length : shape)
        if (__builtin_mul_overflow(count, length, &count))
            return std::nullopt;
    return count;
}

std::optional<DataLayout> parse_header(std::span<const std::byte> start, std::uint64_t file_bytes,
                                       std::size_t width) {
    if (start.size() < time_bytes + 2 * width)
        return std::nullopt;
    const std::uint64_t number = number_at(start, time_bytes, width);
    const std::uint64_t ndim = number_at(start, time_bytes + width, width);
    if (ndim > max_dimensions)
        return std::nullopt;
    const std::uint64_t header = time_bytes + (2 + ndim) * width;
    if (start.size() < header || file_bytes < header + time_bytes)
        return std::nullopt;

    std::array<std::uint64_t, max_dimensions> lengths{};
    for (std::size_t i = 0; i < ndim; ++i)
        lengths[i] = number_at(start, time_bytes + (2 + i) * width, width);
    const std::span<const std::uint64_t> shape(lengths.data(), static_cast<std::size_t>(ndim));
    const auto count = element_count(shape);
    if (!count)
        return std::nullopt;

    const std::uint64_t bytes = file_bytes - header - time_bytes;
    std::optional<std::uint64_t> item_bytes;
    if (*count > 0)
        item_bytes = bytes / *count;
    const auto dtype = dtype_of(number, item_bytes);
    if (!dtype || bytes != *count * item_size(*dtype))
        return std::nullopt;
    try {
        return DataLayout{ArraySpec::contiguous(*dtype, shape), header};
    } catch (const Error&) {
        return std::nullopt;  // larger than any memory
    }
}

bool is_own_file(const std::string& path) noexcept {
    const auto status = platform::status_of(path);
    return status && status->regular && status->owner == platform::own_user();
}

/// Whether no writer uses the control file any longer: it names one of our files, or a file that is gone. A
/// file of zeros is either ours, from before our first frame, or it belongs to a 1.x writer that starts. In
/// the second case there is a data file of 1.x.
bool is_left_control(const TagFiles& files, bool has_1x_data) {
    const platform::Opened control = platform::open_existing(control_path(files), platform::Access::ReadOnly);
    if (!control.file)
        return false;
    if (const auto name = read_control(files, control.file))
        return is_our_data_name(files, *name) || !platform::status_of(data_path(files, *name));
    return is_unused_control(files, control.file) && !has_1x_data;
}

}  // namespace

std::string control_path(const TagFiles& files) {
    return files.directory() + "/" + files.tag();
}

std::size_t control_bytes(const TagFiles& files) noexcept {
    return files.tag().size() + 1 + id_digits;
}

std::string new_data_name(const TagFiles& files) {
    return files.tag() + "_" + Id{our_mark, Id::random().low}.hex();
}

std::string data_path(const TagFiles& files, const std::string& name) {
    return files.directory() + "/" + name;
}

bool is_data_name(const TagFiles& files, std::string_view name) noexcept {
    return name.size() == control_bytes(files) && name.starts_with(files.tag()) &&
           name[files.tag().size()] == '_' && std::all_of(name.end() - id_digits, name.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

bool is_our_data_name(const TagFiles& files, std::string_view name) {
    const std::string start = Id{our_mark, 0}.hex().substr(0, id_digits / 2);
    return is_data_name(files, name) && name.substr(files.tag().size() + 1).starts_with(start);
}

std::optional<std::string> read_control(const TagFiles& files, const platform::Descriptor& control) {
    std::string name(control_bytes(files), '\0');
    const std::size_t bytes = platform::read_at(control, 0, std::as_writable_bytes(std::span(name)));
    return bytes == name.size() && is_data_name(files, name) ? std::optional(std::move(name)) : std::nullopt;
}

bool is_unused_control(const TagFiles& files, const platform::Descriptor& control) {
    std::string content(control_bytes(files) + 1, '\1');
    const std::size_t bytes = platform::read_at(control, 0, std::as_writable_bytes(std::span(content)));
    content.pop_back();
    return bytes == content.size() && content.find_first_not_of('\0') == std::string::npos;
}

DataLayout layout_for(const ArraySpec& spec) {
    return {ArraySpec::contiguous(spec.dtype, std::span(spec.shape.data(), spec.ndim)),
            time_bytes + (2 + std::uint64_t{spec.ndim}) * sizeof(std::size_t)};
}

std::vector<std::byte> make_header(const DataLayout& layout) {
    std::vector<std::byte> bytes(time_bytes);
    bytes.reserve(static_cast<std::size_t>(layout.data_offset));
    append_number(bytes, index_of(layout.spec.dtype));
    append_number(bytes, layout.spec.ndim);
    for (std::size_t i = 0; i < layout.spec.ndim; ++i)
        append_number(bytes, layout.spec.shape[i]);
    return bytes;
}

std::optional<DataLayout> parse_header(std::span<const std::byte> start, std::uint64_t file_bytes) {
    for (const std::size_t width : {sizeof(std::uint64_t), sizeof(std::uint32_t)})
        if (auto layout = parse_header(start, file_bytes, width))
            return layout;
    return std::nullopt;
}

std::vector<std::string> leftover_names(const TagFiles& files) {
    std::vector<std::string> found;
    bool has_1x_data = false;
    for (std::string& name : platform::list_directory(files.directory()).names)
        if (is_our_data_name(files, name))
            found.push_back(std::move(name));
        else if (is_data_name(files, name))
            has_1x_data = true;
    if (is_left_control(files, has_1x_data))
        found.push_back(files.tag());
    return found;
}

void remove_leftovers(const TagFiles& files, bool keep_control) {
    for (const std::string& name : leftover_names(files)) {
        if ((keep_control && name == files.tag()) || !is_own_file(data_path(files, name)))
            continue;
        platform::unlink_file(data_path(files, name));
        NDSHARRAY_FAULT_POINT(CompatLeftoverRemoved);
    }
}

}  // namespace ndsharray::v1
