// SPDX-License-Identifier: BSD-3-Clause
// Answers to requests: at once, or made in another thread while the main loop goes on.
#pragma once

#include <libsoup/soup.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace ndsharray::serve {

struct Answer {
    unsigned status = SOUP_STATUS_OK;
    std::string type;
    std::string body{};
};

/// A sentence for who asked.
Answer refusal(unsigned status, std::string sentence);

void send(SoupServerMessage* message, Answer answer);

/// Threads that make answers. There is a bound to how many are made, or made and not sent yet, and so held in
/// memory, at a time.
class Workers {
  public:
    /// Hear, in the main loop, of an answer.
    struct Told {
        std::function<void(SoupServerMessage* message)> begun;  ///< it begins to be made
        std::function<void(SoupServerMessage* message)> made;
    };

    explicit Workers(Told told);

    /// Waits for what is being made; what was not begun is given up.
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// Answers `message` with what `make` returns; what it throws becomes a refusal.
    void answer(SoupServerMessage* message, std::function<Answer()> make);

    using Finish = std::function<void(SoupServerMessage* message)>;

    /// The same where the answer is not made in one go: what `work` returns is called in the main loop,
    /// unless who asked is gone, and unpauses the message when it is answered. What it throws becomes a
    /// refusal, too.
    void begin(SoupServerMessage* message, std::function<Finish()> work);

  private:
    class Place;
    struct Job;

    /// \returns the place that is taken while `work` runs, and for as long as it is held; or null: `message`
    /// is refused.
    std::shared_ptr<Place> push(SoupServerMessage* message, std::function<Finish()> work);
    static void run(gpointer job, gpointer workers);

    Told told_;
    std::atomic<bool> is_ending_ = false;
    GThreadPool* pool_;
    std::shared_ptr<unsigned> pending_ = std::make_shared<unsigned>(0);  // of the main loop
};

}  // namespace ndsharray::serve
