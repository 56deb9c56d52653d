# SPDX-License-Identifier: BSD-3-Clause
"""The class of ndsharray 1.x on top of Reader and Writer."""

import os
import weakref

import numpy as np

from . import _core

supported_types = [
    np.int8,
    np.int16,
    np.int32,
    np.int64,
    np.uint8,
    np.uint16,
    np.uint32,
    np.uint64,
    np.float16,
    np.float32,
    np.float64,
    np.complex64,
    np.complex128,
    bool,
]
if np.dtype(np.longdouble).itemsize == 16:
    supported_types += [np.longdouble, np.clongdouble]

# Scripts may make a second NdShArray for a tag that they write already: both write through one Writer.
_writers = weakref.WeakValueDictionary()


def _writer(tag, compat):
    key = os.getpid(), tag, compat
    writer = _writers.get(key)
    if writer is None:
        writer = _writers[key] = _core.Writer(tag, compat=compat)
    return writer


def _check(array):
    if not isinstance(array, np.ndarray):
        raise TypeError(f"array must be a numpy.ndarray, not {type(array).__name__}")
    _core._check(array)


class NdShArray:
    """Shares one NumPy array between processes: one writes it, any number read it.

    name    the tag both sides agree on
    array   what a writer shares at once, and what read() returns before there was anything to read
    r_w     'r' to read, 'w' to write
    compat  a writer also shares with processes that use ndsharray 1.x itself (one more copy)
    """

    def __init__(self, name, array=np.ndarray((0,), dtype=np.uint8), r_w=None, *, compat=False):
        if r_w not in ("r", "R", "w", "W"):
            raise ValueError("r_w must be 'r' to read or 'w' to write")
        _check(array)
        self._name = name
        self._access = r_w.lower()
        self._array = array
        self._has_read = False
        self._read_time_ms = 0.0
        if self._access == "w":
            self._writer = _writer(name, compat)
            self._writer.write(array)
        else:
            self._open_reader()

    def _open_reader(self):
        self._reader = _core.Reader(self._name, max_leases=3)
        self._process = os.getpid()

    @property
    def name(self):
        """The tag."""
        return self._name

    @property
    def access(self):
        """'r' or 'w'."""
        return self._access

    @property
    def ndarray_mmap_name(self):
        """Name of the file that holds the array; '' before there was one."""
        return (self._writer if self._access == "w" else self._reader).segment_name

    @property
    def read_time_ms(self):
        """Milliseconds from the write to the read of the array read last."""
        return self._read_time_ms

    @property
    def is_valid(self):
        """Whether there is an array: always for a writer, for a reader when it has read one."""
        return self._access == "w" or self._has_read

    def write(self, array):
        """Shares an array. Its dtype and shape may be others than before."""
        if not isinstance(array, np.ndarray):
            _check(array)
        if self._access != "w":
            raise ValueError(f"this NdShArray reads {self._name!r}: it was made with r_w='r'")
        self._writer.write(array)

    def read(self):
        """Returns at once: whether there is an array newer than the last one read, and the newest array.

        The array is read-only. It does not change, however long it is kept.
        """
        if self._access != "r":
            raise ValueError(f"this NdShArray writes {self._name!r}: it was made with r_w='w'")
        if self._process != os.getpid():
            self._open_reader()  # a fork came between: the parent's stays the parent's
        frame = self._reader.read(0)
        if frame is None:
            return False, self._array
        self._array = frame.array
        self._has_read = True
        self._read_time_ms = frame.age_ms
        return True, self._array
