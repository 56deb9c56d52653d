// SPDX-License-Identifier: BSD-3-Clause
// GstStructure as bytes. Only values with the same meaning in every process are possible. gst/METADATA.md has
// the format.
#include "metadata/structure_bytes.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "value.hpp"

namespace ndsharray::gst {
namespace {

/// Part of the format: a number never gets another meaning.
enum class ValueType : std::uint8_t {
    Boolean = 1,
    Int = 2,
    UInt = 3,
    Int64 = 4,
    UInt64 = 5,
    Float = 6,
    Double = 7,
    Text = 8,
    NoText = 9,
    Fraction = 10,
    Structure = 11,
    Array = 12,
    List = 13,
};

/// Greatest depth of structures and lists inside one another. Nobody needs more, and the stack suffices.
constexpr unsigned deepest = 8;

/// Number of quarks that may be made here. Each stays in memory until the process ends.
constexpr unsigned most_new_quarks = 4096;
std::atomic<unsigned> new_quarks = 0;

// ---------------------------------------------------------------------------------------------- writing

bool write_value(ByteWriter& bytes, const GValue* value, unsigned depth);
bool write_fields(ByteWriter& bytes, const GstStructure* structure, unsigned depth);

template <class Number>
bool write_number(ByteWriter& bytes, ValueType type, Number number) {
    bytes.put(static_cast<std::uint8_t>(type));
    bytes.put(number);
    return true;
}

bool write_text(ByteWriter& bytes, const char* text) {
    if (text && !g_utf8_validate(text, -1, nullptr)) {
        return false;
    }
    bytes.put(static_cast<std::uint8_t>(text ? ValueType::Text : ValueType::NoText));
    if (text) {
        bytes.put_text(text);
    }
    return true;
}

bool write_fraction(ByteWriter& bytes, const GValue* value) {
    bytes.put(static_cast<std::uint8_t>(ValueType::Fraction));
    bytes.put(std::int32_t{gst_value_get_fraction_numerator(value)});
    bytes.put(std::int32_t{gst_value_get_fraction_denominator(value)});
    return true;
}

bool write_nested(ByteWriter& bytes, const GstStructure* structure, unsigned depth) {
    bytes.put(static_cast<std::uint8_t>(ValueType::Structure));
    return structure && write_fields(bytes, structure, depth + 1);
}

template <class Item>
bool write_items(ByteWriter& bytes, ValueType type, unsigned count, Item item, unsigned depth) {
    bytes.put(static_cast<std::uint8_t>(type));
    bytes.put(std::uint32_t{count});
    for (unsigned i = 0; i < count; ++i) {
        if (!write_value(bytes, item(i), depth + 1)) {
            return false;
        }
    }
    return true;
}

bool write_value(ByteWriter& bytes, const GValue* value, unsigned depth) {
    const GType type = G_VALUE_TYPE(value);
    if (depth > deepest || bytes.is_full()) {
        return false;
    }
    if (type == G_TYPE_BOOLEAN) {
        return write_number(bytes, ValueType::Boolean, std::uint8_t{g_value_get_boolean(value) != FALSE});
    }
    if (type == G_TYPE_INT) {
        return write_number(bytes, ValueType::Int, std::int32_t{g_value_get_int(value)});
    }
    if (type == G_TYPE_UINT) {
        return write_number(bytes, ValueType::UInt, std::uint32_t{g_value_get_uint(value)});
    }
    if (type == G_TYPE_INT64) {
        return write_number(bytes, ValueType::Int64, std::int64_t{g_value_get_int64(value)});
    }
    if (type == G_TYPE_UINT64) {
        return write_number(bytes, ValueType::UInt64, std::uint64_t{g_value_get_uint64(value)});
    }
    if (type == G_TYPE_FLOAT) {
        return write_number(bytes, ValueType::Float, g_value_get_float(value));
    }
    if (type == G_TYPE_DOUBLE) {
        return write_number(bytes, ValueType::Double, g_value_get_double(value));
    }
    if (type == G_TYPE_STRING) {
        return write_text(bytes, g_value_get_string(value));
    }
    if (type == GST_TYPE_FRACTION) {
        return write_fraction(bytes, value);
    }
    if (type == GST_TYPE_STRUCTURE) {
        return write_nested(bytes, gst_value_get_structure(value), depth);
    }
    if (type == GST_TYPE_ARRAY) {
        const auto item = [value](unsigned i) { return gst_value_array_get_value(value, i); };
        return write_items(bytes, ValueType::Array, gst_value_array_get_size(value), item, depth);
    }
    if (type == GST_TYPE_LIST) {
        const auto item = [value](unsigned i) { return gst_value_list_get_value(value, i); };
        return write_items(bytes, ValueType::List, gst_value_list_get_size(value), item, depth);
    }
    return false;
}

bool write_fields(ByteWriter& bytes, const GstStructure* structure, unsigned depth) {
    const auto fields = static_cast<unsigned>(gst_structure_n_fields(structure));
    bytes.put_text(gst_structure_get_name(structure));
    bytes.put(std::uint32_t{fields});
    for (unsigned i = 0; i < fields; ++i) {
        const gchar* name = gst_structure_nth_field_name(structure, i);
        bytes.put_text(name);
        if (!write_value(bytes, gst_structure_get_value(structure, name), depth)) {
            return false;
        }
    }
    return !bytes.is_full();
}

// ---------------------------------------------------------------------------------------------- reading

void read_value(ByteReader& bytes, Value& result, unsigned depth);
Owned<GstStructure> read_fields(ByteReader& bytes, unsigned depth);

bool is_name_letter(char letter) {
    return g_ascii_isalnum(letter) || std::string_view("/-_.:+").find(letter) != std::string_view::npos;
}

/// Whether gst_structure_new_empty() accepts this name.
bool is_structure_name(std::string_view text) {
    return !text.empty() && g_ascii_isalpha(text.front()) &&
           std::all_of(text.begin(), text.end(), is_name_letter);
}

/// Counts a text that is not a quark yet. \throws DamagedBytes if there were too many.
void allow_quark(const std::string& text) {
    if (g_quark_try_string(text.c_str()) == 0 &&
        new_quarks.fetch_add(1, std::memory_order_relaxed) >= most_new_quarks) {
        throw DamagedBytes();
    }
}

void read_fraction(ByteReader& bytes, Value& result) {
    const auto numerator = bytes.get<std::int32_t>();
    const auto denominator = bytes.get<std::int32_t>();
    if (numerator == G_MININT || denominator <= 0) {
        throw DamagedBytes();
    }
    g_value_init(result.get(), GST_TYPE_FRACTION);
    gst_value_set_fraction(result.get(), numerator, denominator);
}

void read_nested(ByteReader& bytes, Value& result, unsigned depth) {
    const Owned<GstStructure> structure = read_fields(bytes, depth + 1);
    g_value_init(result.get(), GST_TYPE_STRUCTURE);
    gst_value_set_structure(result.get(), structure.get());
}

/// The type of the first value that is not a list. GStreamer wants all values of a list to have the same.
std::optional<GType> leaf_type(const GValue* value) {
    if (GST_VALUE_HOLDS_ARRAY(value)) {
        return gst_value_array_get_size(value) == 0 ? std::nullopt
                                                    : leaf_type(gst_value_array_get_value(value, 0));
    }
    if (GST_VALUE_HOLDS_LIST(value)) {
        return gst_value_list_get_size(value) == 0 ? std::nullopt
                                                   : leaf_type(gst_value_list_get_value(value, 0));
    }
    return G_VALUE_TYPE(value);
}

template <class Append>
void read_items(ByteReader& bytes, Value& result, GType type, unsigned depth, Append append) {
    g_value_init(result.get(), type);
    for (auto left = bytes.get<std::uint32_t>(); left > 0; --left) {
        Value item;
        read_value(bytes, item, depth + 1);
        const auto wanted = leaf_type(result.get());
        const auto found = leaf_type(item.get());
        if (wanted && found && *wanted != *found) {
            throw DamagedBytes();
        }
        append(result.get(), item.get());
    }
}

void read_text(ByteReader& bytes, Value& result) {
    const std::string text = bytes.get_text();
    g_value_init(result.get(), G_TYPE_STRING);
    g_value_set_string(result.get(), text.c_str());
}

template <class Number, class Set>
void read_number(ByteReader& bytes, Value& result, GType type, Set set) {
    const auto number = bytes.get<Number>();
    g_value_init(result.get(), type);
    set(result.get(), number);
}

void read_value(ByteReader& bytes, Value& result, unsigned depth) {
    if (depth > deepest) {
        throw DamagedBytes();
    }
    switch (static_cast<ValueType>(bytes.get<std::uint8_t>())) {
        case ValueType::Boolean:
            return read_number<std::uint8_t>(bytes, result, G_TYPE_BOOLEAN, [](GValue* value, auto number) {
                g_value_set_boolean(value, number != 0);
            });
        case ValueType::Int:
            return read_number<std::int32_t>(bytes, result, G_TYPE_INT, g_value_set_int);
        case ValueType::UInt:
            return read_number<std::uint32_t>(bytes, result, G_TYPE_UINT, g_value_set_uint);
        case ValueType::Int64:
            return read_number<std::int64_t>(bytes, result, G_TYPE_INT64, g_value_set_int64);
        case ValueType::UInt64:
            return read_number<std::uint64_t>(bytes, result, G_TYPE_UINT64, g_value_set_uint64);
        case ValueType::Float:
            return read_number<float>(bytes, result, G_TYPE_FLOAT, g_value_set_float);
        case ValueType::Double:
            return read_number<double>(bytes, result, G_TYPE_DOUBLE, g_value_set_double);
        case ValueType::Text:
            return read_text(bytes, result);
        case ValueType::NoText:
            g_value_init(result.get(), G_TYPE_STRING);
            return;
        case ValueType::Fraction:
            return read_fraction(bytes, result);
        case ValueType::Structure:
            return read_nested(bytes, result, depth);
        case ValueType::Array:
            return read_items(bytes, result, GST_TYPE_ARRAY, depth, gst_value_array_append_value);
        case ValueType::List:
            return read_items(bytes, result, GST_TYPE_LIST, depth, gst_value_list_append_value);
    }
    throw DamagedBytes();
}

Owned<GstStructure> read_fields(ByteReader& bytes, unsigned depth) {
    const std::string name = bytes.get_text();
    if (depth > deepest || !is_structure_name(name)) {
        throw DamagedBytes();
    }
    allow_quark(name);
    Owned<GstStructure> structure(gst_structure_new_empty(name.c_str()));
    for (auto left = bytes.get<std::uint32_t>(); left > 0; --left) {
        const std::string field = bytes.get_text();
        if (field.empty()) {
            throw DamagedBytes();
        }
        allow_quark(field);
        Value value;
        read_value(bytes, value, depth);
        gst_structure_set_value(structure.get(), field.c_str(), value.get());
    }
    return structure;
}

}  // namespace

bool write_structure(ByteWriter& bytes, const GstStructure* structure) {
    return write_fields(bytes, structure, 0);
}

Owned<GstStructure> read_structure(ByteReader& bytes) {
    return read_fields(bytes, 0);
}

GQuark read_quark(ByteReader& bytes) {
    const std::string text = bytes.get_text();
    if (text.empty()) {
        return 0;
    }
    allow_quark(text);
    return g_quark_from_string(text.c_str());
}

}  // namespace ndsharray::gst
