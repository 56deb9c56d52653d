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

    /// After each run in which no promise was broken so far. Loads see the last value of each word.
    /// \returns the promise that is broken; empty: none.
    virtual std::string end() { return {}; }

    /// After that: drops what the run has made.
    virtual void clear() {}

    /// Whether waits with a deadline end when nothing else can happen. Otherwise that is a broken promise.
    virtual bool may_time_out() const { return false; }
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
unsigned players() noexcept;

/// A step that others may see: another thread may go on first, or this one may die.
void step() noexcept;

/// One of `count`; all but the first are deviations.
unsigned choose(unsigned count) noexcept;

/// Sleeps until wake_sleepers() is called with the same thing.
/// \returns whether it was woken, and did not time out.
bool sleep(const void* on, bool has_deadline) noexcept;
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
