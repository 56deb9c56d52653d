// SPDX-License-Identifier: BSD-3-Clause
// Posts errors of the library as bus messages, and keeps exceptions out of GObject.
#pragma once

#include <gst/gst.h>

#include <ndsharray/error.hpp>

#include <exception>
#include <string_view>
#include <utility>

namespace ndsharray::gst {

/// Posts `error` as an ERROR message: the sentence for the user, the code's name and the tag for the
/// developer.
void post_error(GstElement* element, const Error& error, std::string_view tag) noexcept;

/// Posts any other exception. None is expected.
void post_error(GstElement* element, const std::exception& error) noexcept;

/// Calls `function` and returns its result. An exception is posted on the bus, and the result is `on_error`.
template <class Result, class Function>
Result guarded(GstElement* element, std::string_view tag, Result on_error, Function&& function) noexcept {
    try {
        return std::forward<Function>(function)();
    } catch (const Error& error) {
        post_error(element, error, tag);
    } catch (const std::exception& error) {
        post_error(element, error);
    }
    return on_error;
}

}  // namespace ndsharray::gst
