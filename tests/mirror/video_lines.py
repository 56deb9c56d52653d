# SPDX-License-Identifier: BSD-3-Clause
"""The launch lines by which gst/README.md sends video to a machine that has GStreamer only, as they are printed
there, between two machines with the addresses of the page."""
import json
import os
import re
import sys

from machines import Network

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CODED = os.path.join(ROOT, "tests", "serve", "coded.py")
CAMERA = "10.0.0.7"  # its viewer has the next address
CAMERA_LISTENS, VIEWER_LISTENS, RTP = "SRT, the camera listens", "SRT, the viewer listens", "RTP"

#: What is shown on the other machine goes into a tag there, so that it can be looked at.
SCREEN = "autovideosink"
SEEN = "video/x-raw,format=GRAY8 ! ndshsink tag={tag}"


def lines():
    """Two for each way: the camera's and the viewer's."""
    with open(os.path.join(ROOT, "gst", "README.md"), encoding="utf-8") as file:
        section = file.read().split("\n## Video on machines without ndsharray", 1)[1].split("\n## ", 1)[0]
    ways = [tuple(block.splitlines()) for block in re.findall(r"```sh\n(gst-launch-1.0 ndshsrc .*?)```", section, re.DOTALL)]
    assert len(ways) == 3 and all(len(way) == 2 and SCREEN in way[1] for way in ways), ways
    return dict(zip((CAMERA_LISTENS, VIEWER_LISTENS, RTP), ways))


class Way:
    """A camera, and the lines of one way between two machines; `changes` are words of the lines and what takes their place."""

    def __init__(self, test, name, shape, **changes):
        self.there, self.here = Network.between(test, CAMERA)
        self.lines = lines()[name]
        self.changes = changes
        height, width = shape
        self.there.start(sys.executable, CODED, "cam0", json.dumps([height, width, 3]), "uint8",
                         f"video/x-raw,format=RGB,width={width},height={height},framerate=30/1")

    def start(self, machine, line):
        for word, other in self.changes.items():
            line = line.replace(word, other)
        return machine.start("bash", "-c", "exec " + line)

    def send(self):
        return self.start(self.there, self.lines[0])

    def show(self, tag="seen"):
        return self.start(self.here, self.lines[1].replace(SCREEN, SEEN.format(tag=tag)))

    def eye(self, tag="seen"):
        """A program that sees what is shown: look(count) gives for each picture the microsecond that was drawn into it when it
        was published, or None, and how many microseconds later it was shown."""
        return self.here.program(
            f"import sys; sys.path.insert(0, {os.path.dirname(CODED)!r})",
            "import coded, itertools",
            f"reader = ndsharray.Reader({tag!r})",
            "frames = (frame for frame in iter(lambda: reader.read(0.1), 0) if frame is not None)",
            "seen = ((coded.read(frame.array), frame.published) for frame in frames)",
            "age = lambda code, shown: None if code is None else (int(shown * 1e6) - code) % (1 << coded.BITS)",
            "look = lambda count: [(code, age(code, shown)) for code, shown in itertools.islice(seen, count)]")
