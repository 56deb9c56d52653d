// SPDX-License-Identifier: BSD-3-Clause
#include "follower.hpp"

#include "place.hpp"

#include <ndsharray/error.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace ndsharray::mirror {
namespace {

using namespace std::chrono_literals;

constexpr auto silence = 3s;                  // after which a connection is given up
constexpr auto ask_again = 500ms;             // a sign of life
constexpr auto pause = 100ms;                 // between two connections
constexpr auto long_pause = 1000ms;           // where the other side refused
constexpr auto clock_patience = 2s;           // for the first estimate
constexpr std::uint64_t most_ahead = 32;      // items
constexpr double least_ahead = 256.0 * 1024;  // bytes on the way, so that the sender is never idle

/// The connection is of no more use; `wait` before the next.
struct Broken {
    std::string sentence{};
    std::chrono::milliseconds wait = pause;
};

}  // namespace

Follower::Follower(Engine& engine, const Address& address, const std::optional<MirrorKeys>& keys,
                   const ClockWatch& clock, FollowerOptions options,
                   std::function<void(const std::string&)> say)
    : engine_(engine),
      address_(address),
      keys_(keys),
      clock_(clock),
      options_(std::move(options)),
      say_(std::move(say)),
      tag_(options_.here, this_place()),
      thread_([this] { run(); }) {}

Follower::~Follower() {
    over_ = true;
    thread_.join();
}

FollowerState Follower::take_state() {
    const std::lock_guard lock(mutex_);
    FollowerState state = shown_;
    shown_.counts.age_max = 0;
    return state;
}

void Follower::show() {
    const std::lock_guard lock(mutex_);
    const std::int64_t age_max = std::max(shown_.counts.age_max, tag_.take_age_max());
    shown_.counts = tag_.counts();
    shown_.counts.age_max = age_max;
    shown_.wire_bytes = wire_bytes_;
    shown_.frame_bytes = tag_.layout() ? tag_.layout()->spec.bytes : 0;
    shown_.reconnects = reconnects_;
    shown_.clock = clock_.estimate();
    if (shown_.clock && times_.is_known())  // until times have followed the estimate, they are off by as much
        shown_.clock->uncertainty += std::abs(shown_.clock->offset - times_.applied_offset());
}

/// The same sentence is said once.
void Follower::tell(const std::string& sentence) {
    if (sentence.empty() || sentence == told_)
        return;
    told_ = sentence;
    say_(sentence);
}

void Follower::rest(std::chrono::milliseconds time) const {
    for (const auto end = Clock::now() + time; Clock::now() < end && !over_;)
        std::this_thread::sleep_for(20ms);
}

void Follower::run() {
    while (!over_) {
        std::chrono::milliseconds wait = pause;
        try {
            Link link(engine_, address_, keys_);
            follow_or_give_up(link);
        } catch (const Broken& broken) {
            tell(broken.sentence);
            wait = broken.wait;
        } catch (const std::exception& error) {
            // What is wrong on this machine may pass: the session is kept, and goes on where it was.
            tell(error.what());
            wait = long_pause;
        }
        tag_.break_off();
        ++reconnects_;
        show();
        rest(wait);
    }
    while (!tag_.leave()) {
        // Readers here that take every frame have the last ones before the tag goes; but not those that stand
        // still.
        if (Clock::now() - asked_ > silence)
            break;
    }
}

/// What cannot be taken, today or later, does not hold the writer over there.
void Follower::follow_or_give_up(Link& link) {
    try {
        follow(link);
    } catch (const WireError&) {
        if (welcome_)
            link.send(encode(Bye{session_}));
        session_ = 0;
        throw;
    }
}

void Follower::follow(Link& link) {
    Hello hello;
    hello.session = options_.here.every ? session_ : 0;
    hello.mode = options_.here.every ? Mode::Every : Mode::Latest;
    hello.compression = options_.compression;
    hello.every_nth = options_.every_nth;
    hello.max_millihertz = options_.max_millihertz;
    hello.done = hello.session != 0 ? done_ : 0;
    hello.id = hello_ = random_id();
    hello.tag = options_.tag;
    welcome_ = false;
    signs_of_waiting_ = 0;
    connected_ = asked_ = Clock::now();
    link.send(encode(hello));
    auto heard = Clock::now();
    std::optional<Received> received;
    std::optional<Message> message;
    while (!over_) {
        if (!message) {
            received = link.receive(50ms);
            if (received) {
                message = decode(received->head.bytes());
                heard = Clock::now();
            } else if (Clock::now() - heard > silence) {
                std::string why = link.trouble();
                throw Broken{"no answer from " + address_.to_string() + (why.empty() ? "" : ": " + why)};
            }
        }
        if (message && take(*message, received->body.bytes())) {
            message.reset();
            heard = Clock::now();
        }
        link.keep_bounds();
        if (welcome_ && link.take_ended())
            throw Broken{};
        if (welcome_)
            ask(link);
        show();
    }
    if (welcome_)
        link.send(encode(Bye{session_}));
}

/// \returns false: again.
bool Follower::take(const Message& message, std::span<const std::byte> body) {
    if (const auto* const data = std::get_if<Data>(&message)) {
        take_data(*data, body);
        return true;
    }
    return std::visit([&](const auto& kind) { return on(kind); }, message);
}

template <typename Other>
bool Follower::on(const Other&) {
    throw Broken{address_.to_string() + " sends messages that only a mirror may send", long_pause};
}

void Follower::require_session(std::uint64_t session) const {
    if (!welcome_ || session != session_)
        throw Broken{address_.to_string() + " sends messages of another session", long_pause};
}

bool Follower::on(const Welcome& welcome) {
    if (welcome.id != hello_ || welcome_ || welcome.session == 0)
        throw Broken{address_.to_string() + " answers a question that was not asked", long_pause};
    if (!welcome.resumed) {
        if (options_.here.every && session_ != 0 && done_ > 0)
            tell("the connection was broken for too long: frames are missing");
        done_ = 0;
    }
    session_ = welcome.session;
    wanted_ = done_;
    welcome_ = true;
    if (options_.here.every && !welcome.backpressure)
        tell("the writer of " + options_.tag + " does not wait for readers: frames may be missing; " +
             "give it backpressure (ndshsink backpressure=true, WriterOptions::backpressure)");
    return true;
}

bool Follower::on(const Layout& layout) {
    require_session(layout.session);
    tag_.set_layout(layout);
    const std::string array = layout.spec.to_string();
    if (announced_ != array || !told_.empty())
        say_("follows " + options_.tag + " of " + address_.to_string() + ": " + array);
    announced_ = array;
    told_.clear();
    return true;
}

/// Nothing as long as no estimate is there, and then for `clock_patience` at most.
NearTimes* Follower::times() {
    const auto estimate = clock_.estimate();
    if (!estimate)
        return nullptr;
    times_.follow(*estimate, monotonic_now());
    return &times_;
}

bool Follower::on(const FrameHead& head) {
    require_session(head.session);
    if (head.item != done_ + 1)
        throw Broken{address_.to_string() + " sends frames out of order", long_pause};
    NearTimes* const near = times();
    if (near == nullptr && Clock::now() - connected_ < clock_patience) {
        std::this_thread::sleep_for(5ms);
        return false;
    }
    frame_began_ = Clock::now();
    if (!tag_.begin(head, near))
        return false;
    if (!tag_.is_open())
        done_ = head.item;
    return true;
}

void Follower::take_data(const Data& data, std::span<const std::byte> body) {
    require_session(data.session);
    tag_.add(data, body);
    wire_bytes_ += body.size();
    if (tag_.is_open())
        return;
    done_ = data.item;
    const std::chrono::duration<double> took = Clock::now() - frame_began_;
    if (took.count() > 0 && tag_.layout()) {
        const double now = static_cast<double>(tag_.layout()->spec.bytes) / took.count();
        bytes_per_second_ += (now - bytes_per_second_) * 0.2;
    }
}

bool Follower::on(const State& state) {
    require_session(state.session);
    if (state.item == 0) {
        // The writer left while this was not connected.
        signs_of_waiting_ = state.kind == State::Kind::Waiting && done_ == 0 ? signs_of_waiting_ + 1 : 0;
        if (signs_of_waiting_ >= 2)
            tag_.leave();
        return true;
    }
    if (state.item != done_ + 1 || tag_.is_open())
        throw Broken{address_.to_string() + " sends frames out of order", long_pause};
    const bool ended = state.kind == State::Kind::Ended;
    if (!(ended ? tag_.end_of_stream() : tag_.leave()))
        return false;
    tell(ended ? "the stream has ended" : "the writer has left");
    done_ = state.item;
    return true;
}

bool Follower::on(const Refused& refused) {
    // The session is kept: the engine may have connected again by itself, and then it is known there by
    // another name. The next Hello goes on with it, or hears that it is over.
    if (refused.refusal == Refusal::NoSession)
        throw Broken{"", pause};
    throw Broken{address_.to_string() + ": " + refused.sentence, long_pause};
}

/// Asks for as many frames as keep the connection busy, and for no more: the newest frame is chosen when it
/// may be sent. Also tells that this side lives.
void Follower::ask(Link& link) {
    const std::uint64_t before = wanted_;
    const double frame = tag_.layout() ? static_cast<double>(tag_.layout()->spec.bytes) + 1 : least_ahead;
    const auto clock = clock_.estimate();
    const double there_and_back = clock ? static_cast<double>(clock->uncertainty) * 2e-9 : 0;
    const double enough = std::max(least_ahead, 1.5 * bytes_per_second_ * there_and_back);
    const std::uint64_t begun = done_ + (tag_.is_open() ? 1 : 0);
    wanted_ = std::max(wanted_, begun);
    double left = static_cast<double>(tag_.bytes_to_come()) + static_cast<double>(wanted_ - begun) * frame;
    while (wanted_ - done_ < most_ahead && left <= enough) {
        ++wanted_;
        left += frame;
    }
    if (wanted_ == before && Clock::now() - asked_ < ask_again)
        return;
    link.send(encode(Credit{session_, wanted_, done_}));
    asked_ = Clock::now();
}

}  // namespace ndsharray::mirror
