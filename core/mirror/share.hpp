// SPDX-License-Identifier: BSD-3-Clause
// `ndsh share`: lets mirrors on other machines have tags of this one.
#pragma once

#include "engine.hpp"
#include "keys.hpp"
#include "session.hpp"
#include "wire.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ndsharray::mirror {

struct ShareOptions {
    std::vector<std::string> tags{};
    bool all = false;
    Address listen{};
    std::optional<ShareKeys> keys{};
    std::string owner{};
};

/// Answers mirrors, in one thread; each session has a thread of its own beside it.
class Share {
  public:
    /// \throws Error: it cannot listen.
    explicit Share(const ShareOptions& options);

    const Address& address() const { return listener_.address(); }

    /// Until `descriptor` is readable.
    void run(int descriptor);

  private:
    void answer(const Received& received);
    void on(const std::string& peer, const Hello& hello);
    void on(const std::string& peer, const Credit& credit);
    void on(const std::string& peer, const Ping& ping);
    void on(const std::string& peer, const List& list);
    void on(const std::string& peer, const Bye& bye);
    template <typename Answer>
    void on(const std::string& peer, const Answer& answer);
    void refuse(const std::string& peer, Refusal refusal, const std::string& sentence);
    void welcome(const std::string& peer, const Hello& hello, Session& session, bool resumed);
    Session* session_of(const std::string& peer, std::uint64_t id);
    void keep_sessions();
    static void on_gone(Session& session);
    static bool is_over(Session& session);
    bool is_shared(const std::string& tag) const;
    bool writer_has_backpressure(const std::string& tag) const;

    const ShareOptions options_;
    const std::uint64_t instance_;
    Engine engine_;
    Listener listener_;
    std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;  // by id
};

}  // namespace ndsharray::mirror
