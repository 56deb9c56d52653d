# SPDX-License-Identifier: BSD-3-Clause
"""A folder of its own for the files of a tag, and the other side of an exchange as a process."""
import os
import subprocess
import sys
import tempfile
import unittest

FOLDER = tempfile.TemporaryDirectory(prefix="ndsh-protocol-", dir="/dev/shm")
os.environ["NDSHARRAY_DIR"] = FOLDER.name  # before `files` is imported

PATIENCE = 30


class Process:
    def __init__(self, *command):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        """The next line that it prints."""
        return self._process.stdout.readline().strip()

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE)

    def result(self):
        """Ends its input. The last line that it prints; it must end well."""
        output, _ = self._process.communicate(timeout=PATIENCE)
        if self._process.returncode != 0:
            raise AssertionError(f"exit code {self._process.returncode}: {output}")
        return output.strip().splitlines()[-1] if output.strip() else ""

    def end(self):
        if self._process.poll() is None:
            self.kill()
        self._process.stdin.close()
        self._process.stdout.close()


def library(*arguments):
    emulator = os.environ.get("MESON_EXE_WRAPPER", "").split()  # of a cross build
    return Process(*emulator, os.environ["LIBRARY_SIDE"], *map(str, arguments))


def other_library(*arguments):
    """The library as it is compiled for another word size."""
    return Process(os.environ["OTHER_LIBRARY_SIDE"], *map(str, arguments))


def second_writer(*arguments):
    here = os.path.dirname(os.path.abspath(__file__))
    return Process(sys.executable, os.path.join(here, "write_frames.py"), *map(str, arguments))


class ExchangeTest(unittest.TestCase):
    """A tag of its own. In the end its processes are gone, and so are its files."""

    def setUp(self):
        self.tag = self.id().rsplit(".", 1)[-1]
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            process.end()
        self.assertEqual([name for name in os.listdir(FOLDER.name) if self.tag in name], [])

    def start(self, make, *arguments):
        self.processes.append(make(*arguments))
        return self.processes[-1]
