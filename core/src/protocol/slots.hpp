// SPDX-License-Identifier: BSD-3-Clause
// The slot protocol: how a writer and its readers share slots without locks. No system call in here.
//
// Writer                                     Reader
//   state = 2 * old + 1                        lease |= bit of the slot
//   full fence                                 full fence
//   look at every lease and cursor             look at the state
//   the slot is held: state = 2 * old          it is not 2 * frame: lease &= ~bit
//   else fill, then state = 2 * new            else read the pixels, then lease &= ~bit
//
// Either the reader sees the odd state or the writer sees the bit: that is the whole argument, and it needs
// the full fence (store before load) on both sides. Everything else is release where something is handed
// over and acquire where it is taken. core/PROTOCOL.md has the long form.
#pragma once

#include "protocol/layout.hpp"
#include "protocol/segment.hpp"

#include <ndsharray/frame_info.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace ndsharray::slots {

inline constexpr std::uint64_t no_frame = std::numeric_limits<std::uint64_t>::max();

/// What readers hold: slots by their leases, and every frame from `floor` on by their cursors.
struct Held {
    std::uint32_t leased = 0;        // bit per slot
    std::uint64_t floor = no_frame;  // lowest frame an `Every` reader still wants
};

/// What live readers hold of a generation. Acquire: what a reader did before letting go is done.
Held held(const layout::ReaderTable& table, std::uint32_t generation) noexcept;

/// Whether no `Every` reader would lose frames if readers were pointed to a newer segment than this
/// generation's: each has this one mapped, so that it can take what is left there, or has taken all.
bool all_can_follow(const layout::ReaderTable& table, std::uint32_t generation,
                    std::uint64_t newest) noexcept;

/// Whether no `Every` reader still wants a frame up to `newest`.
/// \param is_announced whether a reader that comes finds a segment. Where it does not, one that has not
/// entered any generation wants nothing that there is: its cursor names a frame that was gone when it came.
bool all_have_taken(const layout::ReaderTable& table, std::uint64_t newest, bool is_announced) noexcept;

// ---- making a segment

/// Sets a slot's state so that nobody uses it: its memory is not ready yet.
void close_slot(const Segment& segment, std::uint32_t slot) noexcept;

/// Makes a closed slot an empty one. Any thread.
void open_slot(const Segment& segment, std::uint32_t slot) noexcept;

// ---- the writer's side: one thread at a time, except put_back()

/// What a writer promised its readers, and so which slots it may take.
struct ClaimRules {
    bool keeps_wanted = false;  // backpressure: frames from Held::floor on are held
    bool others_copy = false;   // there may be readers that copy without a lease: they need time
};

/// Takes a slot that nobody holds. Where every reader that matters either has a lease or has had the frame,
/// that is the one used last, so that few slots go round and stay in the cache. Else it is the one with the
/// oldest frame, which leaves readers the most time.
std::optional<std::uint32_t> claim(const Segment& segment, const layout::ReaderTable& table,
                                   ClaimRules rules) noexcept;

/// Takes a slot like claim(), to be out for longer than it takes to fill it: for a pool. Only if that leaves
/// the writer and its readers enough to go on with.
std::optional<std::uint32_t> claim_pinned(const Segment& segment, const layout::ReaderTable& table,
                                          ClaimRules rules) noexcept;

/// Whether enough slots are left for one more to be pinned, prepared or not.
bool may_pin(const Segment& segment, const layout::ReaderTable& table) noexcept;

/// Gives back a slot that was claimed with claim_pinned(). Any thread.
void unpin(const Segment& segment, std::uint32_t slot, bool was_published) noexcept;

/// Gives a claimed slot back, its content lost. Any thread.
void put_back(const Segment& segment, std::uint32_t slot) noexcept;

/// Slots, a bit for each, that no reader gets any more.
struct Withdrawn {
    std::uint32_t slots = 0;
    std::uint32_t claimed = 0;  // those of them that were claimed before, or not ready
};

/// Claims for good what readers neither hold nor may still want, whatever the writer promised them: all but
/// the newest frame, leases, and frames from Held::floor on. Of a segment that gets no more frames, and
/// before any reader can move on to the next one, with which its leases in this one are forgotten.
Withdrawn withdraw(const Segment& segment, const layout::ReaderTable& table) noexcept;

/// Of how many slots withdraw() would free the memory now, besides closed ones.
unsigned count_withdrawable(const Segment& segment, const layout::ReaderTable& table) noexcept;

/// Whether the writer's side still has a withdrawn slot.
bool is_out(const Segment& segment, Withdrawn withdrawn, std::uint32_t slot) noexcept;

/// Makes a claimed and filled slot the newest frame: info.number.
void publish(const Segment& segment, std::uint32_t slot, const FrameInfo& info,
             std::span<const std::byte> metadata) noexcept;

// ---- a reader's side

/// A frame and the slot it is in.
struct Place {
    std::uint64_t frame = 0;
    std::uint32_t slot = 0;
};

/// The newest frame; frame 0 if there is none yet. Checked: the slot exists.
Place latest(const Segment& segment) noexcept;

/// The oldest complete frame that is not older than `wanted` nor newer than `newest`, if there is one.
std::optional<Place> find_from(const Segment& segment, std::uint64_t wanted, std::uint64_t newest) noexcept;

/// Leases a slot. \returns whether it still had that frame; if not, nothing is leased.
bool lease(const Segment& segment, layout::ReaderEntry& entry, Place place) noexcept;

/// Whether one more lease than are out now (the caller's, if it has one, included) leaves the writer enough.
bool may_stay_leased(const Segment& segment, const layout::ReaderTable& table) noexcept;

/// Lets go of a slot, unless the entry has moved on to another generation, which lets go of all.
void release(layout::ReaderEntry& entry, std::uint32_t generation, std::uint32_t slot) noexcept;

/// Lets go of all slots and makes the entry lease slots of this generation from now on.
void enter_generation(layout::ReaderEntry& entry, std::uint32_t generation) noexcept;

/// Without a lease: whether the slot still has that frame, after everything read from it so far.
bool is_unchanged(const Segment& segment, Place place) noexcept;

/// Whether the slot has that frame, before anything is read from it.
bool is_complete(const Segment& segment, Place place) noexcept;

}  // namespace ndsharray::slots
