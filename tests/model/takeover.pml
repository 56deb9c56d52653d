// SPDX-License-Identifier: BSD-3-Clause
// A writer that changes its segment, dies at any step and is succeeded; a reader that moves along while it keeps a
// frame of an older segment. Up to two segments of two slots, two lives of the writer, four frames.
//
// ControlOwner: announce(), take_existing(); ControlView: announcement(); Writer: configure(), publish(); slots:
// claim(), release(), enter_generation(); Channel: take(). Each segment has an own name and its generation inside, as
// its file has.

#define SEGMENTS 2
#define FRAMES 4
#define LIVES 2
#define READER 0
#define WRITER 1
#define PROCESSES 2
#define DEPTH 5

// A slot in one of the segments: 2 * segment + slot; segments count from 1, so that 0 is none.
#define STATE(place) (place)
#define PIXELS(place) (8 + (place))
#define LATEST(segment) (16 + (segment))
#define GENERATION 20
#define SEGMENT_ID 21
#define LAST_GENERATION 22
#define PUBLISHED 23
#define LEASE 24  // generation * 4 + a bit per slot
#define LOCATIONS 25

#define PLACE(segment, slot) (2 * (segment) + (slot))
#define PACKED(frame, slot) ((frame) * 2 + (slot))
#define BIT(slot) (1 << (slot))

byte generation_in[SEGMENTS + 1];  // what each file says of itself
byte kept[2];                      // the places of the frames that the reader has leased
byte last_taken;

#include "memory.pml"

inline when_stored(where, what) {
    if
    :: where >= PIXELS(0) && where < LATEST(0) ->
        PROMISE(a leased slot is never written, kept[0] != where - PIXELS(0) && kept[1] != where - PIXELS(0))
    :: else
    fi
}

active proctype processors() {
end:
    do
    STORES_COME_OUT(READER)
    STORES_COME_OUT_DEEP(WRITER)
    od
}

// ---- the reader

#define SEGMENT_OF(place) ((place) / 2)
#define SLOT_OF(place) ((place) % 2)

#ifdef RELEASE_ANY_GENERATION
#define IS_OF_WORD(place) true
#else
#define IS_OF_WORD(place) word / 4 == generation_in[SEGMENT_OF(place)]
#endif

inline let_go(i) {
    load(READER, LEASE, word);
    if
    :: IS_OF_WORD(kept[i]) && (word & BIT(SLOT_OF(kept[i]))) != 0 ->
        store(READER, LEASE, word - BIT(SLOT_OF(kept[i])), RELEASE)
    :: else
    fi;
    kept[i] = 0;
    word = 0
}

proctype reader() {
    byte before, id, after, segment, place, word, newest;
end:
    do
    :: // see what is announced
        before = memory[GENERATION];
#ifdef NO_ANNOUNCEMENT_ACQUIRE
        after = memory[GENERATION];
        id = memory[SEGMENT_ID];
#else
        id = memory[SEGMENT_ID];
        after = memory[GENERATION];
#endif
        d_step {
            if
            :: before == after && after != 0 ->
                PROMISE(an announcement is whole, generation_in[id] == after);
                if
                :: segment == 0 || generation_in[segment] != after ->
                    segment = id;
                    store(READER, LEASE, after * 4, RELEASE)
                :: else ->
                    PROMISE(a new segment has a new generation, segment == id)
                fi
            :: else
            fi;
            before = 0; id = 0; after = 0
        }
    :: d_step {  // take the newest frame
        segment != 0 && (kept[0] == 0 || kept[1] == 0) && memory[LATEST(segment)] / 2 > last_taken &&
        room(READER, 1) ->
        newest = memory[LATEST(segment)];
        place = PLACE(segment, newest % 2);
        load(READER, LEASE, word);
        store(READER, LEASE, word | BIT(newest % 2), RELAXED)
    };
        d_step {
            all_stored(READER) ->
            if
            :: memory[STATE(place)] == newest / 2 * 2 ->
                PROMISE(a frame is whole, memory[PIXELS(place)] == newest / 2);
                last_taken = newest / 2;
                if
                :: kept[0] == 0 -> kept[0] = place
                :: else -> kept[1] = place
                fi
            :: else -> store(READER, LEASE, word, RELEASE)
            fi;
            place = 0; word = 0; newest = 0
        }
    :: d_step { kept[0] != 0 && room(READER, 1) -> let_go(0) }
    :: d_step { kept[1] != 0 && room(READER, 1) -> let_go(1) }
    od
}

// ---- the writer and its successor

#define OR_DIE \
    :: d_step { \
        all_come_out(WRITER); \
        life++; \
        slot = 0; word = 0; segment = 0; generation = 0; number = 0; newest = 0; announced = false \
    }; \
    goto born

// A seqlock. What follows its release fence is taken to be in order but for LAST_GENERATION, which may come early.
inline announce(new_generation, new_segment) {
    if
    :: d_step {
        room(WRITER, 2) ->
        store(WRITER, GENERATION, 0, RELAXED);
#ifdef NO_ANNOUNCEMENT_FENCE
        store(WRITER, SEGMENT_ID, new_segment, RELAXED)
#else
        store(WRITER, SEGMENT_ID, new_segment, RELEASE)
#endif
    }
    OR_DIE
    fi;
    if
    :: d_step {
        room(WRITER, 2) ->
        if
        :: new_generation != 0 -> store(WRITER, LAST_GENERATION, new_generation, RELAXED)
        :: else
        fi;
        store(WRITER, GENERATION, new_generation, RELEASE)
    }
    OR_DIE
    fi
}

#ifdef SUCCESSOR_KEEPS_GENERATION
#define FRESH_GENERATION (life == 1 && segment == 0 -> generation : generation + 1)
#else
#define FRESH_GENERATION (generation + 1)
#endif

proctype writer() {
    byte life, made;
    byte segment, generation, slot, word, number, newest;
    bool announced;
born:
    if
    :: life == LIVES -> goto gone
    :: life < LIVES
    fi;
    announce(0, 0);
    d_step {
        load(WRITER, LAST_GENERATION, generation);
        load(WRITER, PUBLISHED, number)
    }
    do
    :: d_step {  // a new layout
        made < SEGMENTS && (segment == 0 || announced) ->
        generation = FRESH_GENERATION;
        made++;
        segment = made;
        generation_in[segment] = generation;
        announced = false;
        newest = 2
    }
    :: d_step {  // a frame
        segment != 0 && number < FRAMES && room(WRITER, 1) ->
        slot = (newest == 0 -> 1 : 0);
        load(WRITER, STATE(PLACE(segment, slot)), word);
        store(WRITER, STATE(PLACE(segment, slot)), word + 1, RELAXED)
    };
        if
        :: d_step {
            all_stored(WRITER) ->
            if
            :: memory[LEASE] / 4 == generation && (memory[LEASE] & BIT(slot)) != 0 ->
                store(WRITER, STATE(PLACE(segment, slot)), word, RELEASE);
                slot = 2
            :: else ->
                number++;
                PROMISE(frame numbers never repeat, number > last_taken);
                store(WRITER, PIXELS(PLACE(segment, slot)), number, RELAXED);
#ifndef LATEST_BEFORE_PUBLISHED
                store(WRITER, PUBLISHED, number, RELAXED)
#endif
            fi;
            word = 0
        }
        OR_DIE
        fi;
        if
        :: slot == 2 -> slot = 0
        :: slot < 2 ->
            if
            :: d_step { room(WRITER, 1) -> store(WRITER, STATE(PLACE(segment, slot)), 2 * number, RELEASE) }
            OR_DIE
            fi;
            if
            :: d_step {
                room(WRITER, 1) ->
                store(WRITER, LATEST(segment), PACKED(number, slot), RELEASE);
                newest = slot;
                slot = 0
            }
            OR_DIE
            fi;
#ifdef LATEST_BEFORE_PUBLISHED
            if
            :: d_step { room(WRITER, 1) -> store(WRITER, PUBLISHED, number, RELAXED) }
            OR_DIE
            fi;
#endif
            if
            :: announced
            :: !announced -> announce(generation, segment); announced = true
            fi
        fi
    :: d_step { life < LIVES -> skip } ->
        if
        OR_DIE
        fi
    od;
gone:
end:
    false
}

init {
    atomic {
        run reader();
        run writer()
    }
}
