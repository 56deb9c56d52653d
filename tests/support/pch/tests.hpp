// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for the tests of the core: what most of them include.
#include <ndsharray/ndsharray.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>
