# SPDX-License-Identifier: BSD-3-Clause
"""Plays RTSP in a process of its own, and reads the numbers that coded.py drew."""
import os
import selectors
import subprocess
import time

import numpy as np

import coded
from serve import DEADLINE

DECODERS = {"H264": ["rtph264depay", "!", "avdec_h264", "max-threads=1"], "VP8": ["rtpvp8depay", "!", "vp8dec"]}


def sink(size, file):
    """Gray pictures of this size go into a file of the process, without a clock."""
    width, height = size
    return ["videoconvert", "!", "videoscale", "!", f"video/x-raw,format=GRAY8,width={width},height={height}", "!",
            "fdsink", f"fd={file}", "sync=false"]


class Pictures:
    """What a process shows, read from a file that it writes."""

    def __init__(self, process, file, size):
        self.process = process
        self.file = file
        self.size = size
        self.selector = selectors.DefaultSelector()
        self.selector.register(file, selectors.EVENT_READ)
        self.bytes = bytearray()

    def picture(self, deadline=DEADLINE):
        """The next one, as an array."""
        width, height = self.size
        end = time.monotonic() + deadline
        while len(self.bytes) < width * height:
            if not self.selector.select(max(0, end - time.monotonic())):
                raise AssertionError("no picture came")
            more = os.read(self.file.fileno(), width * height - len(self.bytes))
            if not more:
                raise AssertionError("the player ended")
            self.bytes += more
        picture = np.frombuffer(bytes(self.bytes), np.uint8).reshape(height, width)
        self.bytes.clear()
        return picture

    def until(self, condition, what):
        """The first picture for which the condition holds."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            picture = self.picture()
            if condition(picture):
                return picture
        raise AssertionError(f"{what} was not seen")

    def age(self):
        """Microseconds since the picture that comes next was published; None where it has no number."""
        number = coded.read(self.picture())
        return None if number is None else coded.since(number)

    def until_live(self):
        """Until a picture comes that was published after this call."""
        begun = time.monotonic()
        while time.monotonic() < begun + DEADLINE:
            age = self.age()
            if age is not None and age < (time.monotonic() - begun) * 1e6:
                return
        raise AssertionError("no living picture came")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.selector.close()
        self.file.close()


class Player(Pictures):
    """gst-launch-1.0 with rtspsrc, or other elements up to raw video; the picture is fitted into `size`, (width, height)."""

    def __init__(self, url, protocol="tcp", size=(640, 480), codec="H264", settings=(), prefix=(), source=None):
        # Nothing waits: the jitter buffer has no latency.
        rtsp = ["rtspsrc", f"location={url}", f"protocols={protocol}", "latency=0", *settings, "!", *DECODERS[codec]]
        process = subprocess.Popen([*prefix, "gst-launch-1.0", "-q", *(source or rtsp), "!", *sink(size, 1)],
                                   stdout=subprocess.PIPE, bufsize=0)
        super().__init__(process, process.stdout, size)


class GstPlay(Pictures):
    """gst-play-1.0 as somebody starts it, but for where the picture goes."""

    def __init__(self, url, size=(640, 480)):
        pictures, writes = os.pipe()
        process = subprocess.Popen(["gst-play-1.0", "--no-interactive", "--videosink", " ".join(sink(size, writes)), url],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=(writes,))
        os.close(writes)
        super().__init__(process, os.fdopen(pictures, "rb", buffering=0), size)
