# SPDX-License-Identifier: BSD-3-Clause
"""Processes and threads: fork, spawn, kill, Ctrl-C, the end of Python, and other threads while one waits."""

import multiprocessing
import signal
import subprocess
import threading
import time
import unittest

import numpy as np
from tag_test import DEADLINE, TagTest, picture, wait_until

import ndsharray
from ndsharray import NdShArray, Reader, Writer


def double(source, target):
    """Reads one array, writes twice of it, and waits until that was read."""
    with Reader(source) as reader, Writer(target) as writer:
        writer.write(reader.read(timeout=DEADLINE).array * 2)
        with Reader(target + ".done") as done:
            done.read(timeout=DEADLINE)


def drop_in_double(source, target):
    reader, writer = NdShArray(source, r_w="r"), NdShArray(target, r_w="w")
    wait_until(lambda: reader.read()[0])
    writer.write(reader.read()[1] * 2)
    done = NdShArray(target + ".done", r_w="r")
    wait_until(lambda: done.read()[0])


def error_codes(reader, writer, drop_in, queue):
    """What comes of using objects of the parent."""
    codes = []
    for call in lambda: reader.read(0), lambda: writer.write(picture(1)), lambda: drop_in.write(picture(1)):
        try:
            call()
            codes.append("none")
        except ndsharray.Error as error:
            codes.append(error.code)
    queue.put(codes)


def write_and_return(tag):
    global kept
    kept = Writer(tag)  # not closed, and not out of scope when this returns
    kept.write(picture(1))


class Multiprocessing(TagTest):
    def run_in(self, context, target, *arguments):
        process = context.Process(target=target, args=arguments)
        process.start()
        self.addCleanup(process.kill)
        return process

    def assert_ends(self, process):
        process.join(DEADLINE)
        self.assertEqual(process.exitcode, 0)

    def exchange(self, method, target):
        process = self.run_in(multiprocessing.get_context(method), target, "forth", "back")
        with Writer("forth") as writer, Reader("back") as reader:
            writer.write(picture(1, dtype=np.uint16))
            frames = iter(lambda: reader.read(timeout=DEADLINE), None)
            array = next(frame.array for frame in frames if frame.array.size)
            self.assert_same(array, picture(1, dtype=np.uint16) * 2)
            with Writer("back.done") as done:
                done.write(np.zeros(1))
                self.assert_ends(process)

    def test_forked_process_exchanges_arrays(self):
        self.exchange("fork", double)

    def test_spawned_process_exchanges_arrays(self):
        self.exchange("spawn", double)

    def test_forked_process_exchanges_arrays_with_the_drop_in_class(self):
        self.exchange("fork", drop_in_double)

    def test_spawned_process_exchanges_arrays_with_the_drop_in_class(self):
        self.exchange("spawn", drop_in_double)

    def test_objects_of_the_parent_say_so_and_stay_the_parents(self):
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        reader, writer, drop_in = Reader("tag"), Writer("tag"), NdShArray("other", r_w="w")
        writer.write(picture(1))
        frame = reader.read(timeout=10)
        process = self.run_in(context, error_codes, reader, writer, drop_in, queue)
        self.assertEqual(queue.get(timeout=DEADLINE), ["Forked"] * 3)
        self.assert_ends(process)
        self.assert_same(frame.array, picture(1))
        writer.write(picture(2))
        self.assert_same(reader.read(timeout=10).array, picture(2))
        writer.close()

    def test_drop_in_reader_of_the_parent_reads_on_in_a_child(self):
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        writer, reader = NdShArray("tag", picture(1), "w"), NdShArray("tag", r_w="r")
        reader.read()
        process = self.run_in(context, lambda: queue.put(reader.read()))
        valid, array = queue.get(timeout=DEADLINE)
        self.assertTrue(valid)
        self.assert_same(array, picture(1))
        self.assert_ends(process)
        writer.write(picture(2))
        self.assert_same(reader.read()[1], picture(2))

    def test_array_of_the_parent_can_be_read_in_a_child(self):
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        with Writer("tag") as writer, Reader("tag") as reader:
            writer.write(picture(1))
            frame = reader.read(timeout=10)
            process = self.run_in(context, lambda: queue.put(frame.array.copy()))
            self.assert_same(queue.get(timeout=DEADLINE), picture(1))
            self.assert_ends(process)

    def test_process_that_returns_leaves_nothing(self):
        for method in "fork", "spawn":
            self.assert_ends(self.run_in(multiprocessing.get_context(method), write_and_return, "tag"))
            self.assertEqual(self.files(), [])


WRITE_AND_WAIT = """
import ndsharray, numpy, sys
writer = ndsharray.Writer("tag")
writer.write(numpy.arange(10))
print("written", flush=True)
sys.stdin.readline()
"""

READ_FOR_EVER = """
import ndsharray
reader = ndsharray.Reader("tag")
print("reading", flush=True)
try:
    for frame in reader:
        pass
except KeyboardInterrupt:
    print("interrupted")
"""

WAIT_FOR_READERS = """
import ndsharray, numpy
with ndsharray.Writer("tag", backpressure=True) as writer:
    try:
        print("waiting", flush=True)
        writer.wait_for_reader()
        while True:
            writer.write(numpy.zeros(10))
    except KeyboardInterrupt:
        print("interrupted")
"""


END_BESIDE_DAEMONS = """
import ndsharray, numpy, threading, time
def read(tag):
    with ndsharray.Reader(tag) as reader:
        for frame in reader:
            pass
def write():
    writer = ndsharray.Writer("other")
    while True:
        writer.write(numpy.zeros((480, 640)))
for target, arguments in (read, ["tag"]), (read, ["nobody"]), (read, ["other"]), (write, []):
    threading.Thread(target=target, args=arguments, daemon=True).start()
with ndsharray.Writer("tag") as writer:
    for number in range(20):
        writer.write(numpy.zeros((480, 640)))
        time.sleep(0.005)
"""

# What was registered first runs last: the daemon thread has time to meet the closed writer.
WRITE_WHILE_IT_ENDS = "import atexit, time; atexit.register(time.sleep, 0.5)" + """
import ndsharray, numpy, threading
writer = ndsharray.Writer("tag")
def write():
    while True:
        writer.write(numpy.zeros((480, 640)))
threading.Thread(target=write, daemon=True).start()
while not writer.stats["published"]:
    time.sleep(0.001)
"""

CHANGE_SHAPES = """
import ndsharray, numpy
with ndsharray.Writer("tag", backpressure=True) as writer:
    try:
        writer.write(numpy.zeros(1))
        print("waiting", flush=True)
        writer.wait_for_reader()
        for size in range(1, 100):
            writer.write(numpy.zeros(size))
    except KeyboardInterrupt:
        print("interrupted")
"""


class Programs(TagTest):
    def start_until(self, code, line):
        process = self.start(code)
        self.assertEqual(process.stdout.readline().strip(), line)
        return process

    def interrupt(self, process):
        """Ctrl-C, until it is answered: it may come before Python listens."""
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.assert_succeeds(process).strip(), "interrupted")
        self.assertLess(time.monotonic() - start, 5)

    def wait_in_kernel(self, process):
        def sleeps():
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
                return file.read().rpartition(")")[2].split()[0] == "S"

        self.assertTrue(wait_until(sleeps))

    def test_writer_that_is_not_closed_is_when_python_ends(self):
        process = self.start_until(WRITE_AND_WAIT, "written")
        with Reader("tag") as reader:
            self.assertEqual(reader.read(timeout=10).array.sum(), 45)
            process.stdin.write("\n")
            self.assert_succeeds(process)
            self.assertIsNone(reader.read(timeout=10))
            self.assertEqual(reader.status, "Disconnected")

    def test_python_ends_while_daemon_threads_read_and_write(self):
        for _ in range(3):
            self.assert_succeeds(self.start(END_BESIDE_DAEMONS))

    def test_daemon_thread_that_writes_while_python_ends_prints_no_error(self):
        process = self.start(WRITE_WHILE_IT_ENDS, stderr=subprocess.STDOUT)
        self.assertEqual(self.assert_succeeds(process), "")

    def test_killed_writer_is_noticed_and_succeeded(self):
        with Reader("tag") as reader:
            first = self.start_until(WRITE_AND_WAIT, "written")
            self.assertIsNotNone(reader.read(timeout=10))
            first.kill()
            self.assertIsNone(reader.read(timeout=10))
            self.assertEqual(reader.status, "Disconnected")
            second = self.start_until(WRITE_AND_WAIT, "written")
            self.assertTrue(reader.read(timeout=10).first_of_writer)
            second.stdin.write("\n")
            self.assert_succeeds(second)

    def test_interrupt_ends_a_read_that_waits_for_a_writer(self):
        process = self.start_until(READ_FOR_EVER, "reading")
        self.wait_in_kernel(process)
        self.interrupt(process)

    def test_interrupt_ends_a_read_that_waits_for_a_frame(self):
        with Writer("tag") as writer:
            writer.write(picture(1))
            process = self.start_until(READ_FOR_EVER, "reading")
            self.assertTrue(writer.wait_for_reader(timeout=10))
            self.wait_in_kernel(process)
            self.interrupt(process)

    def test_interrupt_ends_a_writer_that_waits_for_its_first_reader(self):
        process = self.start_until(WAIT_FOR_READERS, "waiting")
        self.wait_in_kernel(process)
        self.interrupt(process)

    def test_interrupt_ends_a_writer_that_waits_for_a_slow_reader(self):
        process = self.start_until(WAIT_FOR_READERS, "waiting")
        with Reader("tag", "every") as reader:
            self.assertIsNotNone(reader.read(timeout=10))
            self.wait_in_kernel(process)
            self.interrupt(process)


    def test_interrupt_ends_a_writer_that_waits_to_change_the_shape(self):
        process = self.start_until(CHANGE_SHAPES, "waiting")
        with Reader("tag", "every") as reader:
            self.assertIsNotNone(reader.read(timeout=10))
            self.wait_in_kernel(process)
            self.interrupt(process)


class Threads(TagTest):
    def counts_while(self, wait):
        """How often another thread gets to run while this one waits."""
        stop, count = threading.Event(), 0

        def work():
            nonlocal count
            while not stop.is_set():
                count += 1

        thread = threading.Thread(target=work)
        thread.start()
        before = count
        wait()
        after = count
        stop.set()
        thread.join()
        return after - before

    def test_other_threads_run_while_a_reader_waits(self):
        with Reader("tag") as reader:
            self.assertGreater(self.counts_while(lambda: reader.read(timeout=0.5)), 1000)

    def test_other_threads_run_while_a_writer_waits(self):
        with Writer("tag", backpressure=True) as writer:
            self.assertGreater(self.counts_while(lambda: writer.wait_for_reader(timeout=0.5)), 1000)

    def test_other_threads_run_while_a_large_array_is_copied(self):
        array = np.zeros(200_000_000, np.uint8)
        with Writer("tag", slots=3) as writer:
            writer.write(array)
            self.assertGreater(self.counts_while(lambda: writer.write(array)), 1000)

    def test_many_threads_write_and_read_many_tags(self):
        errors = []

        def exchange(tag):
            try:
                with Writer(tag) as writer, Reader(tag) as reader:
                    for key in range(100):
                        writer.write(np.full((20, 30), key, np.uint8))
                        if reader.read(timeout=10).array[3, 4] != key:
                            errors.append((tag, key))
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=exchange, args=(f"tag{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        self.assertEqual(errors, [])


if __name__ == "__main__":
    unittest.main()
