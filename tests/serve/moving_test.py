# SPDX-License-Identifier: BSD-3-Clause
"""Moving JPEGs: the picture that the writer wrote, through everything that happens to the writer."""
import unittest

import numpy as np

from serve import ServeTest, Stream, decode


def flat(value, shape=(32, 48)):
    return np.full(shape, value, np.uint8)


class MovingPictures(ServeTest):
    def setUp(self):
        super().setUp()
        self.serve()

    def look(self, path):
        stream = Stream(self.port, path)
        self.addCleanup(stream.close)
        return stream

    def test_show_each_new_frame(self):
        writer = self.publish("cam0", flat(10))
        stream = self.look("/cam0/mjpeg")
        for value in (10, 90, 200):
            writer.write(flat(value))
            frame, picture = stream.until_frame(writer.stats["published"])
            self.assertEqual(frame, writer.stats["published"])
            np.testing.assert_allclose(decode(picture, "GRAY8", (32, 48)).astype(int), value, atol=3)

    def test_go_on_when_the_writer_is_killed_and_comes_back_in_another_size(self):
        writer = self.writer_process("cam0", (32, 48))
        self.wait_for(lambda: "cam0" in self.tags(), "the tag came")
        stream = self.look("/cam0/mjpeg")
        self.assertEqual(self.size(stream.part()[1]), (48, 32))
        writer.kill()
        writer.wait()
        self.writer_process("cam0", (16, 64, 3))
        stream.until_picture(lambda picture: self.size(picture) == (64, 16))

    def test_go_on_when_the_layout_changes(self):
        writer = self.publish("cam0", flat(10))
        stream = self.look("/cam0/mjpeg")
        stream.part()
        writer.write(np.zeros((8, 24, 3), np.float32))
        stream.until_picture(lambda picture: self.size(picture) == (24, 8))

    def test_are_made_once_for_all_who_look(self):
        self.writer_process("cam0", (32, 48))
        self.wait_for(lambda: "cam0" in self.tags(), "the tag came")
        for stream in [self.look("/cam0/mjpeg") for _ in range(5)]:
            stream.part()
        self.assertEqual(self.tags()["cam0"]["readers"], 1)

    def test_of_a_quiet_tag_are_sent_again(self):
        self.publish("cam0", flat(10))
        stream = self.look("/cam0/mjpeg")
        self.assertEqual([stream.part()[0] for _ in range(3)], [1, 1, 1])

    def test_of_a_server_that_is_killed_hold_no_frame(self):
        writer = self.publish("cam0", flat(10))
        for path in ("/cam0/mjpeg", "/cam0/mjpeg?map=inferno", "/cam0/mjpeg?width=16"):
            self.look(path).part()
        self.assertEqual(writer.stats["readers"], 3)
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()  # it was not stopped
        for value in range(5 * writer.stats["slots"]):
            writer.write(flat(value))
        self.assertEqual((writer.stats["readers"], writer.stats["dropped"]), (0, 0))

    @staticmethod
    def size(jpeg):
        """(width, height) as the JPEG's start of frame says."""
        at = jpeg.index(b"\xff\xc0")
        return int.from_bytes(jpeg[at + 7:at + 9], "big"), int.from_bytes(jpeg[at + 5:at + 7], "big")


if __name__ == "__main__":
    unittest.main()
