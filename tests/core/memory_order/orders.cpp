// SPDX-License-Identifier: BSD-3-Clause
// The atomic operations in the sources, as they are found by reading them.
#include "orders.hpp"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <stdexcept>

namespace ndsharray::model {
namespace {

constexpr std::string_view order_prefix = "memory_order_";

struct NamedOrder {
    const char* name;
    std::memory_order order;
};
constexpr NamedOrder named_orders[] = {
    {"relaxed", std::memory_order_relaxed}, {"acquire", std::memory_order_acquire},
    {"release", std::memory_order_release}, {"acq_rel", std::memory_order_acq_rel},
    {"seq_cst", std::memory_order_seq_cst},
};

const char* name_of(std::memory_order order) {
    for (const NamedOrder& named : named_orders)
        if (named.order == order)
            return named.name;
    return "?";
}

/// The sources of the protocol, and the two files beside them that take part in it.
std::vector<std::string> files_below(const std::filesystem::path& sources) {
    std::vector<std::string> files{sources / "writer" / "wait_for_readers.hpp",
                                   sources / "writer" / "writer_segment.cpp"};
    for (const auto& entry : std::filesystem::directory_iterator(sources / "protocol"))
        if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

/// With spaces in the place of comments.
std::string code_of(const std::string& path) {
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error("cannot read " + path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::size_t at = text.find("//"); at != std::string::npos; at = text.find("//", at))
        for (; at < text.size() && text[at] != '\n'; ++at)
            text[at] = ' ';
    return text;
}

bool is_part_of_name(char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}

/// Where the object begins that ends before `end`: names, members, calls and subscripts.
std::size_t begin_of_object(const std::string& code, std::size_t end) {
    std::size_t at = end;
    while (at > 0) {
        const char letter = code[at - 1];
        if (letter == ')' || letter == ']') {
            int depth = 0;
            do {
                --at;
                depth += code[at] == ')' || code[at] == ']' ? 1 : code[at] == '(' || code[at] == '[' ? -1 : 0;
            } while (at > 0 && depth != 0);
        } else if (is_part_of_name(letter) || letter == '.' || letter == ':') {
            --at;
        } else if (letter == '>' && at > 1 && code[at - 2] == '-') {
            at -= 2;
        } else {
            break;
        }
    }
    return at;
}

std::size_t end_of_call(const std::string& code, std::size_t parenthesis) {
    int depth = 0;
    for (std::size_t at = parenthesis; at < code.size(); ++at) {
        depth += code[at] == '(' ? 1 : code[at] == ')' ? -1 : 0;
        if (depth == 0)
            return at;
    }
    throw std::runtime_error("a call does not end");
}

unsigned line_of(const std::string& code, std::size_t at) {
    return static_cast<unsigned>(
               std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(at), '\n')) +
           1;
}

/// The name of the function around a place, by how the sources are laid out: functions begin at the left,
/// members in a class one step to the right of it, with their body on the same line.
std::string function_around(const std::string& code, std::size_t at) {
    static const std::regex head(R"((?:^[A-Za-z][^\n=]*?|^ {4}[A-Za-z][^\n(]*[ &*])([~A-Za-z_]+)\()");
    std::string found = "?";
    std::istringstream lines(code.substr(0, at));
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!std::regex_search(line, match, head) || match[1] == "static_assert")
            continue;
        if (line[0] == ' ' && line.find(") const") == std::string::npos &&
            line.find("noexcept {") == std::string::npos)
            continue;
        found = match[1];
    }
    return found;
}

}  // namespace

std::vector<OrderedOperation> operations_in(const std::string& path) {
    const std::string code = code_of(path);
    static const std::regex call(
        R"((load|store|exchange|fetch_add|fetch_sub|fetch_and|fetch_or|compare_exchange_weak|compare_exchange_strong|atomic_thread_fence)\s*\()");
    std::vector<OrderedOperation> found;
    std::vector<std::pair<std::size_t, std::size_t>> extents;
    for (std::sregex_iterator match(code.begin(), code.end(), call), none; match != none; ++match) {
        const auto begin = static_cast<std::size_t>(match->position());
        if (begin > 0 && is_part_of_name(code[begin - 1]))
            continue;
        const std::size_t parenthesis = begin + static_cast<std::size_t>(match->length()) - 1;
        const std::size_t end = end_of_call(code, parenthesis);
        const std::size_t object = begin_of_object(code, begin);
        OrderedOperation operation;
        operation.where = {path.substr(path.rfind('/') + 1), line_of(code, object), line_of(code, end),
                           (*match)[1]};
        operation.function = function_around(code, object);
        operation.text = code.substr(object, parenthesis - object);
        found.push_back(std::move(operation));
        extents.emplace_back(parenthesis, end);
    }
    // Each order belongs to the innermost call around it.
    for (std::size_t at = code.find(order_prefix); at != std::string::npos;
         at = code.find(order_prefix, at + 1)) {
        std::size_t innermost = extents.size();
        for (std::size_t i = 0; i < extents.size(); ++i)
            if (extents[i].first < at && at < extents[i].second)
                innermost = i;
        if (innermost == extents.size())
            throw std::runtime_error(path + ":" + std::to_string(line_of(code, at)) +
                                     ": an order that belongs to no operation that is known here");
        for (const NamedOrder& named : named_orders)
            if (code.compare(at + order_prefix.size(), std::strlen(named.name), named.name) == 0)
                found[innermost].orders.push_back(named.order);
    }
    std::erase_if(found, [](const OrderedOperation& operation) { return operation.orders.empty(); });
    std::map<std::string, int> times;
    for (OrderedOperation& operation : found)
        if (const int time = ++times[operation.name()]; time > 1)
            operation.text += " (" + std::to_string(time) + ")";
    return found;
}

std::vector<OrderedOperation> all_operations(const std::string& source_root) {
    std::vector<OrderedOperation> all;
    for (const std::string& file : files_below(source_root + "/core/src"))
        for (OrderedOperation& operation : operations_in(file))
            all.push_back(std::move(operation));
    return all;
}

std::vector<WeakerOrder> all_weaker(const std::vector<OrderedOperation>& operations) {
    std::vector<WeakerOrder> all;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        const OrderedOperation& operation = operations[i];
        for (std::size_t part = 0; part < operation.orders.size(); ++part) {
            const auto add = [&](std::memory_order to) {
                all.push_back(
                    {i,
                     {operation.where, to, part == 1},
                     operation.name() + " " + name_of(operation.orders[part]) + " -> " + name_of(to)});
            };
            switch (operation.orders[part]) {
                case std::memory_order_seq_cst:
                    add(std::memory_order_acq_rel);
                    break;
                case std::memory_order_acq_rel:
                    add(std::memory_order_acquire);
                    add(std::memory_order_release);
                    break;
                case std::memory_order_acquire:
                case std::memory_order_release:
                    add(std::memory_order_relaxed);
                    break;
                default:
                    break;
            }
        }
    }
    return all;
}

}  // namespace ndsharray::model
