# SPDX-License-Identifier: BSD-3-Clause
"""Runs ndsh in tests: to its end, in the background, or on a terminal of its own."""

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

import numpy as np

import ndsharray

NDSH = os.environ["NDSH"]
DEADLINE = 30 * int(os.environ.get("TEST_PATIENCE", "1"))


def frames(count=20, shape=(6, 8, 3), dtype=np.uint8):
    """An array whose frames all differ."""
    return (np.arange(count * int(np.prod(shape))) % 251).astype(dtype).reshape(count, *shape)


def heed_signals():
    """What a shell starts in the background, this test perhaps, ignores some of them; ndsh then does, too."""
    for number in signal.SIGINT, signal.SIGQUIT, signal.SIGHUP:
        signal.signal(number, signal.SIG_DFL)


def take_terminal():
    heed_signals()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, command, environment, rows=24, columns=80):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment, TERM="xterm"),
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        self.output = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, condition):
        """Collects output until the condition on all of it holds; whether it came to that."""
        deadline = time.monotonic() + DEADLINE
        while not condition(self.output):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                return False
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                return condition(self.output)
            self.output += data.decode()
        return True

    def press(self, key):
        os.write(self.master, key)

    def end(self):
        """Waits for the end; its exit status, negative for a signal."""
        deadline = time.monotonic() + DEADLINE
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.02)[0]:
                self.output += os.read(self.master, 65536).decode()
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536).decode()
        return self.process.poll()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class NdshTest(unittest.TestCase):
    """A test case with a directory of its own for tags, and one for other files."""

    prefix = []  # of the command with which ndsh() runs it

    def setUp(self):
        shared_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = tempfile.mkdtemp(prefix="ndsh-test.", dir=shared_memory)
        self.addCleanup(shutil.rmtree, self.directory)
        self.files = tempfile.mkdtemp(prefix="ndsh-test.")
        self.addCleanup(shutil.rmtree, self.files)
        os.environ["NDSHARRAY_DIR"] = self.directory  # for the Python module as well
        self.environment = dict(os.environ)

    def path(self, name):
        return os.path.join(self.files, name)

    def save_array(self, name, array):
        np.save(self.path(name), array)
        return self.path(name)

    def ndsh(self, *arguments, status=0):
        """Runs ndsh to its end; its standard output and error."""
        done = subprocess.run(
            [*self.prefix, NDSH, *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=DEADLINE,
            check=False,
        )
        self.assertEqual(done.returncode, status, f"ndsh {arguments}: {done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def start(self, *arguments):
        """Starts ndsh; killed at the end of the test."""
        process = subprocess.Popen(
            [NDSH, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            preexec_fn=heed_signals,
        )

        def finish():
            process.kill()
            process.communicate()

        self.addCleanup(finish)
        return process

    def on_terminal(self, *arguments, **size):
        return self.command_on_terminal([NDSH, *arguments], **size)

    def command_on_terminal(self, command, **size):
        terminal = Terminal(command, self.environment, **size)
        self.addCleanup(terminal.close)
        return terminal

    def end(self, process, signal_number=signal.SIGTERM):
        process.send_signal(signal_number)
        return process.wait(DEADLINE)

    def info(self, tag):
        done = subprocess.run([NDSH, "info", "--json", tag], capture_output=True, text=True, env=self.environment, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_for(self, condition, what="the condition"):
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what} did not come true")
            time.sleep(0.01)

    def publish(self, tag, array, *options):
        """A writer in a process of its own that has published at least a frame."""
        process = self.start("publish", tag, self.save_array(f"{tag}.source.npy", array), *options)
        self.wait_for(lambda: process.poll() is not None or (self.info(tag) or {}).get("generation"), "a first frame")
        return process

    def leave_behind(self, tag):
        """Files of a writer that was killed."""
        process = self.publish(tag, frames(), "--loop", "--rate", "1000")
        process.kill()
        process.wait()

    def leave_behind_as(self, user, tag):
        """What a writer of another user leaves when it is killed."""
        os.chmod(self.directory, 0o1777)
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            writer = ndsharray.Writer(tag)
            writer.write(frames(1)[0])
            os.kill(os.getpid(), signal.SIGKILL)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), -signal.SIGKILL)

    def entries(self):
        return sorted(os.listdir(self.directory))
