// SPDX-License-Identifier: BSD-3-Clause
// The commands of ndsh. Each adds itself to the command line; when parsed, it is what `chosen` does.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace ndsharray::cli {

/// Runs the command that was chosen. \returns the exit code.
using Command = std::function<int()>;

void add_list(CLI::App& app, Command& chosen);
void add_info(CLI::App& app, Command& chosen);
void add_watch(CLI::App& app, Command& chosen);
void add_save(CLI::App& app, Command& chosen);
void add_publish(CLI::App& app, Command& chosen);
void add_prune(CLI::App& app, Command& chosen);

/// A check of an argument: what is wrong with it, or nothing.
using Check = std::function<std::string(std::string)>;

/// Of a tag.
std::string check_tag(const std::string& tag);

/// Of a number.
Check number_between(double low, double high);

}  // namespace ndsharray::cli
