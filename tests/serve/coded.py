# SPDX-License-Identifier: BSD-3-Clause
"""A number drawn into a picture in squares that survive scaling and encoding; as a program, a writer of such pictures:
coded.py TAG SHAPE [DTYPE [CAPS]] writes 30 a second, each with the microsecond of its publication."""
import json
import sys
import time

import numpy as np

import ndsharray

#: Squares in a row and a column, over the whole width and the upper half of the picture.
COLUMNS, ROWS = 8, 4
BITS = COLUMNS * ROWS


def squares(height, width):
    """For each bit the slices of its square."""
    high, wide = height // 2 // ROWS, width // COLUMNS
    for bit in range(BITS):
        row, column = divmod(bit, COLUMNS)
        yield bit, slice(row * high, (row + 1) * high), slice(column * wide, (column + 1) * wide)


def draw(picture, number, white=255):
    """Into (H, W) or (H, W, C)."""
    for bit, rows, columns in squares(*picture.shape[:2]):
        picture[rows, columns] = white if number >> bit & 1 else 0


def read(picture):
    """What was drawn, from a gray picture; None where a square is neither black nor white."""
    number = 0
    for bit, rows, columns in squares(*picture.shape):
        square = picture[rows, columns]
        high, wide = square.shape
        value = square[high // 4:-(high // 4) or None, wide // 4:-(wide // 4) or None].mean()
        if 80 < value < 176:
            return None
        number |= int(value > 128) << bit
    return number


def now():
    """Microseconds, as far as they fit."""
    return time.monotonic_ns() // 1000 % (1 << BITS)


def since(number):
    """Microseconds that went by."""
    return (now() - number) % (1 << BITS)


def background(shape, dtype, white):
    """Something to encode: waves."""
    rows, columns = np.mgrid[0:shape[0], 0:shape[1]]
    waves = (np.sin(rows / 17) + np.sin(columns / 23) + 2) / 4 * white
    return np.broadcast_to(waves.reshape(shape[:2] + (1,) * (len(shape) - 2)), shape).astype(dtype)


def main():
    tag, shape = sys.argv[1], tuple(json.loads(sys.argv[2]))
    dtype = np.dtype(sys.argv[3] if len(sys.argv) > 3 else "uint8")
    white = 255 if dtype == np.uint8 else 1
    waves = background(shape, dtype, white)
    writer = ndsharray.Writer(tag, attributes={"caps": sys.argv[4]} if len(sys.argv) > 4 else None)
    due = time.monotonic()
    for count in range(sys.maxsize):
        picture = np.roll(waves, count * 3, axis=1)
        draw(picture, now(), white)
        writer.write(picture)
        due += 1 / 30
        time.sleep(max(0, due - time.monotonic()))


if __name__ == "__main__":
    main()
