// SPDX-License-Identifier: BSD-3-Clause
// What becomes of each order in the sources when it is made weaker.
#include "verdicts.hpp"

namespace ndsharray::model {
namespace {

Verdict breaks(const char* order, const char* scene, unsigned deviations = 2) {
    return {order, scene, nullptr, deviations};
}
Verdict stronger_than_needed(const char* order, const char* reason) {
    return {order, nullptr, reason};
}

}  // namespace

const std::vector<Verdict>& all_verdicts() {
    static const std::vector<Verdict> verdicts{
        // ---- slots.cpp
        breaks("slots.cpp, for_each_reader: table.active.load acquire -> relaxed", "HandedOver"),
        stronger_than_needed(
            "slots.cpp, wants_every_frame: entry.flags.load acquire -> relaxed",
            "nothing is written because of a flag alone: if the fence of the claim comes after that of "
            "the reader, the flag is seen anyway, else the reader sees the claim"),
        stronger_than_needed(
            "slots.cpp, first_free: segment.slot(slot).state.load acquire -> relaxed",
            "the slot is only used after the fence of try_claim(), which acquires what this load saw"),
        breaks("slots.cpp, try_claim: std::atomic_thread_fence seq_cst -> acq_rel", "FoundByNumber"),
        stronger_than_needed(
            "slots.cpp, try_claim: state.store (2) release -> relaxed",
            "the same thread's fence just before it already releases the frame, which it has not touched"),
        breaks("slots.cpp, held: entry.lease.load acquire -> relaxed", "FoundByNumber"),
        stronger_than_needed(
            "slots.cpp, held: entry.cursor.load acquire -> relaxed",
            "a reader that has passed a frame had a lease of it, and the lease word tells whether its "
            "reads are done"),
        stronger_than_needed(
            "slots.cpp, all_can_follow: entry.lease.load acquire -> relaxed",
            "what follows is an announcement and the removal of a name; a mapping that was made before "
            "keeps the file, whatever the order"),
        stronger_than_needed(
            "slots.cpp, all_can_follow: entry.cursor.load acquire -> relaxed",
            "no slot is written because of it: withdraw() looks at the leases itself, behind a fence"),
        stronger_than_needed("slots.cpp, all_have_taken: entry.lease.load acquire -> relaxed",
                             "only the generation in it counts here, and no slot is written because of it"),
        stronger_than_needed(
            "slots.cpp, all_have_taken: entry.cursor.load acquire -> relaxed",
            "no slot is written because of it: the writer only leaves its files, or returns to its caller"),
        stronger_than_needed(
            "slots.cpp, claim: segment.pinned().load acquire -> relaxed",
            "the slot is only used after the fence of try_claim(), which acquires what this load saw"),
        breaks("slots.cpp, unpin: segment.pinned().fetch_and release -> relaxed", "Unpinned"),
        breaks("slots.cpp, put_back: segment.slot(slot).state.store release -> relaxed", "PutBack"),
        stronger_than_needed(
            "slots.cpp, withdraw: state.load acquire -> relaxed",
            "a slot is only withdrawn after the fence of try_claim(), which acquires what this load saw"),
        stronger_than_needed(
            "slots.cpp, withdraw: state.store release -> relaxed",
            "no reader takes anything from a slot in this state, and the fence of try_claim() comes before "
            "what the writer does to it"),
        breaks("slots.cpp, publish: header.state.store release -> relaxed", "FoundByNumber"),
        breaks("slots.cpp, publish: segment.latest().store release -> relaxed", "Copies"),
        breaks("slots.cpp, latest: segment.latest().load acquire -> relaxed", "Copies"),
        stronger_than_needed(
            "slots.cpp, find_from: segment.slot(slot).state.load acquire -> relaxed",
            "lease() and is_complete() load the state again, with acquire, before anything else is read"),
        breaks("slots.cpp, lease: std::atomic_thread_fence seq_cst -> acq_rel", "TwoLeases"),
        breaks("slots.cpp, lease: segment.slot(place.slot).state.load acquire -> relaxed",
               "PlaceFromElsewhere"),
        breaks("slots.cpp, release: entry.lease.compare_exchange_weak release -> relaxed", "Newest"),
        stronger_than_needed(
            "slots.cpp, enter_generation: entry.lease.store release -> relaxed",
            "in a segment that is not announced any more no slot is claimed again, so nobody waits for "
            "the reads in it"),
        breaks("slots.cpp, is_unchanged: std::atomic_thread_fence acquire -> relaxed", "Copies"),
        breaks("slots.cpp, is_complete: segment.slot(place.slot).state.load acquire -> relaxed",
               "CopyFromElsewhere"),

        // ---- reader_table.cpp
        breaks("reader_table.cpp, clear: entry.lease.store release -> relaxed", "HandedOver"),
        breaks("reader_table.cpp, notify: table.released.fetch_add release -> relaxed", "WaitsForLeaver"),
        breaks("reader_table.cpp, notify_waiting: std::atomic_thread_fence seq_cst -> acq_rel",
               "WaitsForSuspended"),
        stronger_than_needed(
            "reader_table.cpp, reclaim_dead: words().active.load acquire -> relaxed",
            "an entry is only touched under the lock of its byte, and the kernel orders who had that lock"),
        breaks("reader_table.cpp, reclaim_dead: words().active.fetch_and release -> relaxed",
               "AnotherReclaims"),
        stronger_than_needed("reader_table.cpp, count_live: words().active.load acquire -> relaxed",
                             "it asks the kernel for locks, and reads nothing of the entries"),
        breaks("reader_table.cpp, live: words().active.load acquire -> relaxed", "Shown"),
        breaks("reader_table.cpp, announce: table().active.fetch_or release -> relaxed", "Shown"),
        breaks("reader_table.cpp, announce: std::atomic_thread_fence seq_cst -> acq_rel", "Joins"),
        breaks("reader_table.cpp, ~ReaderSession: table().active.fetch_and release -> relaxed", "HandedOver"),

        // ---- control.hpp, control.cpp
        breaks("control.hpp, state: words().state.load acquire -> relaxed", "End"),
        breaks("control.cpp, tell_of_end: file.state.store release -> relaxed", "LeftBySignal"),
        breaks("control.cpp, tell_of_end: file.generation.store release -> relaxed", "LeftBySignal"),
        breaks("control.cpp, tell_of_end: file.wake.fetch_add release -> relaxed", "LeftBySignal", 3),
        stronger_than_needed(
            "control.cpp, take_existing: owner.words().state.load acquire -> relaxed",
            "with the lock, the kernel orders it after all that the last writer did; without, it only "
            "decides whether to try again"),
        breaks("control.cpp, take_existing: owner.words().state.store release -> relaxed", "UsedUp"),
        stronger_than_needed(
            "control.cpp, start: file.state.store release -> relaxed",
            "the bump of the epoch behind it releases as well, and nothing follows from this state alone"),
        breaks("control.cpp, start: file.epoch.fetch_add release -> relaxed", "TakenOver"),
        breaks("control.cpp, wake_readers: words().wake.fetch_add release -> relaxed", "NextSegment"),
        breaks("control.cpp, announce: file.generation.store release -> relaxed", "LeftByAnnouncement"),
        breaks("control.cpp, announce: std::atomic_thread_fence release -> relaxed", "Announcements"),
        breaks("control.cpp, announce: file.generation.store (2) release -> relaxed", "Announcements"),
        breaks("control.cpp, announcement: file.generation.load acquire -> relaxed", "Announcements"),
        breaks("control.cpp, announcement: std::atomic_thread_fence acquire -> relaxed", "Announcements"),
        breaks("control.cpp, announcement: file.generation.load (2) acquire -> relaxed",
               "LeftByAnnouncement"),

        // ---- segment.hpp, segment.cpp
        breaks("segment.hpp, ready: header().ready.load acquire -> relaxed", "MoreSlots"),
        breaks("segment.cpp, reserve_another: header().ready.store release -> relaxed", "MoreSlots"),

        // ---- writer_segment.cpp
        breaks("writer_segment.cpp, give_back: out_.fetch_and seq_cst -> acq_rel", "OutWhileWithdrawn"),
        breaks("writer_segment.cpp, give_back: to_be_freed_.load seq_cst -> acq_rel", "OutWhileWithdrawn"),
        breaks("writer_segment.cpp, free_withdrawn: to_be_freed_.store seq_cst -> acq_rel",
               "OutWhileWithdrawn"),
        breaks("writer_segment.cpp, free_withdrawn: out_.load seq_cst -> acq_rel", "OutWhileWithdrawn"),

        // ---- wait_for_readers.hpp
        stronger_than_needed(
            "wait_for_readers.hpp, until: now->words().released.load acquire -> relaxed",
            "the fence behind it acquires what this load saw, before ready() looks at anything"),
        breaks("wait_for_readers.hpp, until: std::atomic_thread_fence seq_cst -> acq_rel",
               "WaitsForSuspended"),
    };
    return verdicts;
}

}  // namespace ndsharray::model
