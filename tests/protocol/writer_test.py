# SPDX-License-Identifier: BSD-3-Clause
"""A writer that is written from core/PROTOCOL.md alone writes what the library reads."""
import sys
import unittest

import system
from exchange import ExchangeTest, library, second_writer

if not system.SUPPORTED:
    sys.exit(77)

from writer import InUse, Writer  # noqa: E402

COUNT = 10000


class SecondWriter(ExchangeTest):
    def exchange(self, mode, how):
        """A writer that is killed on its way, then one that ends well. What the reader says in the end."""
        reader = self.start(library, "read", self.tag, 0, mode)
        writer = self.start(second_writer, self.tag, 0, COUNT, how)
        while True:
            line = reader.line()
            self.assertRegex(line, "^read [0-9]+$")
            if int(line[5:]) >= COUNT // 4:
                break
        writer.kill()
        self.start(second_writer, self.tag, COUNT, COUNT, how).result()
        words = reader.result().split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def test_gives_the_library_every_frame_across_layouts_and_a_kill(self):
        said = self.exchange("every", "backpressure")
        self.assertEqual(said["last"], 2 * COUNT - 1)
        self.assertEqual(said["writers"], 2)
        self.assertGreater(said["frames"], COUNT + COUNT // 4)
        self.assertLessEqual(said["missed"], 1)  # the frame that the killed writer was about to publish
        self.assertGreaterEqual(said["layouts"], COUNT // 400)

    def test_gives_the_library_the_newest_frames_whole(self):
        said = self.exchange("latest", "free")
        self.assertEqual(said["last"], 2 * COUNT - 1)
        self.assertEqual(said["writers"], 2)
        self.assertGreater(said["frames"], 100)

    def test_finds_the_tag_in_use_by_the_library(self):
        owner = self.start(library, "write", self.tag, 0, 1, "alone")
        self.assertEqual(owner.line(), "written")
        with self.assertRaises(InUse):
            Writer(self.tag)
        owner.kill()
        Writer(self.tag).close()  # takes over, and leaves nothing


unittest.main(verbosity=2)
