// SPDX-License-Identifier: BSD-3-Clause
// Answers to requests: at once, or made in another thread while the main loop goes on.
#include "serve/answers.hpp"

#include <stdexcept>
#include <utility>

#include "serve/main_loop.hpp"

namespace ndsharray::serve {
namespace {

constexpr int most_threads = 3;

/// Answers that are made or sent at a time. Each may be as large as a frame.
constexpr unsigned most_pending = 24;

Workers::Finish sending(Answer answer) {
    return [answer = std::move(answer)](SoupServerMessage* message) mutable {
        send(message, std::move(answer));
        soup_server_message_unpause(message);
    };
}

void free_text(gpointer text) {
    delete static_cast<std::string*>(text);
}

}  // namespace

Answer refusal(unsigned status, std::string sentence) {
    return {status, "text/plain; charset=utf-8", std::move(sentence) + "\n"};
}

void send(SoupServerMessage* message, Answer answer) {
    soup_server_message_set_status(message, answer.status, nullptr);
    SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
    soup_message_headers_set_content_type(headers, answer.type.c_str(), nullptr);
    if (answer.body.empty())
        return;
    auto* text = std::make_unique<std::string>(std::move(answer.body)).release();
    GBytes* bytes = g_bytes_new_with_free_func(text->data(), text->size(), free_text, text);
    soup_message_body_append_bytes(soup_server_message_get_response_body(message), bytes);
    g_bytes_unref(bytes);
}

/// One of those that may be pending.
class Workers::Place {
  public:
    explicit Place(std::shared_ptr<unsigned> pending) : pending_(std::move(pending)) { ++*pending_; }
    ~Place() { --*pending_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

  private:
    std::shared_ptr<unsigned> pending_;
};

struct Workers::Job {
    SoupServerMessage* message;
    std::function<Finish()> work;
    std::shared_ptr<Place> place;
    bool is_gone = false;  // of the main loop

    Job(SoupServerMessage* asked, std::function<Finish()> wanted, std::shared_ptr<Place> taken)
        : message(SOUP_SERVER_MESSAGE(g_object_ref(asked))),
          work(std::move(wanted)),
          place(std::move(taken)) {
        g_signal_connect(message, "finished", G_CALLBACK(finished), this);
    }
    ~Job() {
        g_signal_handlers_disconnect_by_data(message, this);
        g_object_unref(message);
    }
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    static void finished(SoupServerMessage*, Job* job) { job->is_gone = true; }
};

Workers::Workers(Told told)
    : told_(std::move(told)), pool_(g_thread_pool_new(run, this, most_threads, FALSE, nullptr)) {}

Workers::~Workers() {
    is_ending_ = true;
    g_thread_pool_free(pool_, FALSE, TRUE);
}

void Workers::answer(SoupServerMessage* message, std::function<Answer()> make) {
    auto place = push(message, [make = std::move(make)] { return sending(make()); });
    // What waits to be sent is as large as what is made.
    if (place != nullptr)
        g_object_set_data_full(G_OBJECT(message), "ndsh-place",
                               std::make_unique<std::shared_ptr<Place>>(std::move(place)).release(),
                               [](gpointer held) { delete static_cast<std::shared_ptr<Place>*>(held); });
}

void Workers::begin(SoupServerMessage* message, std::function<Finish()> work) {
    push(message, std::move(work));
}

std::shared_ptr<Workers::Place> Workers::push(SoupServerMessage* message, std::function<Finish()> work) {
    if (*pending_ >= most_pending) {
        send(message, refusal(SOUP_STATUS_SERVICE_UNAVAILABLE, "too many pictures are asked for at once"));
        return nullptr;
    }
    auto place = std::make_shared<Place>(pending_);
    auto job = std::make_unique<Job>(message, std::move(work), place);
    soup_server_message_pause(message);
    told_.begun(message);
    g_thread_pool_push(pool_, job.release(), nullptr);
    return place;
}

void Workers::run(gpointer data, gpointer workers) {
    auto* self = static_cast<Workers*>(workers);
    std::shared_ptr<Job> job(static_cast<Job*>(data));
    Finish finish;
    try {
        if (self->is_ending_)
            throw std::runtime_error("the server is stopping");
        finish = job->work();
    } catch (const std::out_of_range& error) {
        finish = sending(refusal(SOUP_STATUS_BAD_REQUEST, error.what()));
    } catch (const std::exception& error) {
        finish = sending(refusal(SOUP_STATUS_UNPROCESSABLE_ENTITY, error.what()));
    }
    // The job is given back in the main loop, where its message lives.
    in_main_loop([self, job = std::move(job), finish = std::move(finish)] {
        if (job->is_gone)
            return;
        self->told_.made(job->message);
        try {
            finish(job->message);
        } catch (const std::exception& error) {
            sending(refusal(SOUP_STATUS_INTERNAL_SERVER_ERROR, error.what()))(job->message);
        }
    });
}

}  // namespace ndsharray::serve
