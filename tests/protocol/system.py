# SPDX-License-Identifier: BSD-3-Clause
"""What the protocol needs of Linux, in plain Python: mapped words, futexes, fences, locks of an open file description."""
import ctypes
import fcntl
import mmap
import os
import platform
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_CALLS = {"x86_64": (202, 324), "aarch64": (98, 283)}
SUPPORTED = platform.machine() in _CALLS and struct.calcsize("P") == 8
_FUTEX, _MEMBARRIER = _CALLS.get(platform.machine(), (0, 0))
_WAIT, _WAKE, _WAKE_OP = 0, 1, 5  # shared: without FUTEX_PRIVATE_FLAG
_ALL = 0x7FFFFFFF
_SET, _ADD, _OR, _ANDN = 0, 1, 2, 3
_ONE_SHIFTED = 8  # FUTEX_OP_OPARG_SHIFT: the operand is 1 << operand


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def fence():
    """A sequentially consistent fence: membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) has one at its start and its end."""
    if _LIBC.syscall(_MEMBARRIER, 2, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "membarrier")


class Mapping:
    """A mapped file. The views load and store whole words; a plain x86 load is an acquire, a plain store a release.
    Elsewhere `acquire` and `release` are fences."""

    def __init__(self, descriptor, size, writable):
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        self.size = size
        self._map = mmap.mmap(descriptor, size, mmap.MAP_SHARED, protection)
        self.bytes = memoryview(self._map)
        whole = self.bytes[:size - size % 8]
        self.u32 = whole.cast("I")
        self.u64 = whole.cast("Q")
        self.i64 = whole.cast("q")
        if writable:
            self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        else:  # ctypes wants a writable buffer for an address; the kernel tells it as well
            self._address = _address_of(self._map)

    def wait(self, offset, value, seconds):
        """FUTEX_WAIT while the word has this value."""
        timeout = _Timespec(int(seconds), int(seconds % 1 * 1e9))
        _LIBC.syscall(_FUTEX, ctypes.c_void_p(self._address + offset), _WAIT, ctypes.c_uint32(value),
                      ctypes.byref(timeout), None, 0)

    def bump(self, offset):
        """Adds 1 to the futex word and wakes all who wait for it."""
        self._operate(_ADD, offset, 1, wake=True)

    def set_bit(self, offset, bit):
        self._operate(_OR | _ONE_SHIFTED, offset + bit // 32 * 4, bit % 32, wake=False)

    def clear_bit(self, offset, bit):
        self._operate(_ANDN | _ONE_SHIFTED, offset + bit // 32 * 4, bit % 32, wake=False)

    def _operate(self, operation, offset, operand, wake):
        # FUTEX_WAKE_OP changes the second word as one atomic operation, then wakes those who wait for the first.
        # The comparison decides on a second wake, of 0 waiters.
        word = ctypes.c_void_p(self._address + offset)
        code = operation << 28 | operand << 12
        if _LIBC.syscall(_FUTEX, word, _WAKE_OP, _ALL if wake else 0, None, word, ctypes.c_uint32(code)) < 0:
            raise OSError(ctypes.get_errno(), "futex")


class _Buffer(ctypes.Structure):
    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t),
                ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
                ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p)]


def _address_of(mapped):
    view = _Buffer()
    if ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(mapped), ctypes.byref(view), 0) != 0:
        raise BufferError("no address")
    address = view.buf
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))
    return address


def _flock(kind, byte):
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, byte, 1, 0)


def try_lock(descriptor, byte):
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK, byte))
        return True
    except (BlockingIOError, PermissionError):
        return False


def unlock(descriptor, byte):
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK, byte))


def lock_in_the_way(descriptor, byte, kind=fcntl.F_RDLCK):
    """The kind of lock that somebody holds against one of `kind`; F_UNLCK if nobody does."""
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _flock(kind, byte))
    return struct.unpack("hhqqi4x", answer)[0]
