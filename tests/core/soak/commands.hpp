// SPDX-License-Identifier: BSD-3-Clause
// What the processes of a soak run are told, and how they answer: "ok" and what there is to say.
#pragma once

#include <support/child_process.hpp>

#include <functional>
#include <optional>
#include <string>

namespace ndsharray::test::soak {

/// Descriptors of this process and its mappings of files of ours.
struct Resources {
    unsigned descriptors = 0;
    unsigned mappings = 0;
    bool operator==(const Resources&) const = default;
};
Resources own_resources();
std::string to_string(const Resources& resources);

/// The commands that came since the last look, without waiting, or while waiting to be told to go on.
class Commands {
  public:
    explicit Commands(Channel& channel) : channel_(channel) {}

    /// The next command if there is one; "close" also if the other side is gone.
    std::optional<std::string> next();

    /// Waits for the next command.
    std::string await();

    void answer(const std::string& what = {}) { channel_.send("ok" + what); }
    void report(const std::string& what) { channel_.send(what); }

  private:
    Channel& channel_;
};

}  // namespace ndsharray::test::soak
