// SPDX-License-Identifier: BSD-3-Clause
// Python objects that belong to the process that made them.
#pragma once

#include <ndsharray/error.hpp>

#include <string>

#include <unistd.h>

namespace ndsharray::python {

/// A Reader or Writer does not work in a forked child, where its locks may even be held for ever: Python has
/// to know before it asks it anything.
class OwnProcess {
  public:
    bool is_here() const noexcept { return pid_ == getpid(); }

    /// \param what "Reader" or "Writer"
    /// \throws Error Forked
    void require(const char* what, const std::string& tag) const {
        if (!is_here())
            throw Error(ErrorCode::Forked, "the " + std::string(what) + " of tag \"" + tag +
                                               "\" belongs to the parent process; open one of your own "
                                               "after fork()");
    }

  private:
    pid_t pid_ = getpid();
};

}  // namespace ndsharray::python
