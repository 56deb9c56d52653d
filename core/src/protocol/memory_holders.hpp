// SPDX-License-Identifier: BSD-3-Clause
// The tags that hold the memory of a directory, for an error that says that there is too little memory.
#pragma once

#include <ndsharray/error.hpp>

#include <string>

namespace ndsharray {

/// The same error. Its sentence also names the tags that hold most memory.
Error with_memory_holders(const Error& error, const std::string& directory);

}  // namespace ndsharray
