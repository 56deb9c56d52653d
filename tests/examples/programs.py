# SPDX-License-Identifier: BSD-3-Clause
"""Runs programs that share tags, each with a deadline, in a directory of their own."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

PATIENCE = int(os.environ.get("TEST_PATIENCE", "1"))  # how many times slower everything may be than it is
FRAMES_PER_SECOND = 30  # of the examples that write
DEADLINE = 30 * PATIENCE  # seconds for whatever a test waits for

REPORT = re.compile(
    r"received (?P<frames>\d+) frames, (?P<rate>[\d.]+) frames/s, "
    r"latency (?P<latency>[\d.]+) ms \(at most (?P<most>[\d.]+) ms\), missed (?P<missed>\d+)"
)


def example(name):
    """Path of a built example program."""
    return os.path.join(os.environ["EXAMPLES_DIR"], name)


class Program:
    """A running program; what it prints is collected as it comes."""

    def __init__(self, command, environment):
        self.command = " ".join(command)
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._changed = threading.Condition()
        self._lines = []
        self._seen = 0
        self._closed = False
        self._collector = threading.Thread(target=self._collect)
        self._collector.start()

    def _collect(self):
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def output(self):
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, text):
        """Waits for a line with this text after those waited for before; false if it does not come."""

        deadline = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                while self._seen < len(self._lines):
                    self._seen += 1
                    if text in self._lines[self._seen - 1]:
                        return True
                if self._closed or not self._changed.wait(deadline - time.monotonic()):
                    return False

    def send(self, signal_number):
        self._process.send_signal(signal_number)

    def end(self):
        """Waits until the program ended by itself; its exit status, or none if it had to be killed."""
        try:
            status = self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            status = None
        self.kill()
        return status

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._collector.join()
        self._process.stdout.close()


class ProgramTest(unittest.TestCase):
    """A test case whose programs share tags in an empty directory, which they must leave empty."""

    def setUp(self):
        shared_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = tempfile.mkdtemp(prefix="examples-test.", dir=shared_memory)
        self.addCleanup(shutil.rmtree, self.directory)
        self.environment = dict(os.environ, NDSHARRAY_DIR=self.directory)

    def start(self, *command):
        """Starts a program; it is killed at the end of the test if it still runs."""
        program = Program(command, self.environment)
        self.addCleanup(program.kill)
        return program

    def output_of(self, program, status=0):
        """What the program printed, once it ended by itself with this exit status."""
        self.assertEqual(program.end(), status, f"exit status of {program.command}, which printed:\n{program.output()}")
        return program.output()

    def interrupt(self, program):
        """Ends a program as Ctrl-C does; returns what it printed."""
        program.send(signal.SIGINT)
        return self.output_of(program)

    def assert_prints(self, program, text):
        """Waits for a line with this text after those asserted before."""
        self.assertTrue(program.wait_for(text), f"no {text!r} from {program.command}, which printed:\n{program.output()}")

    def start_reader(self, *command):
        """Starts a reader and waits until it waits for frames."""
        program = self.start(*command)
        self.assert_prints(program, "waiting for ")
        return program

    def report_in(self, output):
        """The numbers in a reader's last line."""
        match = REPORT.search(output)
        self.assertIsNotNone(match, f"no report in:\n{output}")
        return {name: float(value) for name, value in match.groupdict().items()}

    def assert_nothing_left(self):
        self.assertEqual(os.listdir(self.directory), [])
