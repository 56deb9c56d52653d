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

/// Makes a call in another thread, at once.
template <typename Result>
class BackgroundCall {
  public:
    /// \param end makes the call return; needed if it may wait for ever.
    explicit BackgroundCall(std::function<Result()> call, std::function<void()> end = {})
        : end_(std::move(end)) {
        result_ = std::async(std::launch::async, [this, call = std::move(call)] {
            thread_ = this_thread_number();
            thread_.notify_one();
            Result result = call();
            returned_ = std::chrono::steady_clock::now();
            return result;
        });
        thread_.wait(0);
    }

    ~BackgroundCall() {
        if (end_ && result_.valid() && result_.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
            end_();
    }
    BackgroundCall(const BackgroundCall&) = delete;
    BackgroundCall& operator=(const BackgroundCall&) = delete;

    pid_t thread() const noexcept { return thread_; }

    /// Waits until the call waits in the kernel. \returns whether it came to that.
    bool blocks() const {
        return wait_until([this] { return is_blocked(thread_); });
    }

    /// Whether the call returns in time.
    bool comes_back(std::chrono::seconds in_time = patience) const {
        return result_.wait_for(in_time) == std::future_status::ready;
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
    std::function<void()> end_;
    std::future<Result> result_;
};

}  // namespace ndsharray::test
