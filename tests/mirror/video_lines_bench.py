# SPDX-License-Identifier: BSD-3-Clause
"""How old the video of the launch lines in gst/README.md is when it is shown: from the time that was drawn into a
720p picture, 30 a second, when it was published over there, to when it was decoded and shown here. Prints a table.

meson devenv -C build chrt -r 1 /usr/bin/python3 ../tests/mirror/video_lines_bench.py [SECONDS]
"""
import sys
import unittest

import numpy as np

from machines import needs_namespaces, wait_for
from video_lines import CAMERA_LISTENS, RTP, VIEWER_LISTENS, Way

SECONDS = float(sys.argv.pop(1)) if len(sys.argv) > 1 else 10
ROWS = (
    (RTP, "as printed", {}),
    (CAMERA_LISTENS, "as printed", {}),
    (VIEWER_LISTENS, "as printed", {}),
    (RTP, "the tag has no frame rate", {"ndshsrc tag=cam0": "ndshsrc tag=cam0 ! capssetter caps=video/x-raw,framerate=0/1"}),
    (RTP, "without `sync=false` at the end", {"ndshsink tag=seen sync=false": "ndshsink tag=seen sync=true"}),
    (CAMERA_LISTENS, "without `sync=false` at the end", {"ndshsink tag=seen sync=false": "ndshsink tag=seen sync=true"}),
    (CAMERA_LISTENS, "`latency=125`, the default of SRT", {"latency=20": "latency=125"}),
    (CAMERA_LISTENS, "`h264parse` for `capssetter`", {"capssetter caps=video/x-h264,alignment=au": "h264parse"}),
    (CAMERA_LISTENS, "the same, and `mpegtsmux alignment=7`",
     {"capssetter caps=video/x-h264,alignment=au": "h264parse", "mpegtsmux": "mpegtsmux alignment=7"}),
)


@needs_namespaces
class Bench(unittest.TestCase):
    def measure(self, name, changes):
        """Ages in ms; None for a damaged picture."""
        way = Way(self, name, (720, 1280), **changes)
        eye = way.eye()
        running = [way.send(), way.show()]
        wait_for(lambda: None not in (code for code, _ in eye.run("look(30)")), "a second of whole pictures")
        seen = []
        while len(seen) < SECONDS * 30:
            seen += eye.run("look(30)")
        for process in running:
            process.stop()
        self.doCleanups()
        return [None if age is None else age / 1000 for _, age in seen]

    def test_ages(self):
        print("\n| way | settings | p50 / p95 / max ms | damaged |\n|---|---|---|---|", flush=True)
        for name, settings, changes in ROWS:
            ages = self.measure(name, changes)
            whole = [age for age in ages if age is not None]
            print("| {} | {} | {:.0f} / {:.0f} / {:.0f} | {} of {} |".format(
                name, settings, *np.percentile(whole, [50, 95, 100]), len(ages) - len(whole), len(ages)), flush=True)


if __name__ == "__main__":
    unittest.main()
