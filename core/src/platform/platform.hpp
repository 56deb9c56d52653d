// SPDX-License-Identifier: BSD-3-Clause
// The thin layer over the kernel, complete. Only the files in platform/ make system calls.
#pragma once

#include "platform/access_guard.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/file_events.hpp"
#include "platform/futex.hpp"
#include "platform/lock.hpp"
#include "platform/mapping.hpp"
#include "platform/own_files.hpp"
#include "platform/prefetch.hpp"
#include "platform/process.hpp"
