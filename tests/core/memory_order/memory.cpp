// SPDX-License-Identifier: BSD-3-Clause
// The memory of C++20 between the threads of a scene.
#include "memory.hpp"

#include "explorer.hpp"
#include "weaker.hpp"

#include <bitset>
#include <cstdio>
#include <cstdlib>

namespace ndsharray::model {
namespace {

constexpr unsigned max_words = 96;          // that one scene uses
constexpr std::uint32_t first_time = 1;     // of the store that a word has at the beginning
constexpr std::uint32_t between = 1 << 12;  // stores that fit between two others
constexpr std::size_t granule = 4;          // no word is smaller

using Index = std::uint8_t;
constexpr Index no_word = 0xff;

/// What a thread knows: for each word the oldest store that it may still see, and for each thread how far it
/// happened before.
struct Knowledge {
    std::array<std::uint32_t, max_words> seen{};
    std::array<std::uint32_t, max_threads> happened{};

    void add_view(const Knowledge& other, unsigned words) noexcept {
        for (unsigned i = 0; i < words; ++i)
            seen[i] = std::max(seen[i], other.seen[i]);
    }
    void add(const Knowledge& other, unsigned words) noexcept {
        add_view(other, words);
        for (unsigned i = 0; i < max_threads; ++i)
            happened[i] = std::max(happened[i], other.happened[i]);
    }
};

struct Store {
    std::uint64_t value = 0;
    std::uint32_t time = 0;        // place in the order of the word's stores
    bool is_read_by_next = false;  // the next one is a read-modify-write of this one: nothing comes between
    Knowledge released;            // what one learns who acquires it
};

struct Word {
    const void* address = nullptr;
    unsigned bytes = 0;
    std::vector<Store> stores;  // in their order
    // Not atomic: who made the word, and when.
    unsigned maker = max_threads;
    std::uint32_t made = 0;
};

struct Thread {
    Knowledge now;
    Knowledge to_acquire;  // what an acquire fence adds
    Knowledge released;    // what a release fence has put into later stores
};

struct Cell {
    unsigned writer = max_threads;
    std::uint32_t written = 0;
    std::array<std::uint32_t, max_threads> read{};
    bool is_touched = false;
    bool is_discarded = false;  // by the last write
};

struct Thing {
    const void* address;
    Knowledge known;
};

alignas(4096) std::array<std::byte, arena_bytes> memory_of_all;
std::vector<std::byte> beginning;
std::size_t room_bytes = 0;
std::size_t first_bytes = 0;

std::array<Index, arena_bytes / granule> index_of;
std::bitset<arena_bytes / granule> is_contended;  // words that several threads use; found out in first runs
std::array<std::uint8_t, arena_bytes / granule> used_by;  // bit per thread
constexpr std::uint8_t written = 1U << max_threads;       // by any
std::array<Word, max_words> words;
unsigned word_count = 0;
std::array<Thread, max_threads> threads;
Knowledge in_fence_order;  // what the sequentially consistent fences so far knew
std::array<Cell, arena_bytes / granule> cells;
std::vector<std::uint32_t> touched_cells;
std::vector<Thing> things;

std::size_t granule_of(const void* address) noexcept {
    return static_cast<std::size_t>(static_cast<const std::byte*>(address) - memory_of_all.data()) / granule;
}

std::uint64_t value_in_memory(const void* word, unsigned bytes) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, word, bytes);  // little-endian, or of 8 bytes
    if constexpr (std::endian::native == std::endian::big)
        value >>= 8 * (8 - bytes);
    return value;
}

void set_in_memory(void* word, unsigned bytes, std::uint64_t value) noexcept {
    if constexpr (std::endian::native == std::endian::big)
        value <<= 8 * (8 - bytes);
    std::memcpy(word, &value, bytes);
}

std::string name_of(const void* word) {
    char text[32];
    std::snprintf(text, sizeof text, "@%zx", granule_of(word) * granule);
    return text;
}

std::string place(const Where& where) {
    const std::string_view file = where.file_name();
    return std::string(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(where.line());
}

Word& word_at(const void* address, unsigned bytes) noexcept {
    Index& index = index_of[granule_of(address)];
    if (index == no_word) {
        if (word_count == max_words) {
            std::fprintf(stderr, "a scene uses more than %u words\n", max_words);
            std::abort();
        }
        index = static_cast<Index>(word_count++);
        Word& word = words[index];
        word.address = address;
        word.bytes = bytes;
        word.maker = max_threads;
        word.stores.resize(1);
        word.stores[0] = {value_in_memory(address, bytes), first_time, false, {}};
    }
    return words[index];
}
Index number(const Word& word) noexcept {
    return static_cast<Index>(&word - words.data());
}

/// Another thread may go on before an access to a word that several use.
void step_before(const void* address, bool writes) noexcept {
    const std::size_t at = granule_of(address);
    used_by[at] |= static_cast<std::uint8_t>(1U << self() | (writes ? written : 0));
    if (is_contended[at])
        step();
}

void check_made(const Word& word) noexcept {
    if (word.maker != max_threads && threads[self()].now.happened[word.maker] < word.made)
        broken("a word is not used before it is made");
}

// ---- orders and changes

bool has(std::memory_order order, std::memory_order part) noexcept {
    if (order == std::memory_order_seq_cst || order == part)
        return true;
    return order == std::memory_order_acq_rel && part != std::memory_order_seq_cst;
}
bool acquires(std::memory_order order) noexcept {
    return has(order, std::memory_order_acquire) || order == std::memory_order_consume;
}
bool releases(std::memory_order order) noexcept {
    return has(order, std::memory_order_release);
}

std::string_view name_of(Change change) noexcept {
    switch (change) {
        case Change::Exchange:
            return "exchange";
        case Change::Add:
            return "fetch_add";
        case Change::Sub:
            return "fetch_sub";
        case Change::And:
            return "fetch_and";
        case Change::Or:
            return "fetch_or";
    }
    return {};
}

std::uint64_t applied(Change change, std::uint64_t value, std::uint64_t operand, unsigned bytes) noexcept {
    switch (change) {
        case Change::Exchange:
            value = operand;
            break;
        case Change::Add:
            value += operand;
            break;
        case Change::Sub:
            value -= operand;
            break;
        case Change::And:
            value &= operand;
            break;
        case Change::Or:
            value |= operand;
            break;
    }
    return bytes == 8 ? value : value & ((std::uint64_t{1} << 8 * bytes) - 1);
}

// ---- accesses

/// What a thread releases happened before what it does from now on.
void tick(Thread& thread) noexcept {
    ++thread.now.happened[self()];
}

/// The stores of a word that this thread may still see: the first of them.
std::size_t first_visible(const Word& word) noexcept {
    const std::uint32_t seen = threads[self()].now.seen[number(word)];
    std::size_t first = word.stores.size() - 1;
    while (first > 0 && word.stores[first - 1].time >= seen)
        --first;
    return first;
}

/// A sequentially consistent access sees of its word what earlier ones saw or stored there: before it looks.
void join_order(const Word& word, std::memory_order order) noexcept {
    std::uint32_t& seen = threads[self()].now.seen[number(word)];
    if (order == std::memory_order_seq_cst)
        seen = std::max(seen, in_fence_order.seen[number(word)]);
}

/// And tells later ones what it saw or stored: afterwards.
void tell_order(const Word& word, std::memory_order order) noexcept {
    std::uint32_t& seen = in_fence_order.seen[number(word)];
    if (order == std::memory_order_seq_cst)
        seen = std::max(seen, threads[self()].now.seen[number(word)]);
}

void see(const Word& word, const Store& store, bool acquire) noexcept {
    Thread& thread = threads[self()];
    std::uint32_t& seen = thread.now.seen[number(word)];
    seen = std::max(seen, store.time);
    (acquire ? thread.now : thread.to_acquire).add(store.released, word_count);
}

/// Puts a store after another one. \returns where it is.
std::size_t insert_after(Word& word, std::size_t before, std::uint64_t value, bool release,
                         const Knowledge* of_sequence) noexcept {
    Thread& thread = threads[self()];
    const std::uint32_t low = word.stores[before].time;
    const bool is_last = before + 1 == word.stores.size();
    const std::uint32_t time = is_last ? low + between : low + (word.stores[before + 1].time - low) / 2;
    thread.now.seen[number(word)] = time;
    Store made{value, time, false, release ? thread.now : thread.released};
    made.released.seen[number(word)] = time;
    if (of_sequence != nullptr)
        made.released.add(*of_sequence, word_count);
    if (release)
        tick(thread);
    word.stores.insert(word.stores.begin() + static_cast<std::ptrdiff_t>(before) + 1, made);
    if (is_last)
        set_in_memory(const_cast<void*>(word.address), word.bytes, value);
    return before + 1;
}

bool has_room_after(const Word& word, std::size_t index) noexcept {
    return !word.stores[index].is_read_by_next &&
           (index + 1 == word.stores.size() || word.stores[index + 1].time - word.stores[index].time >= 2);
}

std::string told(std::string_view what, const Word& word, std::uint64_t value, bool is_last,
                 const Where& where) {
    char hex[32];
    std::snprintf(hex, sizeof hex, "%llx", static_cast<unsigned long long>(value));
    return std::string(what) + " " + name_of(word.address) + (is_last ? "" : " (not the last)") + " = " +
           hex + "   " + place(where);
}

}  // namespace

std::byte* arena() noexcept {
    return memory_of_all.data();
}

namespace {

void restore(std::size_t at, std::size_t bytes) noexcept {
    if (at * granule < beginning.size())
        std::memcpy(memory_of_all.data() + at * granule, beginning.data() + at * granule, bytes);
}

}  // namespace

void reset_memory() noexcept {
    for (std::size_t i = 0; i < beginning.size(); i += room_bytes)
        std::memcpy(memory_of_all.data() + i, beginning.data() + i, first_bytes);
    for (unsigned i = 0; i < word_count; ++i) {
        index_of[granule_of(words[i].address)] = no_word;
        restore(granule_of(words[i].address), words[i].bytes);
    }
    word_count = 0;
    for (unsigned i = 0; i < max_threads; ++i) {
        threads[i] = {};
        threads[i].now.happened[i] = 1;
    }
    in_fence_order = {};
    for (const std::uint32_t cell : touched_cells) {
        cells[cell] = {};
        restore(cell, granule);
    }
    touched_cells.clear();
    things.clear();
}

void forget_memory() noexcept {
    beginning.clear();
    index_of.fill(no_word);
    word_count = 0;
    memory_of_all.fill(std::byte{0});
    reset_memory();
}

void keep_memory(std::size_t room, std::size_t first, std::size_t rooms) {
    room_bytes = room;
    first_bytes = first;
    beginning.assign(memory_of_all.data(), memory_of_all.data() + room * rooms);
}

void learn_contended() noexcept {
    is_contended.set();
    used_by.fill(0);
}

void use_contended() noexcept {
    is_contended.reset();
    for (std::size_t i = 0; i < used_by.size(); ++i)
        if ((used_by[i] & written) != 0 && std::popcount(used_by[i]) > 2)
            is_contended.set(i);
}

// ---- what atomic.hpp calls

bool is_shared(const void* word) noexcept {
    const auto* byte = static_cast<const std::byte*>(word);
    return byte >= memory_of_all.data() && byte < memory_of_all.data() + arena_bytes;
}

void make(const void* address, unsigned bytes) noexcept {
    if (!playing())
        return;
    Word& word = word_at(address, bytes);
    word.stores.resize(1);
    word.stores[0] = {value_in_memory(address, bytes), first_time, false, {}};
    word.maker = self();
    word.made = threads[self()].now.happened[self()];
    // Whoever made it knows of it. Others have to learn of it, or check_made() tells.
}

std::uint64_t load(const void* address, unsigned bytes, std::memory_order order,
                   const Where& where) noexcept {
    if (!playing())
        return value_in_memory(address, bytes);
    order = order_of(order, "load", where);
    step_before(address, false);
    Word& word = word_at(address, bytes);
    check_made(word);
    join_order(word, order);
    const std::size_t first = first_visible(word);
    const std::size_t taken =
        word.stores.size() - 1 - choose(static_cast<unsigned>(word.stores.size() - first));
    const Store& store = word.stores[taken];
    see(word, store, acquires(order));
    tell_order(word, order);
    if (is_telling())
        tell(told("load", word, store.value, taken + 1 == word.stores.size(), where));
    return store.value;
}

void store(void* address, unsigned bytes, std::uint64_t value, std::memory_order order,
           const Where& where) noexcept {
    if (!playing())
        return set_in_memory(address, bytes, value);
    order = order_of(order, "store", where);
    step_before(address, true);
    Word& word = word_at(address, bytes);
    check_made(word);
    join_order(word, order);
    std::vector<std::size_t> places;
    const std::uint32_t seen = threads[self()].now.seen[number(word)];
    for (std::size_t i = word.stores.size(); i-- > 0;) {
        if (has_room_after(word, i))
            places.push_back(i);
        if (word.stores[i].time <= seen)
            break;
    }
    const std::size_t after = places[choose(static_cast<unsigned>(places.size()))];
    const std::size_t made = insert_after(word, after, value, releases(order), nullptr);
    tell_order(word, order);
    if (is_telling())
        tell(told("store", word, value, made + 1 == word.stores.size(), where));
}

std::uint64_t change(void* address, unsigned bytes, Change what, std::uint64_t operand,
                     std::memory_order order, const Where& where) noexcept {
    if (!playing()) {
        const std::uint64_t before = value_in_memory(address, bytes);
        set_in_memory(address, bytes, applied(what, before, operand, bytes));
        return before;
    }
    order = order_of(order, name_of(what), where);
    step_before(address, true);
    Word& word = word_at(address, bytes);
    check_made(word);
    join_order(word, order);
    std::vector<std::size_t> places;
    const std::size_t first = first_visible(word);
    for (std::size_t i = word.stores.size(); i-- > first;)
        if (has_room_after(word, i))
            places.push_back(i);
    const std::size_t read = places[choose(static_cast<unsigned>(places.size()))];
    see(word, word.stores[read], acquires(order));
    const std::uint64_t before = word.stores[read].value;
    const std::uint64_t after = applied(what, before, operand, bytes);
    const Knowledge of_sequence = word.stores[read].released;
    word.stores[read].is_read_by_next = true;
    const std::size_t made = insert_after(word, read, after, releases(order), &of_sequence);
    tell_order(word, order);
    if (is_telling())
        tell(told(name_of(what), word, after, made + 1 == word.stores.size(), where));
    return before;
}

bool compare_exchange(void* address, unsigned bytes, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, const Where& where) noexcept {
    if (!playing()) {
        const std::uint64_t before = value_in_memory(address, bytes);
        if (before == expected)
            set_in_memory(address, bytes, desired);
        return std::exchange(expected, before) == before;
    }
    success = order_of(success, "compare_exchange_weak", where);
    failure = order_of(failure, "compare_exchange_weak", where, true);
    step_before(address, true);
    Word& word = word_at(address, bytes);
    check_made(word);
    join_order(word, success);
    std::vector<std::size_t> places;
    const std::size_t first = first_visible(word);
    for (std::size_t i = word.stores.size(); i-- > first;)
        if (word.stores[i].value != expected || has_room_after(word, i))
            places.push_back(i);
    const std::size_t read = places[choose(static_cast<unsigned>(places.size()))];
    const std::uint64_t before = word.stores[read].value;
    const bool done = before == expected;
    see(word, word.stores[read], acquires(done ? success : failure));
    if (done) {
        const Knowledge of_sequence = word.stores[read].released;
        word.stores[read].is_read_by_next = true;
        insert_after(word, read, desired, releases(success), &of_sequence);
        tell_order(word, success);
    }
    if (is_telling())
        tell(told(done ? "compare_exchange" : "compare_exchange (other value)", word, done ? desired : before,
                  true, where));
    expected = before;
    return done;
}

void fence(std::memory_order order, const Where& where) noexcept {
    if (!playing())
        return;
    // What the library does around the shared words, for other reasons, is not to help the protocol.
    if (std::string_view(where.file_name()).find("/platform/") != std::string_view::npos)
        return;
    order = order_of(order, "atomic_thread_fence", where);
    if (order == std::memory_order_relaxed)
        return;
    Thread& thread = threads[self()];
    if (order == std::memory_order_seq_cst)
        step();
    if (acquires(order))
        thread.now.add(thread.to_acquire, word_count);
    if (order == std::memory_order_seq_cst) {
        thread.now.add_view(in_fence_order, word_count);
        in_fence_order.add_view(thread.now, word_count);
    }
    if (releases(order)) {
        thread.released = thread.now;
        tick(thread);
    }
    if (is_telling())
        tell("fence   " + place(where));
}

// ---- bytes that are not atomic

namespace {

template <typename Access>
void for_each_cell(const void* bytes, std::size_t count, Access access) noexcept {
    const std::size_t first = granule_of(bytes);
    const std::size_t last = granule_of(static_cast<const std::byte*>(bytes) + count - 1);
    for (std::size_t i = first; i <= last; ++i) {
        Cell& cell = cells[i];
        if (!std::exchange(cell.is_touched, true))
            touched_cells.push_back(static_cast<std::uint32_t>(i));
        access(cell);
    }
}

}  // namespace

namespace {

void write_or_discard(const void* bytes, std::size_t count, const char* what, bool discards) noexcept {
    if (!playing() || count == 0)
        return;
    const Knowledge& now = threads[self()].now;
    if (is_telling())
        tell((discards ? "discard " : "write ") + std::string(what) + " " + name_of(bytes));
    for_each_cell(bytes, count, [&](Cell& cell) {
        bool is_ordered = cell.writer == max_threads || (discards && cell.is_discarded) ||
                          now.happened[cell.writer] >= cell.written;
        for (unsigned i = 0; i < max_threads; ++i)
            is_ordered = is_ordered && now.happened[i] >= cell.read[i];
        if (!is_ordered)
            broken(std::string(what) + " are not written while others use them");
        cell.writer = self();
        cell.written = now.happened[self()];
        cell.is_discarded = discards;
    });
}

}  // namespace

void write_plain(const void* bytes, std::size_t count, const char* what) noexcept {
    write_or_discard(bytes, count, what, false);
}

void discard_plain(const void* bytes, std::size_t count, const char* what) noexcept {
    write_or_discard(bytes, count, what, true);
}

void read_plain(const void* bytes, std::size_t count, const char* what) noexcept {
    if (!playing() || count == 0)
        return;
    const Knowledge& now = threads[self()].now;
    if (is_telling())
        tell("read " + std::string(what) + " " + name_of(bytes));
    for_each_cell(bytes, count, [&](Cell& cell) {
        if (cell.writer != max_threads && now.happened[cell.writer] < cell.written)
            broken(std::string(what) + " are whole when they are read");
        cell.read[self()] = now.happened[self()];
    });
}

// ---- what the kernel does

namespace {

Knowledge& known_to(const void* thing) noexcept {
    for (Thing& known : things)
        if (known.address == thing)
            return known.known;
    things.push_back({thing, {}});
    return things.back().known;
}

}  // namespace

void pass_through_as(unsigned player, const void* thing) noexcept {
    Knowledge& known = known_to(thing);
    Thread& thread = threads[player];
    thread.now.add(known, word_count);
    known.add(thread.now, word_count);
    ++thread.now.happened[player];
}

void pass_through(const void* thing) noexcept {
    if (playing())
        pass_through_as(self(), thing);
}

std::uint64_t last_value(const void* word, unsigned bytes) noexcept {
    return value_in_memory(word, bytes);
}

void step_of_kernel(const char* what) noexcept {
    if (!playing())
        return;
    step();
    if (is_telling())
        tell(what);
}

}  // namespace ndsharray::model
