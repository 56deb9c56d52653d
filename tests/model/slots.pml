// SPDX-License-Identifier: BSD-3-Clause
// Claim, fill, publish, lease, release, join, leave by death, reclaim: a writer and its readers share one slot more
// than there are readers; anybody may die at any step, readers come back. Runs without end: frame numbers go round.
//
// slots: claim(), held(), publish(), latest(), lease(), release(); ReaderSession: take_entry(), announce(); TableOwner:
// reclaim_dead(). The bits of `active` are places of their own here: they are only changed by atomic operations that
// nobody looks at the result of.
//
// READERS=1: three frame numbers, pixels in two halves, any free slot. READERS=2: one frame number, one half, the first
// free slot. That frame numbers go round lets a check succeed where it would have failed, after which the reader
// may still let go at once: no less can happen than with numbers without end.

#ifndef READERS
#define READERS 1
#endif
#define SLOTS (READERS + 1)
#define WRITER READERS
#define PROCESSES (READERS + 1)
#define DEPTH 5

#if READERS == 1
#define LAST_FRAME 3
#define ALL_SLOTS 3
#define FREE_BEFORE(slot)
#else
#define LAST_FRAME 1
#define ALL_SLOTS 7
#define FREE_BEFORE(slot) && (tried & BIT(slot)) != 0
#endif

// What is shared: places in `memory`.
#define STATE(slot) (slot)
#define TOP(slot) (SLOTS + (slot))  // the pixels, as two halves that are written one after the other
#define BOTTOM(slot) (2 * SLOTS + (slot))
#define LATEST (3 * SLOTS)
#define LEASE(reader) (3 * SLOTS + 1 + (reader))
#define ACTIVE(reader) (3 * SLOTS + 1 + READERS + (reader))
#define LOCATIONS (3 * SLOTS + 1 + 2 * READERS)

#define BIT(slot) (1 << (slot))
#define PACKED(frame, slot) ((frame) * 4 + (slot))
#define FRAME(place) ((place) / 4)
#define SLOT(place) ((place) % 4)
#define NONE 7

// The lock of each reader's byte.
#define FREE 0
#define LIVES 1
#define RECLAIMED 2
byte lock[READERS];

// What the promises are about.
byte leased[READERS] = NONE;  // the slot of a reader that has passed its check
bool was_dead[READERS];       // when the writer began to reclaim

#include "memory.pml"

inline when_stored(where, what) {
    if
    :: where >= TOP(0) && where < LATEST ->
        PROMISE(a leased slot is never written, leased[0] != (where - TOP(0)) % SLOTS &&
                leased[READERS - 1] != (where - TOP(0)) % SLOTS)
    :: where == LATEST ->
        PROMISE(the newest frame is complete, memory[STATE(SLOT(what))] == 2 * FRAME(what) &&
                memory[TOP(SLOT(what))] == FRAME(what) && memory[BOTTOM(SLOT(what))] == FRAME(what))
    :: else
    fi
}

active proctype processors() {
end:
    do
    STORES_COME_OUT(0)
#if READERS == 2
    STORES_COME_OUT(1)
#endif
    STORES_COME_OUT_DEEP(WRITER)
    od
}

// ---- a reader

#define OR_DIE \
    :: d_step { \
        all_come_out(self); \
        lock[self] = FREE; \
        leased[self] = NONE; \
        place = 0 \
    }; \
    goto out

proctype reader(byte self) {
    byte place, seen;
out:
    if
    :: d_step {
        lock[self] == FREE && room(self, 2) ->
        lock[self] = LIVES;
        was_dead[self] = false;
        store(self, LEASE(self), 0, RELAXED);
#ifndef JOIN_AFTER_LEASE
        store(self, ACTIVE(self), 1, RELEASE)
#endif
    }
    fi;
look:
    if
    :: d_step {
        memory[LATEST] != 0 && room(self, 1) ->
        load(self, LATEST, place);
        store(self, LEASE(self), BIT(SLOT(place)), RELAXED)
    }
    OR_DIE
    fi;
    if
    :: d_step {
#ifdef NO_READER_FENCE
        room(self, 2) ->
#else
        all_stored(self) ->
#endif
        load(self, STATE(SLOT(place)), seen);
        if
#ifdef NO_CHECK
        :: true ->
#else
        :: seen == 2 * FRAME(place) ->
#endif
            leased[self] = SLOT(place);
#ifdef CLEAR_BEFORE_READING
            store(self, LEASE(self), 0, RELEASE);
#endif
#ifdef JOIN_AFTER_LEASE
            store(self, ACTIVE(self), 1, RELEASE)
#endif
#ifndef NO_CHECK
        :: else ->
            PROMISE(who finds no frame finds a newer one, memory[LATEST] != place || !all_stored(WRITER));
            store(self, LEASE(self), 0, RELEASE);
            place = 0
#endif
        fi;
        seen = 0
    }
    OR_DIE
    fi;
    if
    :: place == 0 -> goto look
    :: d_step {
        place != 0 && room(self, 1) ->
        PROMISE(a frame is whole, memory[TOP(SLOT(place))] == FRAME(place) &&
                memory[BOTTOM(SLOT(place))] == FRAME(place));
        leased[self] = NONE;
#ifndef CLEAR_BEFORE_READING
        store(self, LEASE(self), 0, RELEASE);
#endif
        place = 0
    };
        goto look
    OR_DIE
    fi
}

// ---- the writer

#define OR_WRITER_DIES \
    :: d_step { \
        all_come_out(WRITER); \
        lock[0] = (lock[0] == RECLAIMED -> FREE : lock[0]); \
        lock[READERS - 1] = (lock[READERS - 1] == RECLAIMED -> FREE : lock[READERS - 1]); \
        slot = 0; held = 0; tried = 0; newest = 0; frame = 0; \
        was_dead[0] = false; was_dead[READERS - 1] = false \
    }; \
    goto dead

#ifdef RECLAIM_WITHOUT_LOCK
#define MAY_RECLAIM(entry) true
#else
#define MAY_RECLAIM(entry) lock[entry] == FREE
#endif

inline reclaim(entry) {
    if
    :: d_step {
        memory[ACTIVE(entry)] == 1 && MAY_RECLAIM(entry) && room(WRITER, 2) ->
#if !defined(RECLAIM_WITHOUT_LOCK) && !defined(UNLOCK_BEFORE_CLEAR)
        lock[entry] = RECLAIMED;
#endif
        store(WRITER, LEASE(entry), 0, RELAXED);
        store(WRITER, ACTIVE(entry), 0, RELEASE)
    };
        if
        :: d_step {
            all_stored(WRITER) ->
            lock[entry] = (lock[entry] == RECLAIMED -> FREE : lock[entry])
        }
        OR_WRITER_DIES
        fi
    :: memory[ACTIVE(entry)] == 0 || !(MAY_RECLAIM(entry))
    fi
}

#define COMES_BACK(entry) (!was_dead[entry] || (memory[LEASE(entry)] == 0 && memory[ACTIVE(entry)] == 0))

#ifdef CLAIM_LATEST
#define UNTRIED 0
#else
#define UNTRIED (newest == NONE -> 0 : BIT(newest))
#endif

// Looks at the leases into `held`: at all of `active` first, whose second bit is kept in bit 4 for the next step.
#define LEASE_OF_FIRST (memory[ACTIVE(0)] == 1 -> memory[LEASE(0)] : 0)
#if READERS == 1
#define LOOK_AT_FIRST held = LEASE_OF_FIRST
#define LOOK_AT_SECOND
#else
#define LOOK_AT_FIRST held = LEASE_OF_FIRST + (memory[ACTIVE(1)] << 4)
#define LOOK_AT_SECOND held = (held < 16 -> held : ((held - 16) | memory[LEASE(1)]))
#endif

proctype writer() {
    byte slot, held, tried, frame, newest;
    d_step { newest = NONE; frame = 1 }
    do
    :: tried != ALL_SLOTS ->
        atomic {
            room(WRITER, 1) ->
            // Which slot is only a matter of speed, so any will do that is not the newest.
            if
            :: (tried & BIT(0)) == 0 -> slot = 0
            :: (tried & BIT(1)) == 0 FREE_BEFORE(0) -> slot = 1
#if READERS == 2
            :: (tried & BIT(2)) == 0 FREE_BEFORE(0) FREE_BEFORE(1) -> slot = 2
#endif
            fi;
            d_step {
                load(WRITER, STATE(slot), held);
#ifndef LOOK_BEFORE_CLAIM
                store(WRITER, STATE(slot), held + 1, RELAXED)
#endif
            }
        }
        if
        :: d_step {
#if !defined(NO_WRITER_FENCE)
            all_stored(WRITER) ->
#endif
            LOOK_AT_FIRST
        }
        OR_WRITER_DIES
        fi;
        if
        :: d_step {
            room(WRITER, 3) ->
            LOOK_AT_SECOND;
#ifdef LOOK_BEFORE_CLAIM
            if
            :: (held & BIT(slot)) == 0 -> store(WRITER, STATE(slot), 1, RELAXED)
            :: else -> store(WRITER, STATE(slot), memory[STATE(slot)] + 1, RELAXED)
            fi;
#endif
            if
            :: (held & BIT(slot)) == 0 ->
#if READERS == 1
                store(WRITER, TOP(slot), frame, RELAXED);
#else
                memory[TOP(slot)] = frame;
#endif
                store(WRITER, BOTTOM(slot), frame, RELAXED);
                held = 0
            :: else ->
                load(WRITER, STATE(slot), held);
                store(WRITER, STATE(slot), held - 1, RELEASE);
                tried = tried | BIT(slot);
                held = 1  // put back
            fi
        }
        OR_WRITER_DIES
        fi;
        if
        :: held == 1
        :: held == 0 ->
            if
            :: d_step {
                room(WRITER, 1) ->
#if defined(LATEST_BEFORE_STATE)
                store(WRITER, LATEST, PACKED(frame, slot), RELEASE)
#elif defined(STATE_RELAXED)
                store(WRITER, STATE(slot), 2 * frame, RELAXED)
#else
                store(WRITER, STATE(slot), 2 * frame, RELEASE)
#endif
            }
            OR_WRITER_DIES
            fi;
            if
            :: d_step {
                room(WRITER, 1) ->
#ifdef LATEST_BEFORE_STATE
                store(WRITER, STATE(slot), 2 * frame, RELEASE);
#else
                store(WRITER, LATEST, PACKED(frame, slot), RELEASE);
#endif
                newest = slot;
                frame = frame % LAST_FRAME + 1;
                tried = UNTRIED
            }
            OR_WRITER_DIES
            fi
        fi;
        d_step { slot = 0; held = 0 }
    :: tried == ALL_SLOTS ->
        d_step {
            was_dead[0] = lock[0] == FREE;
            was_dead[READERS - 1] = lock[READERS - 1] == FREE
        };
#ifndef NO_RECLAIM
        reclaim(0);
#if READERS == 2
        reclaim(1);
#endif
#endif
        d_step {
            PROMISE(the slot of a dead reader comes back, COMES_BACK(0) && COMES_BACK(READERS - 1));
            was_dead[0] = false;
            was_dead[READERS - 1] = false;
            tried = UNTRIED
        }
    od;
dead:
    false
}

init {
    atomic {
        run reader(0);
#if READERS == 2
        run reader(1);
#endif
        run writer()
    }
}
