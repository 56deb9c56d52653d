# SPDX-License-Identifier: BSD-3-Clause
"""The files of a tag, as core/PROTOCOL.md gives them: names, offsets, and what is checked before use."""
import os
import stat
import struct
from collections import namedtuple

from system import Mapping

FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
DIRECTORY = os.environ.get("NDSHARRAY_DIR") or "/dev/shm"

STARTING, LIVE, ENDED, CLOSED, CLOSED_AFTER_END = range(5)


class Control:
    magic, header_bytes, size = b"NDSHCTRL", 128, 128
    wake, state, epoch, generation, segment_id = 64, 68, 72, 76, 80
    published, last_generation, options, writer_pid, announcements = 96, 104, 108, 112, 116


class Table:
    magic, header_bytes, size = b"NDSHRDRS", 192, 192 + 64 * 128
    entries, entry_bytes = 64, 128
    entry_count_field, entry_bytes_field = 32, 36
    active, released, writer_waiting, attaches = 64, 128, 132, 136
    lease, cursor, flags, pid, joined, frames, missed, copied, latency = 0, 8, 16, 20, 24, 64, 72, 80, 88
    quota = 32
    takes_every, suspended = 1, 2

    @staticmethod
    def entry(index):
        return 192 + 128 * index


class Segment:
    magic, header_bytes, size = b"NDSHSEGM", 704, 704
    latest, pinned, ready = 640, 648, 652


class Slot:
    state, number, published, pts, dts, stream_pts, stream_dts = 0, 64, 72, 80, 88, 96, 104
    duration, offset, offset_end, flags, metadata_bytes, size = 112, 120, 128, 136, 144, 192


SegmentHeader = namedtuple("SegmentHeader", """file_bytes generation slot_count slot_headers_offset slot_header_bytes
    data_offset slot_bytes attributes_offset attributes_bytes metadata_capacity dtype byte_order ndim frame_bytes
    shape strides""")
HEADER = struct.Struct("=QIIQQQQQQQIII4xQ32Q32q")  # at 32; ends at 640
assert HEADER.size == 640 - 32

ELEMENT_BYTES = [1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 16, 8, 16, 32, 1]


class Bad(Exception):
    """A file that is not what the page says; or not of this life of the tag."""


def path(name):
    return os.path.join(DIRECTORY, name)


def control_name(tag):
    return f"ndsh.{tag}"


def table_name(tag):
    return f"ndsh.{tag}.readers"


def segment_name(tag, digits):
    return f"ndsh.{tag}.{digits}"


def digits_of(words):
    return "%016x%016x" % tuple(words)


def words_of(digits):
    return int(digits[:16], 16), int(digits[16:], 16)


def preamble(kind, instance):
    return kind.magic + struct.pack("=HHIQQ", 1, 1, kind.header_bytes, *instance)


def open_file(name, kind, writable, instance=None):
    """Opens and maps a file of a tag after the checks that all of them need. Returns descriptor and mapping."""
    descriptor = os.open(path(name), (os.O_RDWR if writable else os.O_RDONLY) | FLAGS)
    try:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode) or told.st_uid not in (os.geteuid(), 0):
            raise Bad(f"{name}: not a regular file of this user")
        if told.st_size < kind.size:
            raise Bad(f"{name}: too short")
        found, major, _, header_bytes, *its_instance = struct.unpack("=8sHHIQQ", os.pread(descriptor, 32, 0))
        if found != kind.magic or major != 1 or not kind.header_bytes <= header_bytes <= told.st_size:
            raise Bad(f"{name}: {found} {major} {header_bytes}")
        if instance is not None and tuple(its_instance) != instance:
            raise Bad(f"{name}: of another life of the tag")
        return descriptor, Mapping(descriptor, told.st_size, writable)
    except BaseException:
        os.close(descriptor)
        raise


def instance_of(mapping):
    return tuple(mapping.u64[2:4])


def check_segment(mapping, generation):
    """The header of a segment, once everything in it is known to lie in the file."""
    header = SegmentHeader(*(lambda f: f[:14] + (f[14:46], f[46:78]))(HEADER.unpack(mapping.bytes[32:640])))
    size = mapping.size
    row = [dimension for dimension in zip(header.shape, header.strides)][:header.ndim]
    sound = (header.file_bytes == size and header.generation == generation and 3 <= header.slot_count <= 32
             and header.slot_headers_offset % 64 == 0 and header.slot_header_bytes % 64 == 0
             and header.data_offset % 4096 == 0 and header.slot_bytes % 4096 == 0
             and header.slot_header_bytes >= Slot.size + header.metadata_capacity
             and header.slot_headers_offset + header.slot_count * header.slot_header_bytes <= size
             and header.data_offset + header.slot_count * header.slot_bytes <= size
             and header.attributes_offset + header.attributes_bytes <= size
             and header.frame_bytes <= header.slot_bytes
             and header.dtype < len(ELEMENT_BYTES) and header.byte_order < 2 and header.ndim <= 32
             and all(stride >= 0 for _, stride in row))
    if not sound or sum((length - 1) * stride for length, stride in row if length) + ELEMENT_BYTES[
            header.dtype] > header.frame_bytes:
        raise Bad(f"segment: {header}")
    return header


def pack_attributes(attributes):
    packed = b""
    for key, value in sorted(attributes.items()):
        key, value = key.encode(), value.encode()
        packed += struct.pack("=II", len(key), len(value)) + key + value
    return packed


def unpack_attributes(packed):
    attributes, at = {}, 0
    while at < len(packed):
        key, value = struct.unpack_from("=II", packed, at)
        at += 8
        if at + key + value > len(packed):
            raise Bad("attributes")
        attributes[packed[at:at + key].decode()] = packed[at + key:at + key + value].decode()
        at += key + value
    return attributes
