# SPDX-License-Identifier: BSD-3-Clause
"""A reader of a tag, written from core/PROTOCOL.md and not from the library."""
import fcntl
import os
import struct
import sys
import time
from dataclasses import dataclass

import files
from files import Control, Segment, Slot, Table
from system import fence, lock_in_the_way, try_lock

LOOKS_AT_A_CLAIM = 100
LEFT_TO_THE_WRITER = 2
LONGEST_SLEEP = 0.05  # instead of inotify


@dataclass
class Info:
    number: int
    published: int
    pts: int
    offset: int
    flags: int
    metadata: bytes


class Frame:
    """A frame under a lease, or a copy of one. What is in `pixels` stays until release()."""

    def __init__(self, pixels, info, segment, missed, release=None):
        self.pixels, self.info, self.segment, self.missed, self._release = pixels, info, segment, missed, release
        self.copied = release is None

    def release(self):
        if self._release:
            self._release()
            self._release = None


class OpenSegment:
    def __init__(self, tag, digits, generation, instance):
        self.descriptor, self.map = files.open_file(files.segment_name(tag, digits), Segment, False, instance)
        self.generation, self.digits = generation, digits
        self.header = files.check_segment(self.map, generation)
        self.minor = struct.unpack_from("=H", self.map.bytes, 10)[0]
        self.looked_at = set()
        self._require_memory(0, self.header.data_offset)
        at = self.header.attributes_offset
        self.attributes = files.unpack_attributes(bytes(self.map.bytes[at:at + self.header.attributes_bytes]))

    def __del__(self):
        os.close(self.descriptor)

    def _require_memory(self, offset, size):
        if self.minor >= 1 and os.lseek(self.descriptor, offset, os.SEEK_HOLE) < offset + size:
            raise files.Bad("a hole")

    def ready(self):
        count = self.header.slot_count
        return min(count, self.map.u32[Segment.ready // 4]) if self.minor >= 1 else count

    def slot_at(self, slot):
        return self.header.slot_headers_offset + slot * self.header.slot_header_bytes

    def state(self, slot):
        return self.map.u64[self.slot_at(slot) // 8]

    def latest(self):
        """The newest frame and its slot; (0, 0) if there is none."""
        latest = self.map.u64[Segment.latest // 8]
        frame, slot = latest >> 8, latest & 0xFF
        if slot >= self.header.slot_count:
            raise files.Bad("latest")
        return frame, slot

    def pixels(self, slot):
        at = self.header.data_offset + slot * self.header.slot_bytes
        if slot not in self.looked_at:
            self._require_memory(at, self.header.slot_bytes)
            self.looked_at.add(slot)
        return self.map.bytes[at:at + self.header.frame_bytes]

    def info(self, slot):
        at = self.slot_at(slot)
        length = self.map.u64[(at + Slot.metadata_bytes) // 8]
        if length > self.header.metadata_capacity:
            raise files.Bad("metadata")
        return Info(self.map.u64[(at + Slot.number) // 8], self.map.i64[(at + Slot.published) // 8],
                    self.map.i64[(at + Slot.pts) // 8], self.map.u64[(at + Slot.offset) // 8],
                    self.map.u32[(at + Slot.flags) // 4],
                    bytes(self.map.bytes[at + Slot.size:at + Slot.size + length]))


class Reader:
    """read() gives a Frame, or "timeout", "ended" or "gone". `every` asks for each frame in order; `leasing` False
    reads as a reader does that may not write the table."""

    def __init__(self, tag, every=False, leasing=True, max_leases=2):
        self.tag, self.every, self.leasing, self.max_leases = tag, every, leasing, max_leases
        self.control = None
        self._forget()

    # -- attaching ---------------------------------------------------------------------------------------------------

    def _forget(self):
        if self.control is not None:
            self._leave_table()
            os.close(self.control_fd)
        self.control = self.control_fd = self.table = self.table_fd = self.entry = self.segment = None
        self.epoch = None
        self.cursor = 0
        self.seen = 0  # the last frame that was delivered or counted as missed
        self.told_end = False

    def _attach(self):
        """Takes the control file if a writer lives in it that has published or may publish."""
        if self.control is None:
            try:
                self.control_fd, self.control = files.open_file(files.control_name(self.tag), Control, False)
            except FileNotFoundError:
                return False
        epoch = self.control.u32[Control.epoch // 4]
        state = self.control.u32[Control.state // 4]
        alive = lock_in_the_way(self.control_fd, 0) != fcntl.F_UNLCK
        if state not in (files.LIVE, files.ENDED) or not alive or self.control.u32[Control.epoch // 4] != epoch:
            if not self._has_its_name() or state >= files.CLOSED:
                self._forget()
            return False
        if self.epoch is None:
            self._enter_table()
        self.epoch = epoch
        return True

    def _has_its_name(self):
        try:
            return os.path.samestat(os.stat(files.path(files.control_name(self.tag)), follow_symlinks=False),
                                    os.fstat(self.control_fd))
        except FileNotFoundError:
            return False

    def _enter_table(self):
        published = max(1, self.control.u64[Control.published // 8])  # 0 would hold empty slots
        self.cursor = published
        self.fresh = True
        if not self.leasing:
            return
        name, instance = files.table_name(self.tag), files.instance_of(self.control)
        descriptor, table = files.open_file(name, Table, True, instance)
        os.close(descriptor)
        # The lock's own descriptor is never mapped.
        self.table_fd = os.open(files.path(name), os.O_RDWR | files.FLAGS)
        for index in range(Table.entries):
            if not try_lock(self.table_fd, index):
                continue
            at = Table.entry(index)
            table.bytes[at:at + Table.entry_bytes] = bytes(Table.entry_bytes)
            table.u32[(at + Table.flags) // 4] = Table.takes_every if self.every else 0
            table.u32[(at + Table.pid) // 4] = os.getpid()
            table.i64[(at + Table.joined) // 8] = time.monotonic_ns()
            table.u32[(at + Table.quota) // 4] = self.max_leases
            table.u64[(at + Table.cursor) // 8] = published
            table.set_bit(Table.active, index)
            fence()
            self.table, self.entry = table, index
            # Again, now that a writer with backpressure waits: what came between is kept or not, _next_wanted() sees.
            os.pwrite(self.table_fd, (table.u32[Table.attaches // 4] + 1 & 0xFFFFFFFF).to_bytes(4, sys.byteorder),
                      Table.attaches)
            table.bump(Table.released)
            return
        os.close(self.table_fd)
        self.table_fd = None

    def _leave_table(self):
        if self.table is None:
            return
        at = Table.entry(self.entry)
        self.table.u64[(at + Table.lease) // 8] = 0
        self.table.clear_bit(Table.active, self.entry)
        self.table.bump(Table.released)
        os.close(self.table_fd)  # and with it the lock
        self.table = None

    def close(self):
        self._forget()

    # -- the lease word ----------------------------------------------------------------------------------------------

    def _word(self):
        return (Table.entry(self.entry) + Table.lease) // 8

    def _lease(self, slot):
        self.table.u64[self._word()] |= 1 << slot
        fence()

    def _unlease(self, generation, slot):
        # Nobody else writes the word while this process lives, so a load and a store do for a compare-and-exchange.
        word = self.table.u64[self._word()]
        if word >> 32 == generation:
            self.table.u64[self._word()] = word & ~(1 << slot)
        self._tell_waiting_writer()

    def _tell_waiting_writer(self):
        fence()
        if self.table.u32[Table.writer_waiting // 4]:
            self.table.bump(Table.released)

    def _may_keep(self, segment):
        mine = bin(self.table.u64[self._word()] & 0xFFFFFFFF).count("1")  # with the new one
        if mine > self.max_leases:
            return False
        out = segment.map.u32[Segment.pinned // 4]
        active = self.table.u64[Table.active // 8]
        for index in range(Table.entries):
            word = self.table.u64[Table.entry(index) // 8] if active >> index & 1 else 0
            if word >> 32 == segment.generation:
                out |= word & 0xFFFFFFFF
        return segment.ready() - bin(out).count("1") >= LEFT_TO_THE_WRITER

    # -- frames ------------------------------------------------------------------------------------------------------

    def _announced(self):
        """Generation and digits of the current segment, or (0, "")."""
        while True:
            generation = self.control.u32[Control.generation // 4]
            if generation == 0:
                return 0, ""
            digits = files.digits_of(self.control.u64[Control.segment_id // 8:Control.segment_id // 8 + 2])
            if self.control.u32[Control.generation // 4] == generation:
                return generation, digits

    def _move_on(self, generation, digits):
        try:
            segment = OpenSegment(self.tag, digits, generation, files.instance_of(self.control))
        except FileNotFoundError:
            return False  # a newer one is announced, or will be
        self.segment = segment
        if self.table is not None:
            self.table.u64[self._word()] = generation << 32
            self._tell_waiting_writer()
        return True

    def _candidate(self):
        """Frame and slot to try next in this segment; None if there is nothing to take."""
        latest, slot = self.segment.latest()
        if latest <= self.seen:
            return None
        if not self.every:
            return latest, slot
        for _ in range(LOOKS_AT_A_CLAIM):
            found = {}
            claimed = False
            for each in range(self.segment.header.slot_count):
                state = self.segment.state(each)
                if state % 2 == 0 and state // 2 >= max(self.cursor, self.seen + 1) and state // 2 <= latest:
                    found[state // 2] = each
                claimed = claimed or state == 2 * self.cursor + 1
            if not claimed or self.cursor in found:
                break
        if not found:
            return None
        wanted = min(found)
        if self.fresh:  # the oldest after which none is missing
            wanted = latest
            while wanted - 1 in found:
                wanted -= 1
            if wanted not in found:
                return None
        return wanted, found[wanted]

    def _take(self):
        """A frame of the mapped segment, or None."""
        while True:
            candidate = self._candidate()
            if candidate is None:
                return None
            frame, slot = candidate
            taken = self._lease_frame(frame, slot) if self.table is not None else self._copy_frame(frame, slot)
            if taken is not None:
                return taken

    def _lease_frame(self, frame, slot):
        segment = self.segment
        self._lease(slot)
        if segment.state(slot) != 2 * frame:
            self._unlease(segment.generation, slot)
            return None
        info = segment.info(slot)
        keep = self._may_keep(segment)
        pixels = segment.pixels(slot) if keep else bytes(segment.pixels(slot))
        missed = self._advance(frame)
        if keep:
            return Frame(pixels, info, segment, missed, lambda: self._release(segment.generation, slot))
        self._unlease(segment.generation, slot)
        return Frame(pixels, info, segment, missed)

    def _release(self, generation, slot):
        if self.table is not None:
            self._unlease(generation, slot)

    def _copy_frame(self, frame, slot):
        if self.segment.state(slot) != 2 * frame:
            return None
        info, pixels = self.segment.info(slot), bytes(self.segment.pixels(slot))
        fence()
        if self.segment.state(slot) != 2 * frame:
            return None
        return Frame(pixels, info, self.segment, self._advance(frame))

    def _advance(self, frame):
        missed = 0 if self.fresh else frame - self.seen - 1
        self.fresh = False
        self.seen = frame
        self.cursor = frame + 1
        if self.table is not None:
            at = Table.entry(self.entry)
            self.table.u64[(at + Table.cursor) // 8] = frame + 1
            self.table.u64[(at + Table.frames) // 8] += 1
            self.table.u64[(at + Table.missed) // 8] += missed
            self._tell_waiting_writer()
        return missed

    def _look(self):
        """A frame, or "ended", or "gone", or None: there is nothing yet."""
        if self.epoch is None:
            if not self._attach():
                return None
        # The order counts: what is announced and whether the writer lives is read before the segment is searched, so
        # that what is found missing in it stays missing.
        alive = lock_in_the_way(self.control_fd, 0) != fcntl.F_UNLCK
        state = self.control.u32[Control.state // 4]
        generation, digits = self._announced()
        if self.segment is not None:
            taken = self._take()
            if taken is not None:
                self.told_end = False
                return taken
        if generation and (self.segment is None or generation != self.segment.generation):
            if self._move_on(generation, digits):
                taken = self._take()
                if taken is not None:
                    self.told_end = False
                    return taken
        if state >= files.CLOSED:
            ended = state == files.CLOSED_AFTER_END and not self.told_end
            self._forget()
            return "ended" if ended else "gone"
        if state == files.ENDED and not self.told_end:
            self.told_end = True
            return "ended"
        if not alive or self.control.u32[Control.epoch // 4] != self.epoch:
            return self._change_of_writers()
        return None

    def _change_of_writers(self):
        """The writer died. Its successor comes in the same file, or in a new one if somebody removed this one."""
        if not self._has_its_name():
            self._forget()
            return "gone"
        gone = self.epoch != -1
        if not self._attach() and self.control is not None:
            self.epoch = -1  # told; to be followed by any
        return "gone" if gone else None

    def read(self, timeout):
        deadline = time.monotonic() + timeout
        while True:
            wake = self.control.u32[Control.wake // 4] if self.control is not None else None
            found = self._look()
            if found is not None:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                return "timeout"
            if self.control is None or wake is None:
                time.sleep(min(left, 0.01))
            else:
                self.control.wait(Control.wake, wake, min(left, LONGEST_SLEEP))
