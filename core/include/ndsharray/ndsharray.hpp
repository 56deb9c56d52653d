// SPDX-License-Identifier: BSD-3-Clause
// The whole library: include this to write or read arrays under a tag.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>
#include <ndsharray/dtype.hpp>
#include <ndsharray/error.hpp>
#include <ndsharray/frame.hpp>
#include <ndsharray/frame_info.hpp>
#include <ndsharray/leftovers.hpp>
#include <ndsharray/reader.hpp>
#include <ndsharray/tag.hpp>
#include <ndsharray/tag_info.hpp>
#include <ndsharray/tag_watch.hpp>
#include <ndsharray/writer.hpp>
