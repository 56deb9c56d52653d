// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for ndsh: the libraries that every command uses, and that take longest.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
