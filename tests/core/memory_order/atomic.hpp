// SPDX-License-Identifier: BSD-3-Clause
// Stands in for std::atomic, std::atomic_thread_fence and std::chrono::steady_clock where the core is
// compiled for the model of memory. The compiler includes it before everything else (-include). A word in the
// arena belongs to memory.hpp; any other word is a plain value, since all threads of a scene are contexts in
// one thread.
#pragma once

// The macros at the end rename each std::atomic that follows. So the headers of the C++ library come first:
// they keep the real one.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <source_location>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ndsharray::model {

using Where = std::source_location;

bool is_shared(const void* word) noexcept;

/// The word comes into being, by a store that is not atomic.
void make(const void* word, unsigned bytes) noexcept;
std::uint64_t load(const void* word, unsigned bytes, std::memory_order order, const Where& where) noexcept;
void store(void* word, unsigned bytes, std::uint64_t value, std::memory_order order,
           const Where& where) noexcept;

enum class Change { Exchange, Add, Sub, And, Or };
std::uint64_t change(void* word, unsigned bytes, Change change, std::uint64_t operand,
                     std::memory_order order, const Where& where) noexcept;
bool compare_exchange(void* word, unsigned bytes, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, const Where& where) noexcept;
void fence(std::memory_order order, const Where& where) noexcept;

}  // namespace ndsharray::model

namespace std {

template <typename T>
class ndsharray_model_atomic {
    using Model = ndsharray::model::Change;
    using Where = ndsharray::model::Where;
    static constexpr bool is_number = std::is_integral_v<T>;

  public:
    static constexpr bool is_always_lock_free = std::atomic<T>::is_always_lock_free;

    constexpr ndsharray_model_atomic() noexcept : ndsharray_model_atomic(T{}) {}
    constexpr ndsharray_model_atomic(T value) noexcept : value_(value) {  // NOLINT: as std::atomic
        if (!std::is_constant_evaluated() && is_shared())
            ndsharray::model::make(this, sizeof(T));
    }
    ndsharray_model_atomic(const ndsharray_model_atomic&) = delete;
    ndsharray_model_atomic& operator=(const ndsharray_model_atomic&) = delete;

    T load(std::memory_order order = std::memory_order_seq_cst,
           const Where& where = Where::current()) const noexcept {
        if constexpr (is_number)
            if (is_shared())
                return static_cast<T>(ndsharray::model::load(this, sizeof(T), order, where));
        return value_;
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst,
               const Where& where = Where::current()) noexcept {
        if constexpr (is_number)
            if (is_shared())
                return ndsharray::model::store(this, sizeof(T), static_cast<std::uint64_t>(value), order,
                                               where);
        value_ = value;
    }
    T exchange(T value, std::memory_order order = std::memory_order_seq_cst,
               const Where& where = Where::current()) noexcept {
        if constexpr (is_number)
            if (is_shared())
                return change(Model::Exchange, value, order, where);
        return std::exchange(value_, value);
    }
    T fetch_add(T value, std::memory_order order = std::memory_order_seq_cst,
                const Where& where = Where::current()) noexcept {
        return is_shared() ? change(Model::Add, value, order, where)
                           : std::exchange(value_, static_cast<T>(value_ + value));
    }
    T fetch_sub(T value, std::memory_order order = std::memory_order_seq_cst,
                const Where& where = Where::current()) noexcept {
        return is_shared() ? change(Model::Sub, value, order, where)
                           : std::exchange(value_, static_cast<T>(value_ - value));
    }
    T fetch_and(T value, std::memory_order order = std::memory_order_seq_cst,
                const Where& where = Where::current()) noexcept {
        return is_shared() ? change(Model::And, value, order, where)
                           : std::exchange(value_, static_cast<T>(value_ & value));
    }
    T fetch_or(T value, std::memory_order order = std::memory_order_seq_cst,
               const Where& where = Where::current()) noexcept {
        return is_shared() ? change(Model::Or, value, order, where)
                           : std::exchange(value_, static_cast<T>(value_ | value));
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
                               const Where& where = Where::current()) noexcept {
        if constexpr (is_number) {
            if (is_shared()) {
                auto found = static_cast<std::uint64_t>(expected);
                const bool done = ndsharray::model::compare_exchange(
                    this, sizeof(T), found, static_cast<std::uint64_t>(desired), success, failure, where);
                expected = static_cast<T>(found);
                return done;
            }
        }
        if (value_ != expected) {
            expected = value_;
            return false;
        }
        value_ = desired;
        return true;
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
                                 const Where& where = Where::current()) noexcept {
        return compare_exchange_weak(expected, desired, success, failure, where);
    }
    // A conversion names no order, so orders.cpp would not find it.
    operator T() const noexcept = delete;

  private:
    bool is_shared() const noexcept { return ndsharray::model::is_shared(this); }
    T change(Model what, T operand, std::memory_order order, const Where& where) noexcept {
        return static_cast<T>(ndsharray::model::change(this, sizeof(T), what,
                                                       static_cast<std::uint64_t>(operand), order, where));
    }

    alignas(sizeof(T)) T value_;
};

inline void ndsharray_model_fence(std::memory_order order, const ndsharray::model::Where& where =
                                                               ndsharray::model::Where::current()) noexcept {
    ndsharray::model::fence(order, where);
}

}  // namespace std

// ---- time

namespace std::chrono {

/// Stands still, so that a run repeats itself.
struct ndsharray_model_clock : steady_clock {
    static time_point now() noexcept { return time_point(hours(1)); }
};

}  // namespace std::chrono

#define atomic ndsharray_model_atomic
#define atomic_thread_fence ndsharray_model_fence
#define steady_clock ndsharray_model_clock
