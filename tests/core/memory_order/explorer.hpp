// SPDX-License-Identifier: BSD-3-Clause
// Runs a scene again and again, each time with other choices: which thread goes on, which store a load sees,
// who dies. Depth first, with replay. All is decided by the choices, so the same run gives the same result.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ndsharray::model {

inline constexpr unsigned max_threads = 6;

/// Threads that are played. What their bodies refer to belongs to the scene, since a body may be left in the
/// middle.
class Scene {
  public:
    virtual ~Scene() = default;

    /// Before each run: the shared memory is as it was after the constructor. Calls play().
    virtual void begin() = 0;

    /// After each run in which no promise was broken. Loads see the last value of each word.
    virtual void end() {}

    /// After that: drops what the run has made.
    virtual void clear() {}
};

using MakeScene = std::function<std::unique_ptr<Scene>()>;

/// How far from the usual run the runs go. A deviation is a thread that is interrupted, a load that sees an
/// older store, a store that comes before another's in the order of its word, or a death.
struct Extent {
    unsigned deviations = 2;
    std::uint64_t runs = 1'000'000;  // at most, with each number of deviations
};

struct Outcome {
    std::string broken;  // the promise; empty: none
    std::string how;     // the run that broke it
    std::uint64_t runs = 0;
    bool complete = true;  // every run within the extent was made
};

/// Explores first without deviations, then with one, and so on.
Outcome explore(const MakeScene& make, const Extent& extent);

// ---- for scenes, in begin()

struct PlayerOptions {
    bool mortal = false;  // may die before any step
};

/// Adds a thread. It has the next number: 0, 1, ...
void play(std::string name, std::function<void()> body, PlayerOptions options = {});

// ---- for scenes, in bodies

/// Ends the run: a promise is broken.
[[noreturn]] void broken(const std::string& promise);
inline void promise(bool kept, const char* words) {
    if (!kept)
        broken(words);
}

/// The process of this thread is killed here.
void die() noexcept;

/// Whether that thread died in this run.
bool has_died(unsigned player) noexcept;

// ---- for the model

/// Whether a thread is being played. Otherwise a scene is being made, begun or ended: nothing is explored.
bool playing() noexcept;
unsigned self() noexcept;

/// A step that others may see: another thread may go on first, or this one may die.
void step() noexcept;

/// One of `count`; all but the first are deviations.
unsigned choose(unsigned count) noexcept;

/// Sleeps until wake_sleepers() is called with the same thing. No time passes: if nothing else can happen, a
/// promise is broken, also where there is a deadline.
void sleep(const void* on) noexcept;
void wake_sleepers(const void* on) noexcept;

/// Notes what was done, for Outcome::how. The text is only made when somebody wants it.
bool is_telling() noexcept;
void tell(const std::string& what);

/// What memory and kernel do.
struct Hooks {
    void (*begin_run)() noexcept = nullptr;
    void (*died)(unsigned player) = nullptr;
    void (*learn)() noexcept = nullptr;    // which words several threads use: in the runs from here ...
    void (*learned)() noexcept = nullptr;  // ... to here
};
void set_hooks(const Hooks& hooks) noexcept;

}  // namespace ndsharray::model
