// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for ndsh-serve: what takes longest.
#include <gst/gst.h>
#include <gst/video/video.h>
#include <libsoup/soup.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>
