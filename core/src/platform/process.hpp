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

/// Text for an errno.
std::string error_text(int error);

/// Starts a thread that the application's signal handlers never run on.
/// \throws std::system_error: there is none to be had.
std::unique_ptr<std::thread> start_thread(std::function<void()> work);

}  // namespace ndsharray::platform
