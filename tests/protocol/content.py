# SPDX-License-Identifier: BSD-3-Clause
"""What the frames of these tests hold, the same as in library_side.cpp: three layouts that take turns, and in each
8-byte word the position of the frame in the stream."""
import struct
from collections import namedtuple

FRAMES_PER_LAYOUT = 400

Layout = namedtuple("Layout", "dtype shape strides frame_bytes caps")
LAYOUTS = [
    Layout(4, (48, 64), (64, 1), 48 * 64, "first"),
    Layout(5, (40, 50), (128, 2), 40 * 128, "second"),  # padded rows
    Layout(4, (3, 40, 64), (2560, 64, 1), 3 * 2560, "third"),
]


def layout(position):
    return LAYOUTS[position // FRAMES_PER_LAYOUT % len(LAYOUTS)]


def pixels(position):
    return struct.pack("=Q", position) * (layout(position).frame_bytes // 8)


def problem(frame):
    """What is wrong with a frame that was read; nothing if it is whole and its layout is its own."""
    position = frame.info.offset
    header, expected = frame.segment.header, layout(position)
    if frame.info.pts != position * 1000:
        return f"frame {frame.info.number}: pts {frame.info.pts} with position {position}"
    found = Layout(header.dtype, header.shape[:header.ndim], header.strides[:header.ndim], header.frame_bytes,
                   frame.segment.attributes.get("caps"))
    if found != expected:
        return f"frame {frame.info.number} at {position}: {found} instead of {expected}"
    if bytes(frame.pixels) != pixels(position):
        words = set(struct.unpack(f"={len(frame.pixels) // 8}Q", frame.pixels))
        return f"frame {frame.info.number} at {position}: torn, of {sorted(words)[:5]}"
    return None
