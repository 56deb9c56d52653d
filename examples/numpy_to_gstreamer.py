#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws pictures with NumPy, in shared memory, 30 a second: numpy_to_gstreamer.py TAG [FRAMES]

gst-launch-1.0 ndshsrc tag=TAG ! videoconvert ! autovideosink shows them.
"""

import itertools
import sys
import time

import numpy as np
import numpy.typing as npt

import ndsharray

HEIGHT, WIDTH, RATE = 480, 640, 30
CAPS = f"video/x-raw,format=RGB,width={WIDTH},height={HEIGHT},framerate={RATE}/1"


def draw(picture: npt.NDArray[np.uint8], step: int) -> None:
    """A gradient that moves to the left."""
    columns = np.arange(WIDTH) + 4 * step
    picture[..., 0] = columns
    picture[..., 1] = np.arange(HEIGHT)[:, np.newaxis] // 2
    picture[..., 2] = 128


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: numpy_to_gstreamer.py TAG [FRAMES]")
    tag, frames = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else None
    with ndsharray.Writer(tag, attributes={"caps": CAPS}) as writer:
        print(f"writing {tag}", flush=True)
        start = time.monotonic()
        for step in itertools.count() if frames is None else range(frames):
            picture = writer.acquire((HEIGHT, WIDTH, 3), np.uint8)
            if picture is not None:
                draw(picture, step)
                writer.publish(picture)
            time.sleep(max(0, start + (step + 1) / RATE - time.monotonic()))
        writer.end_of_stream()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except ndsharray.Error as error:
        sys.exit(f"{error}")
