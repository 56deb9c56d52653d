// SPDX-License-Identifier: BSD-3-Clause
#include "share.hpp"

#include "clock_watch.hpp"
#include "place.hpp"

#include <ndsharray/error.hpp>
#include <ndsharray/tag.hpp>
#include <ndsharray/tag_info.hpp>

#include <text.hpp>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace ndsharray::mirror {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t most_sessions = 256;
constexpr auto look_around = 100ms;
constexpr auto sign_of_life = 500ms;
constexpr auto silence_patience = 5s;  // with a mirror that is not heard

// With one that must get every frame, and may come back for them. A connection that ends soon after a word
// was closed by the other side, and the network is there: a mirror that lives is back within a second or two.
// One that ends after a silence was given up by this side.
constexpr auto long_patience = 10s;
constexpr auto short_patience = 3s;
constexpr auto soon = 2s;

bool is_readable(int descriptor) {
    pollfd look{descriptor, POLLIN, 0};
    return ::poll(&look, 1, 0) > 0;
}

}  // namespace

Share::Share(const ShareOptions& options)
    : options_(options), instance_(random_id()), listener_(engine_, options.listen, options.keys) {}

void Share::run(int descriptor) {
    while (!is_readable(descriptor)) {
        if (const auto received = listener_.receive(look_around, descriptor))
            answer(*received);
        keep_sessions();
    }
    sessions_.clear();
}

void Share::answer(const Received& received) {
    try {
        if (!received.body.bytes().empty())
            throw WireError(Refusal::Malformed, "not a message of ndsh mirror: it has two parts");
        const Message message = decode(received.head.bytes());
        std::visit([&](const auto& kind) { on(received.peer, kind); }, message);
    } catch (const WireError& error) {
        refuse(received.peer, error.refusal(), error.what());
    } catch (const std::exception& error) {
        refuse(received.peer, Refusal::Failed, error.what());  // no file or thread for a session, for example
    }
}

void Share::refuse(const std::string& peer, Refusal refusal, const std::string& sentence) {
    listener_.send(peer, encode(Refused{refusal, cli::printable(sentence)}));
}

/// What only a share sends.
template <typename Answer>
void Share::on(const std::string& peer, const Answer&) {
    refuse(peer, Refusal::Malformed, "this is a share: it answers only mirrors");
}

bool Share::is_shared(const std::string& tag) const {
    return options_.all || std::find(options_.tags.begin(), options_.tags.end(), tag) != options_.tags.end();
}

void Share::on(const std::string& peer, const Hello& hello) {
    if (!is_shared(hello.tag))
        return refuse(peer, Refusal::NotShared, "\"" + hello.tag + "\" is not shared here");
    if (const auto found = sessions_.find(hello.session); found != sessions_.end() && hello.session != 0) {
        Session& session = *found->second;
        if (session.tag() == hello.tag && session.mode() == Mode::Every && hello.mode == Mode::Every &&
            session.resume(peer, hello.done))
            return welcome(peer, hello, session, true);
        sessions_.erase(found);  // who knows its number begins anew; it would hold the writer for nothing
    }
    std::erase_if(sessions_, [&](const auto& entry) { return entry.second->peer() == peer; });
    if (sessions_.size() >= most_sessions)
        return refuse(peer, Refusal::TooMany,
                      std::to_string(most_sessions) + " mirrors are connected already");
    const std::uint64_t id = random_id();
    auto session = std::make_unique<Session>(engine_, hello, peer, id, options_.owner);
    welcome(peer, hello, *session, false);
    sessions_[id] = std::move(session);
}

/// Or there is none yet.
bool Share::writer_has_backpressure(const std::string& tag) const {
    try {
        const TagInfo info = inspect(tag, options_.owner);
        return !info.alive || info.backpressure;
    } catch (const Error&) {
        return true;
    }
}

void Share::welcome(const std::string& peer, const Hello& hello, Session& session, bool resumed) {
    session.heard = session.spoken = Clock::now();
    session.closed.reset();
    listener_.send(peer, encode(Welcome{session.id(), hello.id, resumed, writer_has_backpressure(hello.tag),
                                        host_name()}));
}

Session* Share::session_of(const std::string& peer, std::uint64_t id) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end() && found->second->peer() == peer)
        return found->second.get();
    return nullptr;
}

void Share::on(const std::string& peer, const Credit& credit) {
    Session* const session = session_of(peer, credit.session);
    if (session == nullptr)
        return refuse(peer, Refusal::NoSession, "this session is over, or belongs to another connection");
    session->heard = Clock::now();
    session->on_credit(credit);
}

void Share::on(const std::string& peer, const Ping& ping) {
    const std::int64_t now = monotonic_now();
    listener_.send(peer, encode(Pong{instance_, ping.sent, now, monotonic_now()}));
}

void Share::on(const std::string& peer, const Bye& bye) {
    if (session_of(peer, bye.session) != nullptr)
        sessions_.erase(bye.session);
}

void Share::on(const std::string& peer, const List&) {
    Listing listing;
    listing.host = host_name();
    for (const std::string& tag : options_.all ? tags() : options_.tags) {
        Listed listed;
        listed.tag = tag;
        try {
            const TagInfo info = inspect(tag, options_.owner);
            if (info.generation != 0) {
                listed.array = info.spec.to_string();
                listed.bytes = info.spec.bytes;
            }
            listed.millihertz = static_cast<std::uint32_t>(std::clamp(info.rate * 1000, 0.0, 4e9));
            if (!info.alive)
                listed.array = "no writer";
        } catch (const Error&) {
            if (options_.all)
                continue;
            listed.array = "no writer";
        }
        listing.tags.push_back(std::move(listed));
    }
    listener_.send(peer, encode(listing));
}

/// The mirror may come back, and go on, if it gets every frame.
bool Share::is_over(Session& session) {
    const auto now = Clock::now();
    if (session.mode() != Mode::Every)
        return session.closed || now - session.heard > silence_patience;
    return now - session.heard > long_patience || (session.closed && now - *session.closed > short_patience);
}

void Share::on_gone(Session& session) {
    const auto now = Clock::now();
    if (!session.closed && (session.mode() != Mode::Every || now - session.heard < soon))
        session.closed = now;
}

/// Signs of life for mirrors; and the end of sessions that are not needed any more.
void Share::keep_sessions() {
    const auto now = Clock::now();
    while (const auto gone = listener_.take_gone())
        for (const auto& [id, session] : sessions_)
            if (session->peer() == *gone)
                on_gone(*session);
    std::erase_if(sessions_, [&](const auto& entry) {
        Session& session = *entry.second;
        if (const auto failure = session.failure()) {
            refuse(session.peer(), Refusal::Failed, *failure);
            return true;
        }
        if (now - session.spoken > sign_of_life) {
            if (!listener_.send(session.peer(), encode(State{session.id(), 0, session.state()})))
                on_gone(session);
            session.spoken = now;
        }
        return is_over(session);
    });
}

}  // namespace ndsharray::mirror
