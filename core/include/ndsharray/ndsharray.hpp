// SPDX-License-Identifier: BSD-3-Clause
// The whole library: include this to write or read arrays under a tag.
//
// Signals: when the library first maps a segment, it installs a handler for SIGBUS and a handler for SIGSEGV,
// for the whole process. The first handler keeps the process alive when it reads a truncated file: the read
// fails with an Error. The second prints advice when the program writes into a read-only frame. The library
// passes every other fault to the handler that was installed before, or lets it have its default effect. A
// crash reporter that is installed later must do the same: call the handler that was installed before it.
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
