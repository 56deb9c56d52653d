#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws boxes with OpenCV between two pipelines: numpy_boxes.py FROM TO [FRAMES] reads one tag and writes another.

The box is where the picture is brightest; what finds people, cars or codes takes the place of brightest().
"""

import itertools
import sys
from typing import Optional, Tuple

import cv2
import numpy as np
import numpy.typing as npt

import ndsharray


def brightest(picture: npt.NDArray[np.uint8], size: int = 16) -> Tuple[Tuple[int, int], Tuple[int, int]]:
    """Corners of the brightest square of this size: (left, top), (right, bottom)."""
    height, width = (length // size * size for length in picture.shape[:2])
    squares = picture[:height, :width].reshape(height // size, size, width // size, -1).mean(axis=(1, 3))
    row, column = np.unravel_index(squares.argmax(), squares.shape)
    left, top = int(column) * size, int(row) * size
    return (left, top), (left + size - 1, top + size - 1)


def run(source: str, target: str, frames: Optional[int]) -> None:
    with ndsharray.Reader(source, writable=True) as reader:
        print(f"waiting for {source}", flush=True)
        frame = next(reader, None)
        if frame is None:
            return
        with ndsharray.Writer(target, attributes=frame.attributes) as writer:
            for frame in itertools.islice(itertools.chain([frame], reader), frames):
                picture = frame.array
                cv2.rectangle(picture, *brightest(picture), (0, 255, 0), 2)
                writer.write(picture, like=frame)
            writer.end_of_stream()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: numpy_boxes.py FROM TO [FRAMES]")
    try:
        run(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else None)
    except KeyboardInterrupt:
        pass
    except ndsharray.Error as error:
        sys.exit(f"{error}")
