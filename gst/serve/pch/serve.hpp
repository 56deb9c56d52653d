// SPDX-License-Identifier: BSD-3-Clause
// Compiled once for ndsh-serve: what takes longest.
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <gst/video/video.h>
#include <libsoup/soup.h>

#include <ndsharray/ndsharray.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>
