// SPDX-License-Identifier: BSD-3-Clause
// Pictures as files: JPEG and PNG.
#pragma once

#include <string>

#include "serve/picture.hpp"

namespace ndsharray::serve {

/// Of a picture of 8 bits. \param quality 1 to 100. \throws std::runtime_error
std::string jpeg(const Picture& picture, unsigned quality);

/// \throws std::runtime_error
std::string png(const Picture& picture);

}  // namespace ndsharray::serve
