// SPDX-License-Identifier: BSD-3-Clause
// Two readers that each would keep a frame where only one may: three slots less the two that are the writer's. Whoever
// counts too many leases copies and lets go.
//
// slots: lease(), may_stay_leased(); SegmentSource: take().

#define SLOTS 3
#define PROCESSES 2
#define DEPTH 3

#define LEASE(reader) (reader)
#define LOCATIONS 2

#define BIT(slot) (1 << (slot))
#define LEFT_TO_WRITER 2
#define BITS(word) (((word) & 1) + ((word) / 2 & 1) + ((word) / 4 & 1))

byte kept[2];  // the slots that a reader keeps, as bits

#include "memory.pml"

inline when_stored(where, what) {
    skip
}

active proctype processors() {
end:
    do
    STORES_COME_OUT(0)
    STORES_COME_OUT(1)
    od
}

proctype reader(byte self) {
    byte slot, others, count;
    do
    :: atomic {
        room(self, 1) ->
        if
        :: slot = 0
        :: slot = 1
        :: slot = 2
        fi;
        d_step {
#ifdef COUNT_BEFORE_LEASE
            count = BITS(BIT(slot) | memory[LEASE(1 - self)]);
#endif
            store(self, LEASE(self), BIT(slot), RELAXED)
        }
    }
        d_step {
#ifdef NO_READER_FENCE
            room(self, 1) ->
#else
            all_stored(self) ->
#endif
#ifndef COUNT_BEFORE_LEASE
            count = BITS(BIT(slot) | memory[LEASE(1 - self)]);
#endif
            if
            :: count + LEFT_TO_WRITER <= SLOTS -> kept[self] = BIT(slot)
            :: else
            fi;
            PROMISE(readers leave the writer two slots, BITS(kept[0] | kept[1]) + LEFT_TO_WRITER <= SLOTS)
        };
        d_step {  // held as long as it likes
            room(self, 1) ->
            kept[self] = 0;
            store(self, LEASE(self), 0, RELEASE);
            slot = 0; count = 0
        }
    od
}

init {
    atomic {
        run reader(0);
        run reader(1)
    }
}
