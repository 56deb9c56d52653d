# SPDX-License-Identifier: BSD-3-Clause
"""How long NumPy arrays take through a tag, against memcpy and against copying through mmap in plain Python.

    meson test -C build --benchmark python --verbose

and, with `changes` as its argument, ways to have frames that a program may change:

    meson devenv -C build /usr/bin/python3 ../tests/bench/python_bench.py changes

The contenders take turns of some frames, so that what else the machine does hits all alike. The best frame of a
turn counts: the others are slower because another process ran on the core, or another contender, and left it cold
caches. Ratios are medians of the ratios of one turn.

The reader is a process of its own that looks until there is a frame; timed is the look that finds it. The frames it
looks for are published in place and not filled: so as much time lies between them, and as much happens to its caches
meanwhile, whatever their size.

Ends with an error if a target is missed: write at most 1.3 x memcpy of a 1080p frame, read below 20 microseconds
whatever the size.
"""

import mmap
import multiprocessing
import os
import statistics
import struct
import sys
import tempfile
import time

import numpy as np

import ndsharray

SIZES = {"VGA": (480, 640, 3), "1080p": (1080, 1920, 3), "4K": (2160, 3840, 3)}
TURNS = 30
WARM_UP = 3
FRAMES = 10  # of a turn
SLOTS = 8

WRITE_TARGET = {"1080p": 1.3}  # of memcpy
READ_TARGET = 20.0  # microseconds


class MmapWriter:
    """What a program does that has only Python's standard library: time, bytes, time."""

    def __init__(self, path, size):
        with open(path, "wb") as file:
            file.truncate(size + 16)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), size + 16)

    def write(self, array):
        when = struct.pack("d", time.monotonic())
        self._map[:] = when + array.tobytes() + when


class MmapReader:
    def __init__(self, path, shape):
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self._shape = shape
        self._last = 0.0

    def read(self):
        (start,) = struct.unpack("d", self._map[:8])
        if start == self._last:
            return None
        content = self._map[8:]
        if struct.unpack("d", content[-8:])[0] != start:
            return None
        self._last = start
        return np.frombuffer(content[:-8], np.uint8).reshape(self._shape)


def array_of(reader):
    frame = reader.read(0)
    return None if frame is None else frame.array


def array_of_drop_in(reader):
    valid, array = reader.read()
    return array if valid else None


def read_frames(path, shape, connection):
    """In a process of its own: times the look that finds a frame, by each contender in turn."""
    looks = {
        "tag": (ndsharray.Reader("tag"), array_of),
        "NdShArray": (ndsharray.NdShArray("tag", r_w="r"), array_of_drop_in),
        "mmap": (MmapReader(path, shape), MmapReader.read),
    }
    connection.send("ready")
    while (name := connection.recv()) is not None:
        reader, look = looks[name]
        array = None
        while array is None:
            start = time.perf_counter()
            array = look(reader)
            end = time.perf_counter()
        connection.send(end - start)


def timed(call, *arguments):
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def measure(shape):
    """Seconds by contender, a list each, for writing and for reading."""
    arrays = [np.random.default_rng(key).integers(0, 256, shape, np.uint8) for key in range(2)]
    one, many = np.empty(shape, np.uint8), [np.zeros(shape, np.uint8) for _ in range(SLOTS)]
    path = os.path.join(os.environ["NDSHARRAY_DIR"], "reference")
    reference = MmapWriter(path, arrays[0].nbytes)
    here, there = multiprocessing.Pipe()
    with ndsharray.Writer("tag", slots=SLOTS) as writer:
        process = multiprocessing.get_context("spawn").Process(target=read_frames, args=(path, shape, there))
        process.start()
        here.recv()

        def publish(number):
            writer.publish(writer.acquire(shape))

        def write_reference(number):
            reference.write(arrays[number % 2])

        def read(name, write):
            here.send(name)
            write(0)
            return here.recv()

        writes = {
            "memcpy": lambda number: np.copyto(one, arrays[number % 2]),
            "memcpy to 8 buffers": lambda number: np.copyto(many[number % SLOTS], arrays[number % 2]),
            "tag": lambda number: writer.write(arrays[number % 2]),
            "mmap": write_reference,
        }
        reads = {"tag": publish, "NdShArray": publish, "mmap": write_reference}
        write_times = {name: [] for name in writes}
        read_times = {name: [] for name in reads}
        for turn in range(WARM_UP + TURNS):
            for name, write in writes.items():
                write_times[name].append(min(timed(write, number) for number in range(FRAMES)))
            for name in reads:  # sees what was written just now
                read(name, reads[name])
            for name, write in reads.items():
                read_times[name].append(min(read(name, write) for _ in range(FRAMES)))
        here.send(None)
        process.join()
    os.unlink(path)
    return [{name: times[WARM_UP:] for name, times in by_name.items()} for by_name in (write_times, read_times)]


def draw_boxes(array):
    """What a detector leaves: six frames of 200 x 150, three pixels wide."""
    for number in range(6):
        top, left = 100 + number * 120, 150 + number * 250
        for rows in slice(top, top + 3), slice(top + 147, top + 150):
            array[rows, left : left + 200] = (0, 255, 0)
        for columns in slice(left, left + 3), slice(left + 197, left + 200):
            array[top : top + 150, columns] = (0, 255, 0)


def change_all(array):
    np.add(array, 1, out=array)


def measure_changes():
    """Prints how long a 1080p frame takes from the read to its end, with changes between.

    "copied on write" is a private mapping of the same pixels whose pages are discarded after each frame.
    """
    shape = SIZES["1080p"]
    size = int(np.prod(shape))
    with (
        ndsharray.Writer("tag", slots=SLOTS) as writer,
        ndsharray.Reader("tag") as reader,
        ndsharray.Reader("tag", writable=True) as writable_reader,
        tempfile.TemporaryFile(dir=os.environ["NDSHARRAY_DIR"]) as file,
    ):
        file.write(bytes(size))
        file.flush()
        private = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)
        pages = np.frombuffer(private, np.uint8).reshape(shape)

        def by_writable_reader(change):
            change(writable_reader.read().array)

        def by_copy(change):
            change(reader.read().copy())

        def by_pages(change):
            reader.read()
            change(pages)
            private.madvise(mmap.MADV_DONTNEED)

        ways = {"Reader(writable=True)": by_writable_reader, "frame.copy()": by_copy, "copied on write": by_pages}
        for change in draw_boxes, change_all:
            times = {name: [] for name in ways}
            for turn in range(WARM_UP + TURNS):
                for name, way in ways.items():
                    turns = []
                    for _ in range(FRAMES):
                        writer.publish(writer.acquire(shape))
                        turns.append(timed(way, change))
                    times[name].append(min(turns))
            for name, found in times.items():
                print(f"{change.__name__:12} {name:24} {microseconds(found[WARM_UP:]):10.1f} us")


def ratio(results, name, to):
    return statistics.median(a / b for a, b in zip(results[name], results[to]))


def microseconds(times):
    return statistics.median(times) * 1e6


def report(size, writes, reads):
    """Prints what was measured; returns the targets that were missed."""
    print(f"{size} {SIZES[size]}")
    for name, times in writes.items():
        print(f"  write  {name:20} {microseconds(times):10.1f} us   {ratio(writes, name, 'memcpy'):6.2f} x memcpy")
    for name, times in reads.items():
        print(f"  read   {name:20} {microseconds(times):10.1f} us   {ratio(reads, 'mmap', name):6.0f} x as fast as mmap")
    missed = []
    if ratio(writes, "tag", "memcpy") > WRITE_TARGET.get(size, float("inf")):
        found = ratio(writes, "tag", "memcpy")
        missed.append(f"{size}: write is {found:.2f} x memcpy, not {WRITE_TARGET[size]}")
    for name in "tag", "NdShArray":
        if microseconds(reads[name]) > READ_TARGET:
            missed.append(f"{size}: read of {name} takes {microseconds(reads[name]):.1f} us, not {READ_TARGET}")
    return missed


def main():
    shared_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="python-bench.", dir=shared_memory) as directory:
        os.environ["NDSHARRAY_DIR"] = directory
        missed = []
        if sys.argv[1:] == ["changes"]:
            measure_changes()
            return
        for size, shape in SIZES.items():
            missed += report(size, *measure(shape))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, NumPy {np.__version__}")
    sys.exit("\n".join(missed) or 0)


if __name__ == "__main__":
    main()
