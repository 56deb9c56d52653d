# SPDX-License-Identifier: BSD-3-Clause
"""Video for machines that have GStreamer only: the launch lines of the page run as they are printed there, between two
network namespaces, and carry moving pictures. How old these are when they are shown is measured by video_lines_bench.py."""
import unittest

from machines import DEADLINE, needs_namespaces, wait_for
from video_lines import CAMERA_LISTENS, RTP, VIEWER_LISTENS, Way

SHAPE = (240, 320)
SINCE = 1 << 31  # what was drawn later is less than this after it


@needs_namespaces
class VideoLines(unittest.TestCase):
    def assert_moves(self, eye):
        """Pictures come that are drawn from now on, ten in a row one after the other. Before them some may be damaged: a viewer
        begins in the middle, and what is late is given up."""
        begun = eye.run("coded.now()")
        row = []

        def is_row():
            code, age = eye.run("look(1)")[0]
            if code is None or not 0 < (code - (row or [begun])[-1]) % (1 << 32) < SINCE or age > DEADLINE * 1_000_000:
                row.clear()
            else:
                row.append(code)
            return len(row) == 10
        wait_for(is_row, "ten pictures in a row that were drawn just now")

    def assert_carries(self, name):
        """Whoever starts first; and each side may go and come back."""
        way = Way(self, name, SHAPE)
        eye = way.eye()
        viewer, camera = way.show(), way.send()
        self.assert_moves(eye)
        viewer.stop()
        way.show()
        self.assert_moves(eye)
        camera.stop()
        way.send()
        self.assert_moves(eye)

    def test_srt_carries_video_if_the_camera_listens(self):
        self.assert_carries(CAMERA_LISTENS)

    def test_srt_carries_video_if_the_viewer_listens(self):
        self.assert_carries(VIEWER_LISTENS)

    def test_srt_carries_video_to_several_viewers(self):
        way = Way(self, CAMERA_LISTENS, SHAPE)
        way.send()
        for tag in ("one", "two", "three"):
            way.show(tag)
        for tag in ("one", "two", "three"):
            self.assert_moves(way.eye(tag))

    def test_srt_with_a_passphrase_is_for_those_who_have_it(self):
        way = Way(self, CAMERA_LISTENS, SHAPE, **{"latency=20": "latency=20 passphrase=$WORD pbkeylen=16"})
        eye = way.eye()
        way.there.environment["WORD"] = way.here.environment["WORD"] = "ten-letters"
        way.send()
        viewer = way.show()
        self.assert_moves(eye)
        viewer.stop()
        way.here.environment["WORD"] = "ten-others"
        way.show().says("Incorrect passphrase")

    def test_rtp_carries_video(self):
        self.assert_carries(RTP)


if __name__ == "__main__":
    unittest.main()
