# SPDX-License-Identifier: BSD-3-Clause
"""The second writer as a process: write_frames.py TAG FIRST COUNT backpressure|free|alone, as library_side.cpp has it."""
import sys
import time

import content
from writer import Writer


def main(tag, first, count, how):
    writer = Writer(tag, backpressure=how == "backpressure")
    deadline = time.monotonic() + 20
    while how != "alone" and not writer.readers():
        if time.monotonic() > deadline:
            sys.exit("no reader came")
        time.sleep(0.002)
    configured = None
    for position in range(int(first), int(first) + int(count)):
        layout = content.layout(position)
        if layout != configured:
            writer.configure(layout.dtype, layout.shape, layout.strides, layout.frame_bytes, {"caps": layout.caps})
            configured = layout
        if not writer.write(content.pixels(position), offset=position, pts=position * 1000):
            sys.exit(f"no slot at {position}")
    if how == "alone":
        print("written", flush=True)
        sys.stdin.read()  # until it is killed, or may leave
    if not writer.drained(20):
        sys.exit("the last frame was not taken")
    writer.end_of_stream()
    time.sleep(0.1)
    writer.close()


main(*sys.argv[1:])
