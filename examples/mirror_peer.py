#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Gets a tag of another machine from `ndsh share` without ndsharray: pyzmq and NumPy only. core/mirror/README.md has the
format. Prints what comes.

mirror_peer.py HOST:PORT TAG [FRAMES]
"""
import struct
import sys

import numpy as np
import zmq

DTYPES = ("i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 f16 c8 c16 c32 b1").split()
HELLO, CREDIT, WELCOME, LAYOUT, FRAME, DATA, STATE, REFUSED = 1, 2, 65, 66, 67, 68, 69, 72


def message(kind, session, fields):
    return struct.pack("<4sBBHQ", b"NDSM", 1, 0, kind, session) + fields


def frames(address, tag):
    """(number, array) of each frame."""
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.connect(f"tcp://{address}")
    socket.send(message(HELLO, 0, struct.pack("<IIIIQQH", 0, 0, 1, 0, 0, 0, len(tag)) + tag.encode()))
    session = done = 0
    while True:
        head, *body = socket.recv_multipart()
        kind = struct.unpack_from("<H", head, 6)[0]
        if kind == REFUSED:
            raise RuntimeError(head[22:].decode())
        if kind == WELCOME:
            session = struct.unpack_from("<Q", head, 8)[0]
        elif kind == LAYOUT:
            dtype, order, ndim = struct.unpack_from("<III", head, 28)
            shape, strides = struct.unpack_from(f"<{ndim}Q", head, 56), struct.unpack_from(f"<{ndim}q", head, 56 + 8 * ndim)
            dtype = np.dtype("<>"[order] + DTYPES[dtype])
        elif kind == FRAME:
            number, array = struct.unpack_from("<Q", head, 32)[0], bytearray(struct.unpack_from("<Q", head, 112)[0])
        elif kind == DATA:
            done, offset = struct.unpack_from("<QQ", head, 16)
            array[offset:offset + len(body[0])] = body[0]
            if offset + len(body[0]) == len(array):
                yield number, np.ndarray(shape, dtype, array, 0, strides)
        elif kind == STATE:
            done = struct.unpack_from("<Q", head, 16)[0] or done
        socket.send(message(CREDIT, session, struct.pack("<QQ", done + 1, done)))


if __name__ == "__main__":
    for count, (frame_number, picture) in enumerate(frames(sys.argv[1], sys.argv[2]), 1):
        print(f"frame {frame_number}: {picture.dtype} {picture.shape}, mean {picture.mean():.1f}", flush=True)
        if len(sys.argv) > 3 and count == int(sys.argv[3]):
            break
