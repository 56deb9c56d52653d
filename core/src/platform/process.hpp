// SPDX-License-Identifier: BSD-3-Clause
// This process, its user and its threads; random numbers; names of errors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <sys/types.h>

namespace ndsharray::platform {

/// 64 random bits from the kernel.
std::uint64_t random_bits() noexcept;

uid_t own_user() noexcept;
std::optional<uid_t> user_id(const std::string& name_or_number);
std::string user_name(uid_t user);
std::uint32_t own_pid() noexcept;

/// False for a process of another PID namespace, also if it lives.
bool process_exists(std::uint32_t pid) noexcept;

/// The text of an errno.
std::string error_text(int error);

/// Starts a thread in which no signal handler of the application runs.
/// \throws std::system_error: the system refuses a thread.
std::unique_ptr<std::thread> start_thread(std::function<void()> work);

}  // namespace ndsharray::platform
