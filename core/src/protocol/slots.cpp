// SPDX-License-Identifier: BSD-3-Clause
// The slot protocol: how a writer and its readers share slots without locks. No system call in here.
#include "protocol/slots.hpp"

#include "testing/faults.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

namespace ndsharray::slots {
namespace {

using layout::ReaderEntry;
using layout::ReaderTable;

constexpr std::uint64_t claimed_bit = 1;
constexpr std::uint64_t state_of(std::uint64_t frame) noexcept {
    return 2 * frame;
}
constexpr std::uint32_t bit_of(std::uint32_t slot) noexcept {
    return std::uint32_t{1} << slot;
}
constexpr std::uint64_t lease_word(std::uint32_t generation) noexcept {
    return static_cast<std::uint64_t>(generation) << 32;
}

/// The same as std::popcount. That one calls another library if the compiler may not use the instruction. A
/// reader counts for each frame, and would wait for code that is not in the cache.
constexpr unsigned count_bits(std::uint32_t bits) noexcept {
    bits -= bits >> 1 & 0x55555555U;
    bits = (bits & 0x33333333U) + (bits >> 2 & 0x33333333U);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0fU;
    return bits * 0x01010101U >> 24;
}
static_assert(count_bits(0) == 0 && count_bits(0x80000001U) == 2 && count_bits(~std::uint32_t{0}) == 32);

/// Slots that leases and pools together must leave to the writer: the newest frame and one to fill.
constexpr unsigned slots_left_to_writer = 2;

/// Leases of a reader that does not say how many it keeps.
constexpr std::uint32_t usual_quota = 2;

/// Slots that get memory before readers need them, for the leases that come until the writer looks again.
constexpr unsigned slots_ahead = 2;

/// Slots that pools must leave to readers: one reader can keep a frame while it takes the next.
constexpr unsigned leases_left_to_readers = 2;

template <typename Visitor>
void for_each_reader(const ReaderTable& table, Visitor visit) noexcept {
    for (std::uint64_t active = table.active.load(std::memory_order_acquire); active != 0;
         active &= active - 1)
        visit(table.entries[std::countr_zero(active)]);
}

bool wants_every_frame(const ReaderEntry& entry) noexcept {
    const std::uint32_t flags = entry.flags.load(std::memory_order_acquire);
    return (flags & (layout::reader_every | layout::reader_suspended)) == layout::reader_every;
}

enum class Order { OldestFirst, NewestFirst };

/// The first slot in this order whose frame is below `floor`, among those not in `excluded`; slot_count if
/// there is none.
std::uint32_t first_free(const Segment& segment, std::uint32_t excluded, std::uint64_t floor,
                         Order order) noexcept {
    std::uint32_t best = segment.slot_count();
    std::uint64_t best_state = 0;
    for (std::uint32_t slot = 0; slot < segment.slot_count(); ++slot) {
        // Acquire: if another thread of the writer put the slot back, its stores are visible.
        const std::uint64_t state = segment.slot(slot).state.load(std::memory_order_acquire);
        if ((excluded & bit_of(slot)) != 0 || (state & claimed_bit) != 0 || state / 2 >= floor)
            continue;
        const bool better = order == Order::OldestFirst ? state < best_state : state > best_state;
        if (best == segment.slot_count() || better) {
            best = slot;
            best_state = state;
        }
    }
    return best;
}

/// See claim().
Order order_for(const Held& now, ClaimRules rules) noexcept {
    const bool somebody_may_still_want_it = now.floor != no_frame && !rules.keeps_wanted;
    return somebody_may_still_want_it || rules.others_copy ? Order::OldestFirst : Order::NewestFirst;
}

bool is_held(const Held& now, std::uint32_t slot, std::uint64_t state, bool keeps_wanted) noexcept {
    return (now.leased & bit_of(slot)) != 0 || (keeps_wanted && state / 2 >= now.floor);
}

/// Claims a slot that seems free.
/// \returns whether it was free.
/// \param now set to what readers hold, read after the slot was marked.
bool try_claim(const Segment& segment, const ReaderTable& table, std::uint32_t slot, bool keeps_wanted,
               Held& now) noexcept {
    std::atomic<std::uint64_t>& state = segment.slot(slot).state;
    const std::uint64_t before = state.load(std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(SlotChosen);
    state.store(before | claimed_bit, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(SlotMarked);
    // The store above comes before the loads in held(): one half of the argument. The fence also keeps
    // readers that copy without a lease from seeing new pixels before the odd state.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    now = held(table, segment.generation());
    if (!is_held(now, slot, before, keeps_wanted)) {
        NDSHARRAY_FAULT_POINT(SlotClaimed);
        return true;
    }
    // The pixels are unchanged, so the frame is still good. Release, as always when a slot is given back.
    state.store(before, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(SlotRestored);
    return false;
}

}  // namespace

Held held(const ReaderTable& table, std::uint32_t generation) noexcept {
    Held result;
    for_each_reader(table, [&](const ReaderEntry& entry) {
        const std::uint64_t lease = entry.lease.load(std::memory_order_acquire);
        if (lease >> 32 == generation)
            result.leased |= static_cast<std::uint32_t>(lease);
        const std::uint32_t quota = entry.quota.load(std::memory_order_relaxed);
        result.quota += quota != 0 ? std::min<std::uint32_t>(quota, max_slots) : usual_quota;
        if (wants_every_frame(entry))
            result.floor = std::min(result.floor, entry.cursor.load(std::memory_order_acquire));
    });
    return result;
}

unsigned count_of_every_frame(const ReaderTable& table) noexcept {
    unsigned count = 0;
    for_each_reader(table, [&](const ReaderEntry& entry) { count += wants_every_frame(entry) ? 1 : 0; });
    return count;
}

bool all_can_follow(const ReaderTable& table, std::uint32_t generation, std::uint64_t newest) noexcept {
    bool result = true;
    for_each_reader(table, [&](const ReaderEntry& entry) {
        // Acquire: a reader that has entered a generation has its segment mapped.
        const bool entered = entry.lease.load(std::memory_order_acquire) >> 32 == generation;
        if (wants_every_frame(entry) && !entered && entry.cursor.load(std::memory_order_acquire) <= newest)
            result = false;
    });
    return result;
}

bool all_have_taken(const ReaderTable& table, std::uint64_t newest, bool is_announced) noexcept {
    bool result = true;
    for_each_reader(table, [&](const ReaderEntry& entry) {
        // Acquire, as in held(): with the new cursor, the lease of the frame is visible.
        const bool has_entered = entry.lease.load(std::memory_order_acquire) >> 32 != 0;
        if (wants_every_frame(entry) && (is_announced || has_entered) &&
            entry.cursor.load(std::memory_order_acquire) <= newest)
            result = false;
    });
    return result;
}

void close_slot(const Segment& segment, std::uint32_t slot) noexcept {
    // Relaxed: the segment is not announced yet.
    segment.slot(slot).state.store(state_of(0) | claimed_bit, std::memory_order_relaxed);
}

void open_slot(const Segment& segment, std::uint32_t slot) noexcept {
    put_back(segment, slot);
}

std::optional<std::uint32_t> claim(const Segment& segment, const ReaderTable& table,
                                   ClaimRules rules) noexcept {
    Held now = held(table, segment.generation());  // a first look, so that few claims must be put back
    const Place newest = latest(segment);
    // Acquire: all accesses of a pool to a slot that it unpinned are done.
    std::uint32_t excluded = segment.pinned().load(std::memory_order_acquire);
    if (newest.frame != 0)
        excluded |= bit_of(newest.slot);
    for (;;) {
        const std::uint64_t floor = rules.keeps_wanted ? now.floor : no_frame;
        const std::uint32_t slot = first_free(segment, excluded | now.leased, floor, order_for(now, rules));
        if (slot == segment.slot_count())
            return std::nullopt;
        if (try_claim(segment, table, slot, rules.keeps_wanted, now))
            return slot;
        excluded |= bit_of(slot);
    }
}

std::uint32_t wanted(const Segment& segment, const ReaderTable& table, ClaimRules rules) noexcept {
    const Held now = held(table, segment.generation());
    if (order_for(now, rules) == Order::OldestFirst)
        return segment.slot_count();
    const std::uint32_t pinned = segment.pinned().load(std::memory_order_relaxed);
    const auto in_use = count_bits(now.leased | pinned);
    const unsigned most = now.quota + count_bits(pinned);
    return std::min(segment.slot_count(), slots_left_to_writer + std::min(in_use + slots_ahead, most));
}

bool may_pin(const Segment& segment, const ReaderTable& table, std::uint32_t out,
             std::uint32_t slots) noexcept {
    const std::uint32_t leased = held(table, segment.generation()).leased;
    const std::uint32_t pinned = segment.pinned().load(std::memory_order_relaxed);
    const unsigned in_use = count_bits(leased | pinned | out);
    const unsigned for_readers =
        leases_left_to_readers - std::min(leases_left_to_readers, count_bits(leased));
    return in_use + for_readers + slots_left_to_writer < slots;
}

void pin(const Segment& segment, std::uint32_t slot) noexcept {
    NDSHARRAY_FAULT_POINT(SlotToBePinned);
    // Relaxed: for readers it is only advice.
    segment.pinned().fetch_or(bit_of(slot), std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(SlotPinned);
}

void unpin(const Segment& segment, std::uint32_t slot) noexcept {
    NDSHARRAY_FAULT_POINT(SlotToBeUnpinned);
    segment.pinned().fetch_and(~bit_of(slot), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(SlotUnpinned);
}

void put_back(const Segment& segment, std::uint32_t slot) noexcept {
    NDSHARRAY_FAULT_POINT(SlotToBePutBack);
    segment.slot(slot).state.store(state_of(0), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(SlotPutBack);
}

std::uint32_t withdraw(const Segment& segment, const ReaderTable& table) noexcept {
    constexpr bool keeps_wanted = true;
    Held now = held(table, segment.generation());
    const Place newest = latest(segment);
    std::uint32_t withdrawn = 0;
    for (std::uint32_t slot = 0; slot < segment.ready(); ++slot) {
        if (newest.frame != 0 && newest.slot == slot)
            continue;
        std::atomic<std::uint64_t>& state = segment.slot(slot).state;
        const std::uint64_t before = state.load(std::memory_order_acquire);
        if ((before & claimed_bit) == 0) {
            if (is_held(now, slot, before, keeps_wanted) ||
                !try_claim(segment, table, slot, keeps_wanted, now))
                continue;
            // As a slot without a frame, so that no reader waits for it to be put back.
            state.store(state_of(0) | claimed_bit, std::memory_order_release);
            NDSHARRAY_FAULT_POINT(SlotWithdrawn);
        }
        withdrawn |= bit_of(slot);
    }
    return withdrawn;
}

void publish(const Segment& segment, std::uint32_t slot, const FrameInfo& info,
             std::span<const std::byte> metadata) noexcept {
    layout::SlotHeader& header = segment.slot(slot);
    header.info = info;
    NDSHARRAY_FAULT_POINT(FrameInfoStored);
    header.metadata_bytes = metadata.size();
    if (!metadata.empty())
        std::memcpy(segment.metadata(slot), metadata.data(), metadata.size());
    NDSHARRAY_FAULT_POINT(FrameMetadataStored);
    // Release: a reader that sees the even state sees the pixels and the info.
    header.state.store(state_of(info.number), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(FrameStateStored);
    // Release: a reader that sees the number sees the state.
    segment.latest().store(layout::pack({info.number, slot}), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(LatestStored);
}

Place latest(const Segment& segment) noexcept {
    const auto newest = layout::unpack_latest(segment.latest().load(std::memory_order_acquire));
    if (newest.slot >= segment.slot_count())
        return {};
    return {newest.frame, newest.slot};
}

std::optional<Place> find_from(const Segment& segment, std::uint64_t wanted, std::uint64_t newest) noexcept {
    // A slot that is just being claimed may be put back with its frame unchanged. So look again, but not for
    // long: it may also be being filled.
    constexpr int looks = 100;
    std::optional<Place> best;
    for (int look = 0; look < looks; ++look) {
        best.reset();
        bool wanted_is_claimed = false;
        for (std::uint32_t slot = 0; slot < segment.slot_count(); ++slot) {
            const std::uint64_t state = segment.slot(slot).state.load(std::memory_order_acquire);
            wanted_is_claimed |= state == (state_of(wanted) | claimed_bit);
            const std::uint64_t frame = state / 2;
            if ((state & claimed_bit) == 0 && frame >= wanted && frame <= newest &&
                (!best || frame < best->frame))
                best = Place{frame, slot};
        }
        if (!wanted_is_claimed)
            break;
    }
    return best;
}

bool lease(const Segment& segment, ReaderEntry& entry, Place place) noexcept {
    NDSHARRAY_FAULT_POINT(FrameToBeLeased);
    entry.lease.fetch_or(bit_of(place.slot), std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(LeaseStored);
    // The store above comes before the load below: the other half of the argument.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    // Acquire: with the even state, the pixels are visible.
    if (segment.slot(place.slot).state.load(std::memory_order_acquire) == state_of(place.frame)) {
        NDSHARRAY_FAULT_POINT(LeaseKept);
        return true;
    }
    release(entry, segment.generation(), place.slot);
    NDSHARRAY_FAULT_POINT(LeaseRefused);
    return false;
}

bool may_stay_leased(const Segment& segment, const ReaderTable& table) noexcept {
    // Relaxed: pins are only advice here. Leases are not: each reader sets its bit and passes a fence before
    // it counts. So of two readers that take the last slots, at least one sees both.
    const std::uint32_t pinned = segment.pinned().load(std::memory_order_relaxed);
    const std::uint32_t leased = held(table, segment.generation()).leased;
    return count_bits(leased | pinned) + slots_left_to_writer <= segment.ready();
}

void release(ReaderEntry& entry, std::uint32_t generation, std::uint32_t slot) noexcept {
    NDSHARRAY_FAULT_POINT(FrameToBeReleased);
    std::uint64_t word = entry.lease.load(std::memory_order_relaxed);
    // Release: all reads of the pixels are done before the writer sees the slot free.
    while (word >> 32 == generation &&
           !entry.lease.compare_exchange_weak(word, word & ~static_cast<std::uint64_t>(bit_of(slot)),
                                              std::memory_order_release, std::memory_order_relaxed)) {
    }
    NDSHARRAY_FAULT_POINT(LeaseCleared);
}

void enter_generation(ReaderEntry& entry, std::uint32_t generation) noexcept {
    entry.lease.store(lease_word(generation), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(GenerationEntered);
}

bool is_unchanged(const Segment& segment, Place place) noexcept {
    // The reads of the pixels come before the load of the state: the reader's half of a seqlock.
    std::atomic_thread_fence(std::memory_order_acquire);
    return segment.slot(place.slot).state.load(std::memory_order_relaxed) == state_of(place.frame);
}

bool is_complete(const Segment& segment, Place place) noexcept {
    return segment.slot(place.slot).state.load(std::memory_order_acquire) == state_of(place.frame);
}

}  // namespace ndsharray::slots
