// SPDX-License-Identifier: BSD-3-Clause
// A call that blocks, made in a thread of its own.
#pragma once

#include <support/thread_state.hpp>
#include <support/wait.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

namespace ndsharray::test {

/// Makes a call in another thread, at once. The destructor waits until the call returned, so it should be
/// one that ends by itself after a while.
template <typename Result>
class BackgroundCall {
  public:
    explicit BackgroundCall(std::function<Result()> call) {
        result_ = std::async(std::launch::async, [this, call = std::move(call)] {
            thread_ = this_thread_number();
            thread_.notify_one();
            Result result = call();
            returned_ = std::chrono::steady_clock::now();
            return result;
        });
        thread_.wait(0);
    }

    pid_t thread() const noexcept { return thread_; }

    /// Waits until the call waits in the kernel. \returns whether it came to that.
    bool blocks() const {
        return wait_until([this] { return is_blocked(thread_); });
    }

    /// \throws std::runtime_error if the call did not return in time.
    Result result() {
        if (result_.wait_for(patience) != std::future_status::ready)
            throw std::runtime_error("the call did not return in time");
        return result_.get();
    }

    /// When the call returned; only after result().
    std::chrono::steady_clock::time_point returned() const noexcept { return returned_; }

  private:
    std::chrono::steady_clock::time_point returned_;
    std::atomic<pid_t> thread_ = 0;
    std::future<Result> result_;
};

}  // namespace ndsharray::test
