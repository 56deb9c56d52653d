# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the Python module share: a private directory for tags, and waiting with a deadline."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np

DEADLINE = 30 * int(os.environ.get("TEST_PATIENCE", "1"))  # seconds for whatever a test waits for

# nohup and shells that run something in the background ignore some of these, and so would what a test starts.
for number in signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM:
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def wait_until(condition):
    """Looks at a condition until it holds; whether it did before the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def picture(key, shape=(48, 64, 3), dtype=np.uint8):
    """An array that differs everywhere from that of another key."""
    random = np.random.default_rng(key)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.asarray(random.integers(0, 2, shape), bool)
    if kind in "fc":
        return np.asarray(random.random(shape) * 1000).astype(dtype)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(random.bytes(size), dtype).reshape(shape)


class TagTest(unittest.TestCase):
    """A test case whose tags lie in an empty directory, which it must leave empty."""

    def setUp(self):
        shared_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = tempfile.mkdtemp(prefix="python-test.", dir=shared_memory)
        self.addCleanup(shutil.rmtree, self.directory)
        self._outer = os.environ.get("NDSHARRAY_DIR")
        os.environ["NDSHARRAY_DIR"] = self.directory
        self.addCleanup(self._restore)
        self.addCleanup(lambda: self.assertEqual(self.files(), [], "left behind"))

    def _restore(self):
        if self._outer is None:
            del os.environ["NDSHARRAY_DIR"]
        else:
            os.environ["NDSHARRAY_DIR"] = self._outer

    def files(self):
        return sorted(os.listdir(self.directory))

    def assert_same(self, found, expected):
        """The same dtype, shape and elements, bit by bit."""
        self.assertEqual(found.dtype, expected.dtype)
        self.assertEqual(found.shape, expected.shape)
        self.assertEqual(found.tobytes(), expected.tobytes())

    def start(self, code, *arguments, **keywords):
        """A Python program in a process of its own; killed at the end of the test if it still runs."""
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=os.path.dirname(os.path.abspath(__file__)),
            text=True,
            **keywords,
        )

        def end():
            if process.poll() is None:
                process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def assert_succeeds(self, process):
        """Waits for the end of a process; returns what it printed."""
        output, _ = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0, output)
        return output
