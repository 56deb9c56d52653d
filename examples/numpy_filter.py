#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Puts NumPy between two pipelines: numpy_filter.py FROM TO [FRAMES] reads one tag and writes another.

The filter shows where brightness changes: the difference of neighbouring pixels. Any function of an array
that returns one will do instead, such as OpenCV's.
"""

import itertools
import sys
from typing import Optional

import numpy as np
import numpy.typing as npt

import ndsharray


def edges(picture: npt.NDArray[np.uint8], result: npt.NDArray[np.uint8]) -> None:
    """Fills `result` with how much each pixel differs from the one to its left."""
    result[:, 0] = 0
    np.subtract(np.maximum(picture[:, 1:], picture[:, :-1]), np.minimum(picture[:, 1:], picture[:, :-1]),
                out=result[:, 1:])  # fmt: skip


def run(source: str, target: str, frames: Optional[int]) -> None:
    with ndsharray.Reader(source) as reader:
        print(f"waiting for {source}", flush=True)
        frame = next(reader, None)
        if frame is None:
            return
        with ndsharray.Writer(target, attributes=frame.attributes) as writer:
            for frame in itertools.islice(itertools.chain([frame], reader), frames):
                result = writer.acquire(frame.array.shape, frame.array.dtype)
                if result is not None:
                    edges(frame.array, result)
                    writer.publish(result, like=frame)
            writer.end_of_stream()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: numpy_filter.py FROM TO [FRAMES]")
    try:
        run(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else None)
    except KeyboardInterrupt:
        pass
    except ndsharray.Error as error:
        sys.exit(f"{error}")
