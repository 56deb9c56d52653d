# SPDX-License-Identifier: BSD-3-Clause
"""Runs ndsh-serve in tests, with tags of its own."""
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np

import ndsharray

SERVE = os.environ["NDSH_SERVE"]
DEADLINE = 20 * int(os.environ.get("TEST_PATIENCE", "1"))

WRITER = """
import json, sys, time
import numpy as np
import ndsharray
writer = ndsharray.Writer(sys.argv[1])
shape = json.loads(sys.argv[2])
count = 0
while True:
    count += 1
    writer.write(np.full(shape, count % 256, np.uint8))
    time.sleep(1 / 30)
"""


def decode(picture, format, shape, dtype=np.uint8, stride=None):
    """The picture in a PNG or JPEG file as GStreamer reads it: its rows have `stride` bytes."""
    decoder = "pngdec" if picture.startswith(b"\x89PNG") else "jpegdec"
    convert = [] if format == "GRAY16_BE" else ["videoconvert", "!"]
    with tempfile.NamedTemporaryFile() as file:
        file.write(picture)
        file.flush()
        rows = subprocess.run(
            ["gst-launch-1.0", "-q", "filesrc", f"location={file.name}", "!", decoder, "!", *convert,
             f"video/x-raw,format={format}", "!", "fdsink", "fd=1"],
            check=True, capture_output=True, timeout=DEADLINE).stdout
    row = int(np.prod(shape[1:])) * np.dtype(dtype).itemsize
    lines = np.frombuffer(rows, np.uint8).reshape(shape[0], stride or row)
    return lines[:, :row].copy().view(dtype).reshape(shape)


class ServeTest(unittest.TestCase):
    """A test case with a directory of its own for tags."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ndsh-serve-test.")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        os.environ["NDSHARRAY_DIR"] = self.directory

    #: What ndsh-serve is started by.
    prefix = []

    def serve(self, *arguments):
        """Starts ndsh-serve on free ports, with RTSP only where that is asked for. Where it listens becomes self.port
        and self.rtsp."""
        rtsp = "--rtsp" in arguments
        if not rtsp and "--no-rtsp" not in arguments:
            arguments = ("--no-rtsp", *arguments)
        self.server = subprocess.Popen([*self.prefix, SERVE, "--http", "0", *arguments], stdout=subprocess.PIPE,
                                       text=True)
        self.addCleanup(self.stop)
        self.address = self.server.stdout.readline().strip()
        self.assertRegex(self.address, r"^https?://")
        self.port = int(self.address.rstrip("/").rsplit(":", 1)[1])
        if rtsp:
            address = self.server.stdout.readline().strip()
            self.assertRegex(address, r"^rtsps?://.*/TAG$")
            self.rtsp = address.removesuffix("TAG")

    def refusal_of(self, *arguments):
        """What ndsh-serve says of wrong usage."""
        ended = subprocess.run([SERVE, "--http", "0", *arguments], capture_output=True, text=True, timeout=DEADLINE)
        self.assertIn(ended.returncode, (1, 2), arguments)
        return ended.stderr

    def stop(self):
        if self.server.stdout.closed:
            return
        self.server.terminate()
        code = self.server.wait(DEADLINE)
        self.server.stdout.close()
        self.assertEqual(code, 0, "ndsh-serve ended well")

    def writer(self, tag):
        writer = ndsharray.Writer(tag)
        self.addCleanup(writer.close)
        return writer

    def writer_process(self, tag, shape=(8, 8)):
        """A process that writes 30 frames a second until it is killed."""
        process = subprocess.Popen([sys.executable, "-c", WRITER, tag, json.dumps(shape)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def processor_time(self):
        """Seconds that the server used so far."""
        with open(f"/proc/{self.server.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def count(self, what):
        """How many files ("fd") or threads ("task") the server has."""
        return len(os.listdir(f"/proc/{self.server.pid}/{what}"))

    def udp_sockets(self):
        """Lines of /proc/net/udp and udp6 that are the server's."""
        inodes = set()
        for name in os.listdir(f"/proc/{self.server.pid}/fd"):
            target = os.readlink(f"/proc/{self.server.pid}/fd/{name}")
            if target.startswith("socket:["):
                inodes.add(target[len("socket:["):-1])
        lines = []
        for table in ("udp", "udp6"):
            with open(f"/proc/net/{table}", encoding="utf-8") as file:
                lines += [line for line in file.readlines()[1:] if line.split()[9] in inodes]
        return lines

    def memory(self):
        """Private bytes of the server."""
        with open(f"/proc/{self.server.pid}/smaps_rollup", encoding="utf-8") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Private_"))

    def assert_memory_below(self, most):
        """Where no sanitizer keeps what was freed."""
        if "TEST_PATIENCE" not in os.environ:
            self.assertLess(self.memory(), most)

    def publish(self, tag, array):
        """A writer that has published the array."""
        writer = self.writer(tag)
        writer.write(array)
        return writer

    def get(self, path, headers=None, method="GET", body=None):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get_json(self, path):
        status, _, body = self.get(path)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def tags(self):
        return {tag["tag"]: tag for tag in self.get_json("/api/tags")}

    def metrics(self):
        return self.get("/metrics")[2].decode().splitlines()

    def metric(self, name):
        return float(next(line for line in self.metrics() if line.startswith(name + " ")).split()[1])

    def wait_for(self, condition, what, within=DEADLINE):
        deadline = time.monotonic() + within
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what} did not come true")
            time.sleep(0.02)


class Stream:
    """An MJPEG or an event stream that is read bit by bit."""

    def __init__(self, port, path):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        self.connection.request("GET", path)
        self.answer = self.connection.getresponse()

    def part(self):
        """(frame number, JPEG) of the next part of an MJPEG stream."""
        size = frame = None
        while True:
            line = self.answer.readline().lower()
            if not line:
                raise EOFError("the stream ended")
            line = line.strip()
            if line.startswith(b"x-frame:"):
                frame = int(line.split(b":")[1])
            if line.startswith(b"content-length:"):
                size = int(line.split(b":")[1])
            if not line and size is not None:
                return frame, self.answer.read(size)

    def event(self):
        while True:
            line = self.answer.readline()
            if not line:
                raise EOFError("the stream ended")
            if line.startswith(b"data: "):
                return json.loads(line[6:])

    def until(self, condition):
        """The next event for which the condition holds."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            event = self.event()
            if condition(event):
                return event
        raise AssertionError("no such event came")

    def until_frame(self, number):
        """The next part that shows this frame or a later one."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            frame, picture = self.part()
            if frame >= number:
                return frame, picture
        raise AssertionError("no such frame came")

    def until_picture(self, condition):
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if condition(self.part()[1]):
                return
        raise AssertionError("no such picture came")

    def close(self):
        self.connection.close()
        self.answer.close()
