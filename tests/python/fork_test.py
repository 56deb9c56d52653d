# SPDX-License-Identifier: BSD-3-Clause
"""Forking with open objects: by every start method, from other threads, and with children that outlive parents."""

import multiprocessing
import os
import signal
import threading
import time
import unittest

import numpy as np
from tag_test import DEADLINE, TagTest, picture, wait_until

from ndsharray import Reader, Writer


def largest(tag):
    """Looks at a frame of the tag with a reader of its own."""
    with Reader(tag) as reader:
        return int(reader.read(timeout=DEADLINE).array.max())


def tell_and_stay(tag):
    """Reads with a reader of its own, says which process this is, and lives on for a while."""
    print(os.getpid(), largest(tag), flush=True)
    time.sleep(2 * DEADLINE)


START_AND_STAY = """
import multiprocessing, sys, time
import numpy
import ndsharray
from fork_test import tell_and_stay

if __name__ == "__main__":
    writer, reader = ndsharray.Writer("tag", backpressure=True), ndsharray.Reader("tag", mode="every")
    other = ndsharray.Reader("other", mode="every")
    writer.write(numpy.arange(10))
    frame, held = reader.read(timeout=10), other.read(timeout=10)
    multiprocessing.get_context(sys.argv[1]).Process(target=tell_and_stay, args=("tag",)).start()
    time.sleep(3600)
"""

EXCHANGE = """
import multiprocessing, sys
import numpy
from ndsharray import Reader, Writer
from processes_test import double
from tag_test import DEADLINE, picture

if __name__ == "__main__":
    with Writer("forth") as writer, Reader("back") as reader:
        writer.write(picture(1, dtype=numpy.uint16))
        process = multiprocessing.get_context(sys.argv[1]).Process(target=double, args=("forth", "back"))
        process.start()
        frames = iter(lambda: reader.read(timeout=DEADLINE), None)
        array = next(frame.array for frame in frames if frame.array.size)
        print((array == picture(1, dtype=numpy.uint16) * 2).all())
        with Writer("back.done") as done:
            done.write(numpy.zeros(1))
            process.join(DEADLINE)
        print(process.exitcode)
"""


def is_alive(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] not in "ZX"


class Fork(TagTest):
    def test_every_start_method_exchanges_arrays_with_open_objects(self):
        for method in "fork", "forkserver", "spawn":
            with self.subTest(method):
                process = self.start(EXCHANGE, method)
                self.assertEqual(self.assert_succeeds(process).split(), ["True", "0"])

    def test_tags_and_leases_of_a_killed_parent_are_free_although_its_child_lives(self):
        for method in "fork", "forkserver", "spawn":
            with self.subTest(method), Writer("other", backpressure=True, slots=3) as held_back:
                held_back.write(picture(1))
                parent = self.start(START_AND_STAY, method)
                pid, found = map(int, parent.stdout.readline().split())
                self.assertEqual(found, 9)
                try:
                    parent.kill()
                    parent.wait()
                    with Writer("tag") as writer:  # as its parent held it, so would the child
                        writer.write(picture(2))
                        self.assertEqual(largest("tag"), picture(2).max())
                    for key in range(10):
                        self.assertTrue(held_back.write(picture(key)))
                    self.assertTrue(wait_until(lambda: held_back.stats["readers"] == 0))
                    self.assertTrue(is_alive(pid), "the child was to be alive")
                finally:
                    os.kill(pid, signal.SIGKILL)

    def test_pool_that_forks_while_threads_write_and_read_does_its_work(self):
        enough_read, enough_written = threading.Event(), threading.Event()
        failures = []

        def write(writer):
            while not enough_written.is_set():
                writer.write(np.full(1000, 7, np.uint8))

        def read(reader):
            while not enough_read.is_set():
                frame = reader.read(timeout=DEADLINE)
                if frame is None or frame.array.max() != 7:
                    failures.append(frame)

        with Writer("tag") as writer, Reader("tag") as reader, Reader("tag", max_leases=0) as copying:
            writer.write(np.full(1000, 7, np.uint8))
            writing = threading.Thread(target=write, args=(writer,))
            readings = [threading.Thread(target=read, args=(one,)) for one in (reader, copying)]
            for thread in (writing, *readings):
                thread.start()
            try:
                # Each child does one task and is replaced: forked by a thread of the pool.
                with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
                    results = pool.map_async(largest, ["tag"] * 40, chunksize=1)
                    self.assertEqual(results.get(DEADLINE), [7] * 40)
            finally:
                # Readers first: one that has begun to wait gets the next frame.
                enough_read.set()
                for thread in readings:
                    thread.join(DEADLINE)
                enough_written.set()
                writing.join(DEADLINE)
            self.assertEqual(failures, [])

    def test_child_that_drops_what_it_inherited_takes_nothing_from_its_parent(self):
        writer, reader = Writer("tag", slots=3), Reader("tag")
        writer.write(picture(1))
        frame = reader.read(timeout=10)
        pid = os.fork()
        if pid == 0:
            del frame, reader, writer
            os._exit(0)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        for key in range(2, 20):
            self.assertTrue(writer.write(picture(key)))
        self.assert_same(frame.array, picture(1))
        self.assert_same(reader.read(timeout=10).array, picture(19))
        reader.close()
        writer.close()


if __name__ == "__main__":
    unittest.main()
