// SPDX-License-Identifier: BSD-3-Clause
// A GValue that is unset when it is destroyed.
#pragma once

#include <glib-object.h>

#include <utility>

namespace ndsharray::gst {

/// Owns a GValue. It may be empty, so that a function that takes one may initialize it.
class Value {
  public:
    Value() noexcept = default;
    explicit Value(GType type) { g_value_init(&value_, type); }
    Value(Value&& other) noexcept : value_(std::exchange(other.value_, GValue G_VALUE_INIT)) {}
    Value& operator=(Value&&) = delete;
    ~Value() {
        if (G_IS_VALUE(&value_)) {
            g_value_unset(&value_);
        }
    }

    GValue* get() noexcept { return &value_; }

  private:
    GValue value_ = G_VALUE_INIT;
};

}  // namespace ndsharray::gst
