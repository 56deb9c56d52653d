#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads the frames under a tag as NumPy arrays, in place: numpy_reader.py TAG [FRAMES]"""

import itertools
import sys

import ndsharray


def main() -> int:
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: numpy_reader.py TAG [FRAMES]")
    tag, frames = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else None
    arrived = 0
    with ndsharray.Reader(tag) as reader:
        print(f"waiting for {tag}", flush=True)
        for frame in itertools.islice(reader, frames):
            picture = frame.array
            print(
                f"frame {frame.number}: {picture.dtype} {picture.shape}, mean {picture.mean():.1f}, "
                f"{frame.age_ms:.2f} ms old",
                flush=True,
            )
            arrived += 1
    return 0 if arrived else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        pass
    except ndsharray.Error as error:
        sys.exit(f"{error}")
