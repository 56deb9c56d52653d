// SPDX-License-Identifier: BSD-3-Clause
// Every frame, in order: a writer with backpressure, readers that take each frame, and both kinds of waiting. Readers
// come when they like; one may die at any step. Two slots, FRAMES frames, after which all go home: whoever sleeps for
// ever is an invalid end state.
//
// Writer: acquire(), publish(), drain(), ReleaseWait::until(); slots: claim() with its first look, find_from(),
// lease(); Channel: join(), next_frame(); Reader: count(); ReaderSession: announce(), notify_released(); TableOwner:
// reclaim_dead().
//
// A futex word counts only in that it has changed since its waiter looked at it, so its increment is a store to a place
// of its own that clears a flag of the waiter. The writer's look for dead readers every 100 ms is taken only after a
// death, so that it cannot make up for a wake-up that was lost.

#ifndef READERS
#define READERS 1
#endif
#ifndef FRAMES
#define FRAMES 3
#endif
#define WRITER READERS
#define PROCESSES (READERS + 1)
#define DEPTH 5

#define STATE(slot) (slot)
#define LATEST 2
#define PUBLISHED 3
#define WAKE 4
#define RELEASED 5
#define WRITER_WAITING 6
#define LEASE(reader) (7 + (reader))
#define CURSOR(reader) (9 + (reader))
#define ACTIVE(reader) (11 + (reader))
#define LOCATIONS 13

#define BIT(slot) (1 << (slot))
#define PACKED(frame, slot) ((frame) * 2 + (slot))
#define NONE 7

// Of the readers and the writer: whether the futex word is what it was, and who sleeps on it.
bool unchanged[PROCESSES];
bool asleep[PROCESSES];

bool alive[READERS];
bool somebody_died;
bool mortal;  // somebody may still die; not in every run, else nobody would be seen to sleep for ever
byte leased[READERS];  // the slots of frames that a reader has, as bits

#include "memory.pml"

inline when_stored(where, what) {
    if
    :: where == WAKE ->
        unchanged[0] = false;
        unchanged[READERS - 1] = false
    :: where == RELEASED -> unchanged[WRITER] = false
    :: where <= STATE(1) && what % 2 == 0 && what / 2 > memory[LATEST] / 2 ->
        PROMISE(a leased slot is never written, ((leased[0] | leased[READERS - 1]) & BIT(where)) == 0)
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
        mortal -> \
        all_come_out(self); \
        alive[self] = false; \
        somebody_died = true; mortal = false; \
        unchanged[self] = false; asleep[self] = false; \
        leased[self] = 0; kept = NONE; \
        wanted = 0; missed_from = 0; newest = 0; place = 0; seen = 0 \
    }; \
    goto gone

#ifdef NO_NOTIFY_FENCE
#define NOTIFY_FENCE room(self, 1)
#else
#define NOTIFY_FENCE all_stored(self)
#endif

// Wakes the writer if it waits. The system call is a full fence.
inline notify_if_waiting() {
    if
    :: d_step { NOTIFY_FENCE -> load(self, WRITER_WAITING, seen) }
    OR_DIE
    fi;
    if
    :: seen == 0
    :: seen != 0 -> notify()
    fi
}

inline notify() {
    if
    :: d_step { room(self, 1) -> store(self, RELEASED, 1, RELEASE); seen = 0 }
    OR_DIE
    fi;
    if
    :: d_step { all_stored(self) -> asleep[WRITER] = false }
    OR_DIE
    fi
}

proctype reader(byte self) {
    byte wanted, missed_from, newest, place, seen;
    byte kept = NONE;  // the slot of the frame taken last

    // join()
    if
    :: d_step {
        wanted = (memory[PUBLISHED] > 1 -> memory[PUBLISHED] : 1);
        alive[self] = true
    }
    fi;
    if
    :: d_step {
#ifdef ACTIVE_BEFORE_CURSOR
        store(self, ACTIVE(self), 1, RELEASE);
        store(self, CURSOR(self), wanted, RELEASE)
#else
        store(self, CURSOR(self), wanted, RELAXED);
        store(self, ACTIVE(self), 1, RELEASE)
#endif
    }
    OR_DIE
    fi;
    if
    :: d_step {
#ifdef NO_JOIN_FENCE
        room(self, 1) ->
#else
        all_stored(self) ->
#endif
        store(self, RELEASED, 1, RELEASE);
#ifdef NO_JOIN_FENCE
        missed_from = memory[PUBLISHED] + 1
#endif
    }
    OR_DIE
    fi;
    if
    :: d_step { all_stored(self) -> asleep[WRITER] = false }
    OR_DIE
    fi;
    if
    :: d_step {
        missed_from = (missed_from == 0 -> memory[PUBLISHED] + 1 : missed_from)
    }
    OR_DIE
    fi;

look:
    do
    :: kept != NONE -> goto let_go
    :: wanted <= FRAMES ->
        if
        :: d_step {
#ifdef READER_LOOKS_BEFORE_SNAPSHOT
            newest = memory[LATEST] / 2
#else
            unchanged[self] = true
#endif
        }
        OR_DIE
        fi;
        if
        :: d_step {
#ifdef READER_LOOKS_BEFORE_SNAPSHOT
            unchanged[self] = true
#else
            newest = memory[LATEST] / 2
#endif
        }
        OR_DIE
        fi;
        if
        :: newest < wanted && kept != NONE -> goto let_go  // who waits holds nothing back
        :: newest < wanted && kept == NONE ->
            if
            :: d_step { unchanged[self] -> asleep[self] = true }
            :: d_step { !unchanged[self] -> skip }
            OR_DIE
            fi;
            if
            :: !asleep[self]
            OR_DIE
            fi
        :: newest >= wanted ->
            // find_from(): the oldest complete frame from `wanted` on, in `place` as PACKED
            if
            :: d_step {
                seen = memory[STATE(0)];
                place = (seen % 2 == 0 && seen / 2 >= wanted && seen / 2 <= newest -> PACKED(seen / 2, 0) : 0);
                seen = 0
            }
            OR_DIE
            fi;
            if
            :: d_step {
                room(self, 2) ->
                seen = memory[STATE(1)];
                if
                :: seen % 2 == 0 && seen / 2 >= wanted && seen / 2 <= newest &&
                   (place == 0 || seen / 2 < place / 2) -> place = PACKED(seen / 2, 1)
                :: else
                fi;
                seen = 0;
                newest = 0;
                if
                :: place != 0 ->
#ifdef CURSOR_BEFORE_LEASE
                    store(self, CURSOR(self), place / 2 + 1, RELEASE);
#endif
                    store(self, LEASE(self), leased[self] | BIT(place % 2), RELAXED)
                :: else
                fi
            }
            OR_DIE
            fi;
            if
            :: place == 0
            :: place != 0 -> break
            fi
        fi
    :: wanted > FRAMES && kept == NONE -> goto leave
    od;

    if
    :: d_step {
        all_stored(self) && room(self, 1) ->
        if
        :: memory[STATE(place % 2)] == place / 2 * 2 ->
            leased[self] = leased[self] | BIT(place % 2);
            PROMISE(no frame is missed, place / 2 <= wanted || place / 2 <= missed_from);
            wanted = place / 2 + 1;
            store(self, CURSOR(self), wanted, RELEASE)
        :: else ->
            store(self, LEASE(self), leased[self], RELEASE);
            place = 0
        fi
    }
    OR_DIE
    fi;
    notify_if_waiting();
    if
    :: place == 0 -> goto look
    :: place != 0 && kept == NONE -> kept = place % 2; place = 0; goto look
    :: place != 0 && kept != NONE -> goto let_go  // of the one before
    fi;

let_go:
    if
    :: d_step {
        room(self, 1) ->
        leased[self] = leased[self] & (3 - BIT(kept));
        store(self, LEASE(self), leased[self], RELEASE);
        kept = (place == 0 -> NONE : place % 2);
        place = 0
    }
    OR_DIE
    fi;
    notify_if_waiting();
    goto look;

leave:
    if
    :: d_step { room(self, 1) -> store(self, ACTIVE(self), 0, RELEASE) }
    OR_DIE
    fi;
    if
    :: d_step { all_stored(self) -> alive[self] = false }
    OR_DIE
    fi;
    notify();
    d_step { wanted = 0; missed_from = 0; newest = 0 };
    goto gone;
gone:
end:
    false
}

// ---- the writer

// What readers hold: bits of slots and, in `floor`, the lowest frame that one still wants.
inline look_at(entry) {
    d_step { seen = memory[ACTIVE(entry)] };
    if
    :: seen == 0
    :: seen == 1 ->
        held = held | memory[LEASE(entry)];
        d_step {
            floor = (memory[CURSOR(entry)] < floor -> memory[CURSOR(entry)] : floor);
            seen = 0
        }
    fi
}

inline look_at_readers() {
    d_step { held = 0; floor = NONE };
    look_at(0)
#if READERS == 2
    ;
    look_at(1)
#endif
}

#ifdef NO_BACKPRESSURE
#define IS_WANTED(frame) false
#else
#define IS_WANTED(frame) (frame) >= floor
#endif

// Claims the slot that is not the newest frame's, if nobody holds it: then `claimed`.
inline claim() {
    look_at_readers();
    d_step { load(WRITER, STATE(slot), before) };
    if
    :: (held & BIT(slot)) != 0 || IS_WANTED(before / 2) -> skip
    :: else ->
        d_step { room(WRITER, 1) -> store(WRITER, STATE(slot), before + 1, RELAXED) };
#ifndef NO_WRITER_FENCE
        all_stored(WRITER);
#endif
        look_at_readers();
        d_step {
            room(WRITER, 1) ->
            if
            :: (held & BIT(slot)) != 0 || IS_WANTED(before / 2) ->
                store(WRITER, STATE(slot), before, RELEASE)
            :: else -> claimed = true
            fi
        }
    fi;
    d_step { held = 0; floor = 0; before = 0 }
}

inline drained() {
    look_at_readers();
    d_step { claimed = floor > FRAMES; held = 0; floor = 0 }
}

#ifdef NO_WAIT_FENCE
#define WAIT_FENCE true
#else
#define WAIT_FENCE all_stored(WRITER)
#endif

inline reclaim(entry) {
    if
    :: d_step {
        memory[ACTIVE(entry)] == 1 && !alive[entry] && room(WRITER, 2) ->
        store(WRITER, LEASE(entry), 0, RELAXED);
        store(WRITER, ACTIVE(entry), 0, RELEASE)
    }
    :: memory[ACTIVE(entry)] == 0 || alive[entry]
    fi
}

inline sleep() {
    if
    :: d_step { unchanged[WRITER] -> asleep[WRITER] = true }
    :: !unchanged[WRITER]
    fi;
    if
    :: !asleep[WRITER]
#ifndef NO_LOOK_FOR_DEATH
    :: timeout && somebody_died -> asleep[WRITER] = false
#endif
    fi;
    reclaim(0)
#if READERS == 2
    ;
    reclaim(1)
#endif
}

proctype writer() {
    byte slot, before, held, floor, seen;
    byte number = 1;
    bool claimed;
    do
    :: number <= FRAMES ->
        do
        :: claimed -> break
        :: !claimed ->
#ifdef WRITER_LOOKS_BEFORE_SNAPSHOT
            claim();
#endif
            unchanged[WRITER] = true;
            d_step { room(WRITER, 1) -> store(WRITER, WRITER_WAITING, 1, RELAXED) };
            WAIT_FENCE;
#ifndef WRITER_LOOKS_BEFORE_SNAPSHOT
            claim();
#endif
            if
            :: claimed
            :: !claimed -> sleep()
            fi
        od;
        unchanged[WRITER] = false;
        d_step { room(WRITER, 1) -> store(WRITER, WRITER_WAITING, 0, RELAXED) };
        d_step { room(WRITER, 1) -> store(WRITER, PUBLISHED, number, RELAXED) };
        d_step { room(WRITER, 1) -> store(WRITER, STATE(slot), 2 * number, RELEASE) };
#ifdef WAKE_BEFORE_LATEST
        d_step { room(WRITER, 1) -> store(WRITER, WAKE, 1, RELEASE) };
        d_step { all_stored(WRITER) -> asleep[0] = false; asleep[READERS - 1] = false };
        d_step { room(WRITER, 1) -> store(WRITER, LATEST, PACKED(number, slot), RELEASE) };
#else
        d_step { room(WRITER, 1) -> store(WRITER, LATEST, PACKED(number, slot), RELEASE) };
        d_step { room(WRITER, 1) -> store(WRITER, WAKE, 1, RELEASE) };
        d_step { all_stored(WRITER) -> asleep[0] = false; asleep[READERS - 1] = false };
#endif
        d_step { claimed = false; slot = 1 - slot; number++ }
    :: number > FRAMES -> break
    od;
    // drain()
    do
    :: claimed -> break
    :: !claimed ->
        unchanged[WRITER] = true;
        d_step { room(WRITER, 1) -> store(WRITER, WRITER_WAITING, 1, RELAXED) };
        WAIT_FENCE;
        drained();
        if
        :: claimed
        :: !claimed -> sleep()
        fi
    od;
end:
    false
}

init {
    atomic {
        if
        :: mortal = true
        :: mortal = false
        fi;
        run reader(0);
#if READERS == 2
        run reader(1);
#endif
        run writer()
    }
}
