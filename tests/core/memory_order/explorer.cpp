// SPDX-License-Identifier: BSD-3-Clause
// Runs a scene again and again, each time with other choices.
#include "explorer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <ucontext.h>

namespace ndsharray::model {
namespace {

constexpr std::size_t stack_bytes = std::size_t{256} << 10;
constexpr unsigned most_steps = 20'000;  // of a run; more is a thread that turns for ever

enum class State { Ready, Asleep, Done, Dead };

struct Player {
    std::string name;
    std::function<void()> body;
    PlayerOptions options;
    State state = State::Ready;
    const void* asleep_on = nullptr;
    ucontext_t context{};
    std::unique_ptr<char[]> stack;
};

struct Choice {
    std::uint16_t taken;
    std::uint16_t count;
    bool is_deviation;  // all but the first option
};

class Machine {
  public:
    Hooks hooks;
    std::array<Player, max_threads> players;
    unsigned count = 0;
    unsigned current = max_threads;  // max_threads: none
    unsigned steps = 0;
    bool telling = false;
    std::string told;
    std::string broken;

    void run(Scene& scene);
    unsigned choose(unsigned options, bool is_deviation);
    bool next_run();
    void forget_choices() { choices_.clear(); }
    void set_budget(unsigned deviations) { budget_ = deviations; }
    void rewind() { position_ = deviations_ = 0; }

    void switch_to(unsigned player);
    void leave();
    unsigned pick_after_end();
    [[noreturn]] void stop();

  private:
    static void enter();

    std::vector<Choice> choices_;
    std::size_t position_ = 0;
    unsigned deviations_ = 0;
    unsigned budget_ = 0;
    ucontext_t home_{};
};

Machine machine;

void Machine::enter() {
    const unsigned self = machine.current;
    machine.players[self].body();
    machine.players[self].state = State::Done;
    machine.leave();
}

/// The first run of a choice takes its first option; a later one what next_run() has set.
unsigned Machine::choose(unsigned options, bool is_deviation) {
    if (options <= 1 || (is_deviation && deviations_ >= budget_))
        return 0;
    if (position_ == choices_.size())
        choices_.push_back({0, static_cast<std::uint16_t>(options), is_deviation});
    const Choice& choice = choices_[position_++];
    if (choice.count != options) {
        std::fprintf(stderr, "the scene does not repeat itself: %u options where there were %u\n", options,
                     unsigned{choice.count});
        std::abort();
    }
    if (is_deviation && choice.taken != 0)
        ++deviations_;
    return choice.taken;
}

/// Changes the last choice that has another option. \returns false if there is none.
bool Machine::next_run() {
    while (!choices_.empty()) {
        Choice& last = choices_.back();
        if (last.taken + 1 < last.count) {
            ++last.taken;
            return true;
        }
        choices_.pop_back();
    }
    return false;
}

void Machine::switch_to(unsigned player) {
    const unsigned from = std::exchange(current, player);
    if (from != player)
        swapcontext(&players[from].context, &players[player].context);
}

/// The thread that goes on when this one cannot; max_threads if none can.
unsigned Machine::pick_after_end() {
    std::array<unsigned, max_threads> ready{};
    unsigned number = 0;
    for (unsigned i = 0; i < count; ++i)
        if (players[i].state == State::Ready)
            ready[number++] = i;
    if (number != 0)
        return ready[choose(number, false)];
    for (unsigned i = 0; i < count; ++i)
        if (players[i].state == State::Asleep) {
            broken = "nobody sleeps for ever (" + players[i].name + ")";
            break;
        }
    return max_threads;
}

/// This thread cannot go on: another one does, or the run is over.
void Machine::leave() {
    const unsigned from = current;
    const unsigned next = pick_after_end();
    if (next == from) {
        current = next;
        return;
    }
    current = next;
    swapcontext(&players[from].context, next == max_threads ? &home_ : &players[next].context);
}

void Machine::stop() {
    current = max_threads;
    setcontext(&home_);
    std::abort();
}

void Machine::run(Scene& scene) {
    count = steps = 0;
    current = max_threads;
    broken.clear();
    told.clear();
    rewind();
    hooks.begin_run();
    scene.begin();
    for (unsigned i = 0; i < count; ++i) {
        Player& player = players[i];
        if (!player.stack)
            player.stack = std::make_unique<char[]>(stack_bytes);
        getcontext(&player.context);
        player.context.uc_stack.ss_sp = player.stack.get();
        player.context.uc_stack.ss_size = stack_bytes;
        player.context.uc_link = nullptr;
        makecontext(&player.context, &Machine::enter, 0);
    }
    current = pick_after_end();
    if (current != max_threads)
        swapcontext(&home_, &players[current].context);
    current = max_threads;
    if (broken.empty()) {
        scene.end();
        scene.clear();
    }
}

}  // namespace

void play(std::string name, std::function<void()> body, PlayerOptions options) {
    if (machine.count == max_threads)
        std::abort();
    Player& player = machine.players[machine.count++];
    player.name = std::move(name);
    player.body = std::move(body);
    player.options = options;
    player.state = State::Ready;
}

void broken(const std::string& promise) {
    machine.broken = promise;
    if (machine.telling)
        tell("BROKEN: " + promise);
    if (!playing()) {
        std::fprintf(stderr, "broken while nothing is played: %s\n", promise.c_str());
        std::abort();
    }
    machine.stop();
}

void die() noexcept {
    machine.players[machine.current].state = State::Dead;
    if (machine.telling)
        tell("dies");
    machine.hooks.died(machine.current);
    machine.leave();
}

bool has_died(unsigned player) noexcept {
    return machine.players[player].state == State::Dead;
}

bool playing() noexcept {
    return machine.current != max_threads;
}
unsigned self() noexcept {
    return machine.current;
}

void step() noexcept {
    if (++machine.steps > most_steps)
        broken("no thread turns for ever");
    const unsigned current = machine.current;
    std::array<unsigned, max_threads> options{current};
    unsigned number = 1;
    for (unsigned i = 0; i < machine.count; ++i)
        if (i != current && machine.players[i].state == State::Ready)
            options[number++] = i;
    const bool may_die = machine.players[current].options.mortal;
    const unsigned taken = machine.choose(number + (may_die ? 1 : 0), true);
    if (taken == number) {
        die();
    } else if (taken != 0) {
        machine.switch_to(options[taken]);
    }
}

unsigned choose(unsigned count) noexcept {
    return machine.choose(count, true);
}

void sleep(const void* on) noexcept {
    Player& player = machine.players[machine.current];
    player.state = State::Asleep;
    player.asleep_on = on;
    machine.leave();
}

void wake_sleepers(const void* on) noexcept {
    for (unsigned i = 0; i < machine.count; ++i)
        if (machine.players[i].state == State::Asleep && machine.players[i].asleep_on == on)
            machine.players[i].state = State::Ready;
}

bool is_telling() noexcept {
    return machine.telling;
}

void tell(const std::string& what) {
    machine.told +=
        "  " + (playing() ? machine.players[machine.current].name : std::string("-")) + ": " + what + "\n";
}

void set_hooks(const Hooks& hooks) noexcept {
    machine.hooks = hooks;
}

namespace {

/// All runs with at most so many deviations.
/// \returns whether no promise was broken.
bool explore(std::unique_ptr<Scene>& scene, const MakeScene& make, unsigned deviations,
             std::uint64_t most_runs, Outcome& outcome) {
    machine.set_budget(deviations);
    machine.forget_choices();
    std::uint64_t runs = 0;
    do {
        if (runs == most_runs) {
            outcome.complete = false;
            break;
        }
        ++runs;
        machine.run(*scene);
        if (!machine.broken.empty()) {
            outcome.broken = machine.broken;
            // Bodies were left in the middle, with what they hold.
            static_cast<void>(scene.release());  // NOLINT(bugprone-unused-return-value)
            scene = make();
            machine.telling = true;  // the same once more, to be told
            machine.run(*scene);
            machine.telling = false;
            outcome.how = machine.told;
            static_cast<void>(scene.release());  // NOLINT(bugprone-unused-return-value)
            break;
        }
    } while (machine.next_run());
    outcome.runs += runs;
    return outcome.broken.empty();
}

/// Enough to see which words several threads use.
constexpr std::uint64_t learning_runs = 300;

}  // namespace

Outcome explore(const MakeScene& make, const Extent& extent) {
    Outcome outcome;
    std::unique_ptr<Scene> scene = make();
    machine.hooks.learn();
    const bool goes_on = explore(scene, make, std::min(extent.deviations, 1U), learning_runs, outcome);
    machine.hooks.learned();
    outcome.complete = true;
    for (unsigned deviations = 0; goes_on && deviations <= extent.deviations; ++deviations)
        if (!explore(scene, make, deviations, extent.runs, outcome))
            break;
    return outcome;
}

}  // namespace ndsharray::model
