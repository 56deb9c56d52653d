# SPDX-License-Identifier: BSD-3-Clause
"""A plain writer and reader of the files of ndsharray 1.x, made from their description in core/PROTOCOL.md."""

import mmap
import os
import struct
import time
import uuid

import numpy as np

# The dtype index of 1.1.1 and before, and of later versions.
EARLY = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g", "c8", "c16", "G", "?"]
LATE = EARLY[:11] + ["c8", "c16", "?"]


def is_carried(type):
    """Whether the library has it: a long double of 12 bytes, NumPy's on i386, it has not."""
    return np.dtype(type).itemsize == {"g": 16, "G": 32}.get(type, np.dtype(type).itemsize)


WORD = struct.calcsize("P")


def _directory():
    return os.environ.get("NDSHARRAY_DIR") or "/dev/shm"


def _map(path, size, write):
    """The first `size` bytes of a file; for a writer emptied and as long as that first."""
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC if write else os.O_RDONLY
    descriptor = os.open(path, flags, 0o600)
    try:
        if write:
            os.truncate(path, size)
        return mmap.mmap(descriptor, size, prot=mmap.PROT_READ | (mmap.PROT_WRITE if write else 0))
    finally:
        os.close(descriptor)


class Writer:
    def __init__(self, tag, types=LATE):
        self._types = [np.dtype(type) for type in types]
        self._tag = tag
        self._format = None
        self._last = 0.0
        self._paths = [os.path.join(_directory(), tag)]
        self._control = _map(self._paths[0], len(tag) + 33, write=True)

    def _encode(self, array):
        self._last = max(time.monotonic(), np.nextafter(self._last, np.inf))
        when = struct.pack("d", self._last)
        numbers = [self._types.index(array.dtype), array.ndim, *array.shape]
        header = b"".join(int(number).to_bytes(WORD, "big") for number in numbers)
        return when + header + array.tobytes() + when

    def _open(self, array, size):
        if self._format != (array.dtype, array.shape):
            self._format = array.dtype, array.shape
            self._name = f"{self._tag}_{uuid.uuid4().hex}"
            self._paths.append(os.path.join(_directory(), self._name))
            self._data = _map(self._paths[-1], size, write=True)

    def _announce(self):
        self._control[:] = self._name.encode()

    def write(self, array):
        content = self._encode(array)
        self._open(array, len(content))
        self._data[:] = content
        self._announce()

    def write_half(self, array):
        """All but the second half: what a reader may find at any moment."""
        content = self._encode(array)
        self._open(array, len(content))
        self._data[: len(content) // 2] = content[: len(content) // 2]
        self._announce()

    def close(self):
        """1.x leaves its files; a test does not."""
        for path in self._paths:
            os.unlink(path)


class Reader:
    def __init__(self, tag, types=LATE):
        self._types = [np.dtype(type) for type in types]
        self._tag = tag
        self._control = _map(os.path.join(_directory(), tag), len(tag) + 33, write=False)
        self._last = 0.0
        self.array = None

    def read(self):
        """Whether there is a complete array that is newer than the last, and the array."""
        name = self._control[:]
        if b"\0" in name:
            return False, self.array
        path = os.path.join(_directory(), name.decode())
        try:
            data = _map(path, os.path.getsize(path), write=False)
        except FileNotFoundError:
            return False, self.array  # replaced just now
        with data:
            (start,) = struct.unpack("d", data[:8])
            if start <= self._last:
                return False, self.array
            content = data[8:-8]
            # By itself, and last: the C library copies the end of many bytes before their middle.
            (end,) = struct.unpack("d", data[-8:])
        number, ndim = (int.from_bytes(content[i * WORD : (i + 1) * WORD], "big") for i in range(2))
        shape = [int.from_bytes(content[i * WORD : (i + 1) * WORD], "big") for i in range(2, 2 + ndim)]
        array = np.frombuffer(content[(2 + ndim) * WORD :], self._types[number]).reshape(shape)
        self._last = start
        if start == end:
            self.array = array
        return start == end, self.array
