// SPDX-License-Identifier: BSD-3-Clause
// Shared memory as processors show it to each other: a store waits in a buffer of its process and comes out later,
// relaxed ones in any order. README.md says which memory orders of C++ this stands for.
//
// A model defines LOCATIONS, PROCESSES, DEPTH and the inline `when_stored(where, what)`, which is run whenever a store
// becomes visible. A step of a process is one d_step: some loads and stores, at most one of them seen by others.

#define RELAXED false
#define RELEASE true

typedef Pending {
    byte where;
    byte what;
    bool release
};
typedef Buffer {
    Pending entry[DEPTH];
    byte count
};

byte memory[LOCATIONS];
Buffer buffer[PROCESSES];

hidden byte m_i;  // hidden: of no meaning from one step to the next
hidden byte m_at;
hidden byte m_value;

// To be used within d_steps, like all that follows. A step that stores waits first until there is room.
#define room(process, stores) (buffer[process].count + (stores) <= DEPTH)

inline store(process, location, value, order) {
    m_i = buffer[process].count;
    buffer[process].entry[m_i].where = location;
    buffer[process].entry[m_i].what = value;
    buffer[process].entry[m_i].release = order;
    buffer[process].count++
}

// A process sees its own stores at once.
inline load(process, location, into) {
    into = memory[location];
    m_i = 0;
    do
    :: m_i < buffer[process].count ->
        if
        :: buffer[process].entry[m_i].where == (location) -> into = buffer[process].entry[m_i].what
        :: else
        fi;
        m_i++
    :: else -> break
    od;
    m_i = 0
}

// What a sequentially consistent fence waits for before the loads that follow it; also the kernel before it gives a
// lock to the next.
#define all_stored(process) (buffer[process].count == 0)

// The entry at `m_at` becomes visible.
inline come_out(process) {
    m_value = buffer[process].entry[m_at].what;
    m_i = buffer[process].entry[m_at].where;
    memory[m_i] = m_value;
    when_stored(m_i, m_value);
    buffer[process].count--;
    do
    :: m_at < buffer[process].count ->
        buffer[process].entry[m_at].where = buffer[process].entry[m_at + 1].where;
        buffer[process].entry[m_at].what = buffer[process].entry[m_at + 1].what;
        buffer[process].entry[m_at].release = buffer[process].entry[m_at + 1].release;
        m_at++
    :: else -> break
    od;
    buffer[process].entry[m_at].where = 0;  // so that equal states look equal
    buffer[process].entry[m_at].what = 0;
    buffer[process].entry[m_at].release = 0
}

// A process dies between two instructions: what it stored before is stored.
inline all_come_out(process) {
    do
    :: buffer[process].count > 0 -> m_at = 0; come_out(process)
    :: else -> break
    od
}

// A later store may come out first, unless it is a release or goes to the same place.
#define PENDING(process, k) buffer[process].entry[k]
#define MAY_OVERTAKE(process, k) (buffer[process].count > (k) && !PENDING(process, k).release)
#define DIFFERS(process, k, j) (PENDING(process, k).where != PENDING(process, j).where)

// The ways in which a store of a process may come out next, as alternatives of a `do`. The deep form is for processes
// with up to five stores under way.
#define STORES_COME_OUT(process) \
    :: d_step { buffer[process].count > 0 -> m_at = 0; come_out(process) } \
    :: d_step { MAY_OVERTAKE(process, 1) && DIFFERS(process, 1, 0) -> m_at = 1; come_out(process) } \
    :: d_step { MAY_OVERTAKE(process, 2) && DIFFERS(process, 2, 0) && DIFFERS(process, 2, 1) -> \
        m_at = 2; come_out(process) }
#define STORES_COME_OUT_DEEP(process) \
    STORES_COME_OUT(process) \
    :: d_step { MAY_OVERTAKE(process, 3) && DIFFERS(process, 3, 0) && DIFFERS(process, 3, 1) && \
        DIFFERS(process, 3, 2) -> m_at = 3; come_out(process) } \
    :: d_step { MAY_OVERTAKE(process, 4) && DIFFERS(process, 4, 0) && DIFFERS(process, 4, 1) && \
        DIFFERS(process, 4, 2) && DIFFERS(process, 4, 3) -> m_at = 4; come_out(process) }

#define PROMISE(name, condition) \
    if \
    :: (condition) \
    :: else -> printf(#name); assert(false) \
    fi
