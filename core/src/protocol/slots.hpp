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

/// The slots that readers hold by leases, and the frames that they hold by cursors: all from `floor` on.
struct Held {
    std::uint32_t leased = 0;        // bit per slot
    std::uint64_t floor = no_frame;  // lowest frame that an `Every` reader still expects
    std::uint32_t quota = 0;         // leases that all readers together keep at most
};

/// What live readers hold of a generation. Acquire: all accesses of a reader before its release are done.
Held held(const layout::ReaderTable& table, std::uint32_t generation) noexcept;

/// Number of `Every` readers for which the writer waits.
unsigned count_of_every_frame(const layout::ReaderTable& table) noexcept;

/// Whether a newer segment can be announced without an `Every` reader losing frames of this generation. Each
/// such reader must have this segment mapped, so that it can take the rest, or must have taken all frames.
bool all_can_follow(const layout::ReaderTable& table, std::uint32_t generation,
                    std::uint64_t newest) noexcept;

/// Whether no `Every` reader still expects a frame up to `newest`.
/// \param is_announced whether a segment is announced. If none is, a reader that has not entered a generation
/// expects no present frame: its cursor names a frame that was gone when it attached.
bool all_have_taken(const layout::ReaderTable& table, std::uint64_t newest, bool is_announced) noexcept;

// ---- making a segment

/// Closes a slot, so that it is not used: it has no memory yet.
void close_slot(const Segment& segment, std::uint32_t slot) noexcept;

/// Makes a closed slot an empty slot.
void open_slot(const Segment& segment, std::uint32_t slot) noexcept;

// ---- the writer's side: one thread at a time, except put_back()

/// The promises of a writer to its readers. They decide which slots it may claim.
struct ClaimRules {
    bool keeps_wanted = false;  // backpressure: frames from Held::floor on are held
    bool others_copy = false;   // some readers may copy without a lease, and need time
};

/// Claims a slot that no reader holds. If each relevant reader has a lease or has had the frame, this is the
/// slot that was used last, so that few slots are in use and stay in the cache. Otherwise it is the slot with
/// the oldest frame, which leaves readers the most time.
std::optional<std::uint32_t> claim(const Segment& segment, const layout::ReaderTable& table,
                                   ClaimRules rules) noexcept;

/// Number of slots that should have memory now, so that readers can take up to two leases more than they
/// hold, within their quotas. All slots, if frames should stay for as long as possible.
std::uint32_t wanted(const Segment& segment, const layout::ReaderTable& table, ClaimRules rules) noexcept;

/// Whether a pool may take one more slot, and enough slots are left for the writer and its readers.
/// \param out slots that the writer's side has now, a bit for each.
/// \param slots number of slots that there are.
bool may_pin(const Segment& segment, const layout::ReaderTable& table, std::uint32_t out,
             std::uint32_t slots) noexcept;

/// The writer's side keeps a claimed slot after it is published: the slot is not claimed again, and readers
/// leave other slots to the writer. Call it before publish().
void pin(const Segment& segment, std::uint32_t slot) noexcept;

/// Ends the pin. Any thread.
void unpin(const Segment& segment, std::uint32_t slot) noexcept;

/// Gives a claimed slot back. Its content is lost. Any thread.
void put_back(const Segment& segment, std::uint32_t slot) noexcept;

/// Takes back the slots of a segment that gets no more frames: claims for ever those that readers neither
/// hold nor still expect. These are all except the newest frame, leased slots, and frames from Held::floor
/// on. Backpressure does not matter here. Call it before a reader can enter the next generation, because
/// its leases in this one are then lost. \returns a bit for each slot that no reader gets any more, including
/// the slots that the writer's side has out.
///
/// To a reader this is a claim like any other, so the argument above covers it: a slot is freed only if no
/// lease was kept on it, and none is kept later. A suspended reader expects no frame, so only its leases
/// count. A pin is no lease: the caller frees a slot that is out when it comes back.
std::uint32_t withdraw(const Segment& segment, const layout::ReaderTable& table) noexcept;

/// Makes a claimed and filled slot the newest frame. Its number is info.number.
void publish(const Segment& segment, std::uint32_t slot, const FrameInfo& info,
             std::span<const std::byte> metadata) noexcept;

// ---- a reader's side

/// A frame and the slot it is in.
struct Place {
    std::uint64_t frame = 0;
    std::uint32_t slot = 0;
};

/// The newest frame; frame 0 if there is none yet. The slot number is checked.
Place latest(const Segment& segment) noexcept;

/// The oldest complete frame from `wanted` to `newest`, if there is one.
std::optional<Place> find_from(const Segment& segment, std::uint64_t wanted, std::uint64_t newest) noexcept;

/// Leases a slot. \returns whether it still has that frame. If not, there is no lease.
bool lease(const Segment& segment, layout::ReaderEntry& entry, Place place) noexcept;

/// Whether the present leases, including the caller's, leave enough slots to the writer. Only slots that have
/// memory count: the writer may not get memory for more.
bool may_stay_leased(const Segment& segment, const layout::ReaderTable& table) noexcept;

/// Releases a slot. Does nothing if the entry has entered another generation, because that releases all
/// slots.
void release(layout::ReaderEntry& entry, std::uint32_t generation, std::uint32_t slot) noexcept;

/// Releases all slots. From now on the entry leases slots of this generation.
void enter_generation(layout::ReaderEntry& entry, std::uint32_t generation) noexcept;

/// For copies without a lease: whether the slot still has that frame after all reads so far.
bool is_unchanged(const Segment& segment, Place place) noexcept;

/// For copies without a lease: whether the slot has that frame before the first read.
bool is_complete(const Segment& segment, Place place) noexcept;

}  // namespace ndsharray::slots
