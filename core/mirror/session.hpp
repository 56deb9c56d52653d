// SPDX-License-Identifier: BSD-3-Clause
// A mirror of one tag, as the sharing side has it: a reader, and what the mirror has asked for.
#pragma once

#include "compression.hpp"
#include "engine.hpp"
#include "wire.hpp"

#include <ndsharray/frame.hpp>
#include <ndsharray/reader.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

namespace ndsharray::mirror {

/// Reads the tag in a thread of its own, a frame for each one that was asked for, and sends it. A frame is
/// read when it may be sent, so the newest wins and nothing queues up. Memory is bounded by what is on the
/// way: `most_on_the_way` parts of a frame. With Mode::Every, items stay until the mirror has them, so that a
/// connection may break.
class Session {
  public:
    Session(Engine& engine, const Hello& hello, std::string peer, std::uint64_t id, std::string owner);
    ~Session();

    std::uint64_t id() const { return id_; }
    const std::string& tag() const { return hello_.tag; }
    Mode mode() const { return hello_.mode; }
    std::string peer() const;

    /// What a sign of life says.
    State::Kind state() const { return attached_ ? State::Kind::Live : State::Kind::Waiting; }

    void on_credit(const Credit& credit);

    /// Goes on with the mirror behind a new connection. \returns false if items that it needs are gone.
    bool resume(const std::string& peer, std::uint64_t done);

    /// Why the thread ended by itself; or nothing.
    std::optional<std::string> failure() const;

    // Of the thread that listens: when the mirror was last heard, and spoken to; and when it was found to
    // have closed the connection.
    using Instant = std::chrono::steady_clock::time_point;
    Instant heard{};
    Instant spoken{};
    std::optional<Instant> closed{};

  private:
    struct Item {
        std::uint64_t number = 0;
        std::variant<Frame, State::Kind> content{};
        std::uint64_t writer = 0;
    };
    struct Connection {
        std::string peer{};
        unsigned number = 0;
    };
    /// What a layout is known by.
    struct Sent {
        unsigned connection = 0;
        std::uint32_t generation = 0;
        std::uint64_t writer = 0;
        bool operator==(const Sent&) const = default;
    };
    struct OnTheWay;
    using Lock = std::unique_lock<std::mutex>;

    void run();
    bool wait_for_credit(Lock& lock);
    std::shared_ptr<Item> next_item();
    std::shared_ptr<Item> make_item(Frame frame);
    bool is_wanted(const Frame& frame);
    void send(const std::shared_ptr<Item>& item);
    void send_layout(const Connection& to, const Item& item);
    void send_frame(const Connection& to, const std::shared_ptr<Item>& item);
    bool is_current(const Connection& to) const;
    void fail(const std::string& sentence);

    Engine& engine_;
    const Hello hello_;
    const std::uint64_t id_;
    const std::string owner_;
    Reader reader_;
    std::shared_ptr<OnTheWay> on_the_way_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::string peer_;
    std::uint64_t wanted_ = 0;                // items up to this number may be sent
    std::uint64_t sent_ = 0;                  // the last item that was sent
    std::deque<std::shared_ptr<Item>> kept_;  // for a connection that breaks
    unsigned connection_ = 0;                 // counts them
    bool over_ = false;
    std::optional<std::string> failure_{};
    std::atomic<bool> attached_{false};

    // Of the thread.
    std::unique_ptr<Outlet> outlet_;
    std::uint64_t made_ = 0;  // the last item
    std::uint64_t writer_ = 0;
    std::uint32_t layout_ = 0;  // the last one that was sent
    Sent sent_layout_{};
    bool sent_any_ = false;  // of this writer
    std::uint64_t last_number_ = 0;
    std::int64_t due_ = 0;
    std::optional<Compressor> compressor_{};
    std::thread thread_;
};

}  // namespace ndsharray::mirror
