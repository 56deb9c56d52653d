// SPDX-License-Identifier: BSD-3-Clause
// A reader that copies without a lease, and the writer that does not know of it: a seqlock. Two slots, so that the
// writer goes over what is being copied. The writer may die at any step.
//
// slots: claim(), publish(), is_complete(), is_unchanged(); SegmentSource: take() without a session. What no acquire
// keeps apart, the reader loads in any order.

#define SLOTS 2
#define READER 0
#define WRITER 1
#define PROCESSES 2
#define DEPTH 5
#define FRAMES 4

#define STATE(slot) (slot)
#define TOP(slot) (2 + (slot))
#define BOTTOM(slot) (4 + (slot))
#define LATEST 6
#define LOCATIONS 7

#define PACKED(frame, slot) ((frame) * 4 + (slot))
#define FRAME(place) ((place) / 4)
#define SLOT(place) ((place) % 4)

#include "memory.pml"

inline when_stored(where, what) {
    skip
}

active proctype processors() {
end:
    do
    STORES_COME_OUT_DEEP(WRITER)
    od
}

proctype reader() {
    byte place, before, top, bottom, after;
    byte to_load;  // pixels and the second look at the state that are not loaded yet, as bits in this order
end:
    do
    :: atomic {
        if
        :: memory[LATEST] != 0 -> place = memory[LATEST]
        :: memory[STATE(0)] != 0 && memory[STATE(0)] % 2 == 0 -> place = PACKED(memory[STATE(0)] / 2, 0)
        :: memory[STATE(1)] != 0 && memory[STATE(1)] % 2 == 0 -> place = PACKED(memory[STATE(1)] / 2, 1)
        fi;
        to_load = 7
    }
        before = memory[STATE(SLOT(place))];
        do
        :: d_step { (to_load & 1) != 0 -> top = memory[TOP(SLOT(place))]; to_load = to_load - 1 }
        :: d_step { (to_load & 2) != 0 -> bottom = memory[BOTTOM(SLOT(place))]; to_load = to_load - 2 }
        :: d_step {
#ifdef NO_READER_FENCE
            (to_load & 4) != 0 ->
#else
            to_load == 4 ->
#endif
            after = memory[STATE(SLOT(place))];
            to_load = to_load - 4
        }
        :: d_step {
            to_load == 0 ->
#ifdef NO_SECOND_LOOK
            after = before;
#endif
            if
            :: before == 2 * FRAME(place) && after == before ->
                PROMISE(a copy is whole, top == FRAME(place) && bottom == FRAME(place))
            :: else
            fi;
            place = 0; before = 0; top = 0; bottom = 0; after = 0
        };
            break
        od
    od
}

#define OR_DIE :: d_step { all_come_out(WRITER); slot = 0; old = 0; frame = 0 }; goto dead

proctype writer() {
    byte slot, old;
    byte frame = 1;
    do
    :: frame <= FRAMES ->
        if
        :: d_step {
            room(WRITER, 1) ->
            load(WRITER, STATE(slot), old);
            store(WRITER, STATE(slot), old + 1, RELAXED)
        }
        OR_DIE
        fi;
        if
        :: d_step {
#ifndef NO_WRITER_FENCE
            all_stored(WRITER) &&
#endif
            room(WRITER, 1) ->
            store(WRITER, TOP(slot), frame, RELAXED)
        }
        :: d_step {  // a reader holds the slot: it is put back
            all_stored(WRITER) ->
            store(WRITER, STATE(slot), old, RELEASE)
        };
            goto next
        OR_DIE
        fi;
        if
        :: d_step { room(WRITER, 1) -> store(WRITER, BOTTOM(slot), frame, RELAXED) }
        OR_DIE
        fi;
        if
        :: d_step {
            room(WRITER, 1) ->
#ifdef STATE_RELAXED
            store(WRITER, STATE(slot), 2 * frame, RELAXED)
#else
            store(WRITER, STATE(slot), 2 * frame, RELEASE)
#endif
        }
        OR_DIE
        fi;
        if
        :: d_step { room(WRITER, 1) -> store(WRITER, LATEST, PACKED(frame, slot), RELEASE); frame++ }
        OR_DIE
        fi;
        slot = 1 - slot;
next:
        old = 0
    :: frame > FRAMES -> break
    od;
dead:
end:
    false
}

init {
    atomic {
        run reader();
        run writer()
    }
}
