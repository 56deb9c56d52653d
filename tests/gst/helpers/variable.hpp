// SPDX-License-Identifier: BSD-3-Clause
// An environment variable that is set for a while.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace ndsharray::test {

/// Sets an environment variable, here and in processes started meanwhile.
class Variable {
  public:
    Variable(const char* name, const std::string& value) : name_(name) {
        if (const char* outer = std::getenv(name))
            outer_ = outer;
        ::setenv(name, value.c_str(), 1);
    }
    ~Variable() {
        if (outer_)
            ::setenv(name_, outer_->c_str(), 1);
        else
            ::unsetenv(name_);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    const char* name_;
    std::optional<std::string> outer_;
};

}  // namespace ndsharray::test
