// SPDX-License-Identifier: BSD-3-Clause
// An order in the sources that is made weaker, for the runs of a scene.
#include "weaker.hpp"

namespace ndsharray::model {
namespace {

const Weakening* weakening = nullptr;
std::uint64_t executions = 0;

bool is_weakened(std::string_view name, const Where& where) noexcept {
    if (weakening == nullptr || where.line() < weakening->where.first_line ||
        where.line() > weakening->where.last_line || name != weakening->where.name)
        return false;
    return std::string_view(where.file_name()).ends_with("/" + weakening->where.file);
}

}  // namespace

void weaken(const Weakening* now) noexcept {
    weakening = now;
    executions = 0;
}

std::uint64_t weakened_executions() noexcept {
    return executions;
}

std::memory_order order_of(std::memory_order order, std::string_view name, const Where& where,
                           bool of_failure) noexcept {
    if (!is_weakened(name, where) || weakening->of_failure != of_failure)
        return order;
    ++executions;
    return weakening->order;
}

}  // namespace ndsharray::model
