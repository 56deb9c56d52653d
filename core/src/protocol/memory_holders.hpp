// SPDX-License-Identifier: BSD-3-Clause
// Which tags hold the memory of a directory, for an error that says that there is too little.
#pragma once

#include <ndsharray/error.hpp>

#include <string>

namespace ndsharray {

/// The error, with the tags that hold most memory in its sentence.
Error with_memory_holders(const Error& error, const std::string& directory);

}  // namespace ndsharray
