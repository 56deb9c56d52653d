// SPDX-License-Identifier: BSD-3-Clause
// Marks what the shared library exports; everything else is hidden.
#pragma once

#define NDSHARRAY_API __attribute__((visibility("default")))
