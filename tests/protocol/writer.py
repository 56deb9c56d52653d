# SPDX-License-Identifier: BSD-3-Clause
"""A writer of a tag, written from core/PROTOCOL.md and not from the library."""
import fcntl
import os
import re
import secrets
import struct
import sys
import time

import files
from files import Control, Segment, Slot, Table
from system import Mapping, fence, lock_in_the_way, try_lock, unlock

LOOKS_AT_A_LOCK = 0.1
LOOKS_AT_A_LEAVING_WRITER = 2
NO_TIME = -2**63
NO_OFFSET = 2**64 - 1


class InUse(Exception):
    pass


def _make(name, size, content):
    """A complete file. Returns its descriptor, still open under this name."""
    descriptor = os.open(files.path(name), os.O_RDWR | os.O_CREAT | os.O_EXCL | files.FLAGS, 0o600)
    os.posix_fallocate(descriptor, 0, size)
    os.pwrite(descriptor, content, 0)
    return descriptor


def _temporary(tag):
    return f"ndsh..{tag}.{secrets.token_hex(16)}"


class Writer:
    def __init__(self, tag, backpressure=False, slots=6):
        self.tag, self.backpressure, self.slots = tag, backpressure, slots
        self.segment = None
        self.next_segment = None
        self._take_tag()
        self._remove_leftovers()
        self._take_table()
        self._store32(Control.options, 1 if backpressure else 0)
        self._store32(Control.writer_pid, os.getpid())
        self._set_state(files.LIVE)

    # -- steps 1 to 3: the tag and the table -------------------------------------------------------------------------

    def _take_tag(self):
        patience = time.monotonic() + LOOKS_AT_A_LOCK
        while True:
            try:
                taken = self._take_over()
            except FileNotFoundError:
                taken = self._make_control()
            if taken:
                return
            leaving = self._state_of_name() in (files.CLOSED, files.CLOSED_AFTER_END)
            if time.monotonic() > patience + (LOOKS_AT_A_LEAVING_WRITER if leaving else 0):
                raise InUse(self.tag)
            time.sleep(0.002)

    def _state_of_name(self):
        try:
            with open(files.path(files.control_name(self.tag)), "rb") as file:
                return struct.unpack_from("=I", file.read(128), Control.state)[0]
        except (OSError, struct.error):
            return None

    def _make_control(self):
        temporary = _temporary(self.tag)
        instance = (secrets.randbits(64), secrets.randbits(64))
        content = files.preamble(Control, instance).ljust(Control.size, b"\0")
        descriptor = _make(temporary, Control.size, content)
        self.lock_fd = os.open(files.path(temporary), os.O_RDWR | files.FLAGS)
        if not try_lock(self.lock_fd, 0):
            raise InUse(self.tag)
        self.control = Mapping(descriptor, Control.size, True)
        os.close(descriptor)
        self._store32(Control.epoch, 1)
        try:
            os.link(files.path(temporary), files.path(files.control_name(self.tag)))
        except FileExistsError:
            os.close(self.lock_fd)
            return False
        finally:
            os.unlink(files.path(temporary))
        return True

    def _take_over(self):
        name = files.path(files.control_name(self.tag))
        lock_fd = os.open(name, os.O_RDWR | files.FLAGS)
        if not try_lock(lock_fd, 0):
            if lock_in_the_way(lock_fd, 0, fcntl.F_WRLCK) == fcntl.F_RDLCK:  # of one who only may read
                aside = files.path(_temporary(self.tag))
                os.rename(name, aside)
                os.unlink(aside)
            os.close(lock_fd)
            return False
        if not os.path.samestat(os.fstat(lock_fd), os.stat(name, follow_symlinks=False)):
            os.close(lock_fd)
            return False
        descriptor, control = files.open_file(files.control_name(self.tag), Control, True)
        os.close(descriptor)
        closed = control.u32[Control.state // 4] >= files.CLOSED
        if closed or control.u64[Control.published // 8] >= 2**55:
            os.unlink(name)
            os.close(lock_fd)
            return False
        self.lock_fd, self.control = lock_fd, control
        self._store32(Control.generation, 0)
        self._store32(Control.state, files.STARTING)
        self._store32(Control.epoch, self._load32(Control.epoch) + 1)
        self.control.bump(Control.wake)
        return True

    def _remove_leftovers(self):
        ours = re.compile(r"ndsh\.\.?" + re.escape(self.tag) + r"\.[0-9a-f]{32}")
        for name in os.listdir(files.DIRECTORY):
            if ours.fullmatch(name):
                os.unlink(files.path(name))

    def _take_table(self):
        name, instance = files.table_name(self.tag), files.instance_of(self.control)
        try:
            descriptor, self.table = files.open_file(name, Table, True, instance)
            os.close(descriptor)
        except (FileNotFoundError, files.Bad):
            content = bytearray(files.preamble(Table, instance).ljust(Table.size, b"\0"))
            struct.pack_into("=II", content, Table.entry_count_field, Table.entries, Table.entry_bytes)
            temporary = _temporary(self.tag)
            descriptor = _make(temporary, Table.size, content)
            self.table = Mapping(descriptor, Table.size, True)
            os.close(descriptor)
            os.rename(files.path(temporary), files.path(name))
        self.table_fd = os.open(files.path(name), os.O_RDWR | files.FLAGS)
        self._clear_dead_readers()
        self.table.u32[Table.writer_waiting // 4] = 0

    def _clear_dead_readers(self):
        for index in self._active():
            if try_lock(self.table_fd, index):
                at = Table.entry(index)
                self.table.bytes[at:at + Table.entry_bytes] = bytes(Table.entry_bytes)
                self.table.clear_bit(Table.active, index)
                unlock(self.table_fd, index)

    def _active(self):
        active = self.table.u64[Table.active // 8]
        return [index for index in range(Table.entries) if active >> index & 1]

    def _load32(self, offset):
        return self.control.u32[offset // 4]

    def _store32(self, offset, value):
        self.control.u32[offset // 4] = value & 0xFFFFFFFF

    def _set_state(self, state):
        self._store32(Control.state, state)
        self._tell()

    def _tell(self):
        self.control.bump(Control.wake)
        # Written through the file, for inotify; the lock's descriptor is as good as any.
        os.pwrite(self.lock_fd, (self._load32(Control.announcements) + 1 & 0xFFFFFFFF).to_bytes(4, sys.byteorder),
                  Control.announcements)

    # -- step 4: layouts ---------------------------------------------------------------------------------------------

    def configure(self, dtype, shape, strides, frame_bytes, attributes):
        """The layout of the frames to come: a segment that is announced with its first frame."""
        if self.next_segment is not None:
            os.unlink(files.path(self.next_segment["name"]))
        packed = files.pack_attributes(attributes)
        attributes_at = 704
        headers_at = (attributes_at + len(packed) + 63) // 64 * 64
        header_bytes = Slot.size
        data_at = (headers_at + self.slots * header_bytes + 4095) // 4096 * 4096
        slot_bytes = (frame_bytes + 4095) // 4096 * 4096
        size = data_at + self.slots * slot_bytes
        generation = self._load32(Control.last_generation) % (2**32 - 1) + 1
        digits = secrets.token_hex(16)
        fixed = files.HEADER.pack(size, generation, self.slots, headers_at, header_bytes, data_at, slot_bytes,
                                  attributes_at, len(packed), 0, dtype, 0 if sys.byteorder == "little" else 1,
                                  len(shape), frame_bytes, *shape, *[0] * (32 - len(shape)),
                                  *strides, *[0] * (32 - len(strides)))
        content = bytearray(files.preamble(Segment, files.instance_of(self.control)) + fixed).ljust(attributes_at, b"\0")
        struct.pack_into("=I", content, Segment.ready, self.slots)  # all of them have memory from the beginning
        content = (content + packed).ljust(data_at, b"\0")
        name = files.segment_name(self.tag, digits)
        descriptor = _make(name, size, content)
        self.next_segment = {"name": name, "digits": digits, "generation": generation, "headers": headers_at,
                             "data": data_at, "slot_bytes": slot_bytes, "frame_bytes": frame_bytes,
                             "map": Mapping(descriptor, size, True)}
        os.close(descriptor)

    def _every_reader_has_come_along(self):
        """True once each reader that takes every frame has mapped the announced segment or had all of its frames."""
        published = self.control.u64[Control.published // 8]
        return all(self.table.u64[at // 8] >> 32 == self.segment["generation"] or
                   self.table.u64[(at + Table.cursor) // 8] > published for at in self._waited_for()) or None

    def _waited_for(self):
        """Entries of readers that take every frame and are not suspended."""
        entries = [Table.entry(index) for index in self._active()]
        return [at for at in entries if self.table.u32[(at + Table.flags) // 4] & 3 == Table.takes_every]

    def _announce(self):
        old, self.segment, self.next_segment = self.segment, self.next_segment, None
        self._store32(Control.generation, 0)
        fence()
        first, second = files.words_of(self.segment["digits"])
        self.control.u64[Control.segment_id // 8] = first
        self.control.u64[Control.segment_id // 8 + 1] = second
        self._store32(Control.last_generation, self.segment["generation"])
        self._store32(Control.generation, self.segment["generation"])
        if old is not None:
            os.unlink(files.path(old["name"]))

    # -- section 4: slots --------------------------------------------------------------------------------------------

    def _state_at(self, segment, slot):
        return (segment["headers"] + slot * Slot.size + Slot.state) // 8

    def _is_held(self, segment, slot, frame):
        for index in self._active():
            word = self.table.u64[Table.entry(index) // 8]
            if word >> 32 == segment["generation"] and word >> slot & 1:
                return True
        if self.backpressure and frame:
            return any(frame >= self.table.u64[(at + Table.cursor) // 8] for at in self._waited_for())
        return False

    def _claim(self, segment):
        """The slot with the oldest frame that nobody holds, or None."""
        words = segment["map"].u64
        latest = words[Segment.latest // 8]
        oldest = sorted((words[self._state_at(segment, slot)] // 2, slot) for slot in range(self.slots))
        for frame, slot in oldest:
            if frame and latest == frame << 8 | slot or self._is_held(segment, slot, frame):
                continue  # a claim, even one that is put back, makes a reader skip the frame that it wants
            words[self._state_at(segment, slot)] = 2 * frame + 1
            fence()
            if not self._is_held(segment, slot, frame):
                return slot
            words[self._state_at(segment, slot)] = 2 * frame
        return None

    def _wait(self, attempt, deadline):
        """Waits until `attempt` gives something; None at the deadline."""
        while True:
            released = self.table.u32[Table.released // 4]
            self.table.u32[Table.writer_waiting // 4] = 1
            fence()
            result = attempt()
            if result is not None:
                break
            self._clear_dead_readers()
            result = attempt()
            if result is not None or time.monotonic() > deadline:
                break
            self.table.wait(Table.released, released, 0.1)
        self.table.u32[Table.writer_waiting // 4] = 0
        return result

    def write(self, pixels, offset=NO_OFFSET, pts=NO_TIME, timeout=10):
        """Publishes a frame. Returns its number, or 0 if it found no slot in time."""
        deadline = time.monotonic() + (timeout if self.backpressure else 0)
        segment = self.next_segment or self.segment
        slot = self._claim(segment)
        if slot is None:
            slot = self._wait(lambda: self._claim(segment), deadline)
            if slot is None:
                return 0
        changes = segment is self.next_segment
        if changes and self.segment is not None and self.backpressure:
            if not self._every_reader_has_come_along() and not self._wait(self._every_reader_has_come_along, deadline):
                segment["map"].u64[self._state_at(segment, slot)] = 0
                return 0
        number = self.control.u64[Control.published // 8] + 1
        at = segment["data"] + slot * segment["slot_bytes"]
        segment["map"].bytes[at:at + segment["frame_bytes"]] = pixels
        header = segment["headers"] + slot * Slot.size
        struct.pack_into("=QqqqqqqQQI4xQ", segment["map"].bytes, header + Slot.number, number, time.monotonic_ns(), pts,
                         NO_TIME, NO_TIME, NO_TIME, NO_TIME, offset, NO_OFFSET, 0, 0)
        self.control.u64[Control.published // 8] = number
        if self._load32(Control.state) == files.ENDED:
            self._store32(Control.state, files.LIVE)
            changes = True
        fence()
        segment["map"].u64[self._state_at(segment, slot)] = 2 * number
        segment["map"].u64[Segment.latest // 8] = number << 8 | slot
        if segment is self.next_segment:
            self._announce()
        if changes:
            self._tell()
        else:
            self.control.bump(Control.wake)
        return number

    def end_of_stream(self):
        self._set_state(files.ENDED)

    def readers(self):
        return len(self._active())

    def drained(self, timeout):
        published = self.control.u64[Control.published // 8]
        return bool(self._wait(lambda: all(self.table.u64[(at + Table.cursor) // 8] > published
                                           for at in self._waited_for()) or None, time.monotonic() + timeout))

    # -- step 5 ------------------------------------------------------------------------------------------------------

    def close(self):
        ended = self._load32(Control.state) == files.ENDED
        self._set_state(files.CLOSED_AFTER_END if ended else files.CLOSED)
        for segment in (self.segment, self.next_segment):
            if segment is not None:
                os.unlink(files.path(segment["name"]))
        os.unlink(files.path(files.table_name(self.tag)))
        os.unlink(files.path(files.control_name(self.tag)))
        os.close(self.table_fd)
        os.close(self.lock_fd)
