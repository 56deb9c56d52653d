// SPDX-License-Identifier: BSD-3-Clause
// The whole library: include this to write or read arrays under a tag.
//
// Signals: the library installs one handler each for SIGBUS and SIGSEGV, for the whole process, when it first
// maps a segment. The first makes reading a file that somebody cut an error instead of the end of the
// process. The second explains a write into a frame that may only be read. What is no business of the library
// goes to the handler that was installed before, or has the default effect. A crash reporter that is
// installed later must do the same: call the handler before it.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>
#include <ndsharray/dtype.hpp>
#include <ndsharray/error.hpp>
#include <ndsharray/frame.hpp>
#include <ndsharray/frame_info.hpp>
#include <ndsharray/leftovers.hpp>
#include <ndsharray/reader.hpp>
#include <ndsharray/signals.hpp>
#include <ndsharray/tag.hpp>
#include <ndsharray/tag_info.hpp>
#include <ndsharray/tag_watch.hpp>
#include <ndsharray/writer.hpp>
