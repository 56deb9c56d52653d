# SPDX-License-Identifier: BSD-3-Clause
"""A reader that is written from core/PROTOCOL.md alone reads what the library writes."""
import sys
import unittest

import system
from exchange import ExchangeTest, library

if not system.SUPPORTED:
    sys.exit(77)

import content  # noqa: E402
from reader import Frame, Reader  # noqa: E402

COUNT = 10000


class SecondReader(ExchangeTest):
    def tearDown(self):
        self.reader.close()
        super().tearDown()

    def positions(self, stop):
        """Reads and checks frames, and gives their positions; ends with the stream or when `stop` says so."""
        while True:
            frame = self.reader.read(20)
            if frame == "ended":
                return
            if frame == "gone":
                continue
            self.assertIsInstance(frame, Frame)
            self.assertIsNone(content.problem(frame))
            position = frame.info.offset
            frame.release()
            yield position
            if stop(position):
                return

    def test_gets_every_frame_of_the_library_across_layouts_and_a_killed_writer(self):
        self.reader = Reader(self.tag, every=True)
        writer = self.start(library, "write", self.tag, 0, COUNT, "backpressure")
        read = list(self.positions(lambda position: position == COUNT // 2))
        writer.kill()
        successor = self.start(library, "write", self.tag, COUNT, COUNT // 2, "backpressure")
        read += self.positions(lambda position: False)
        successor.result()
        died = [position for position in read if position < COUNT]
        self.assertEqual(died, list(range(len(died))), "frames of the first writer")
        self.assertGreater(len(died), COUNT // 2)
        self.assertEqual(read[len(died):], list(range(COUNT, COUNT + COUNT // 2)), "frames of its successor")

    def test_gets_the_newest_frames_of_the_library_whole(self):
        self.newest(Reader(self.tag))

    def test_copies_frames_of_the_library_whole_without_the_table(self):
        self.newest(Reader(self.tag, leasing=False))

    def newest(self, reader):
        self.reader = reader
        writer = self.start(library, "write", self.tag, 0, COUNT, "alone")
        read = list(self.positions(lambda position: position >= COUNT // 2))
        writer.kill()
        successor = self.start(library, "write", self.tag, COUNT, COUNT, "alone")
        read += self.positions(lambda position: position == 2 * COUNT - 1)
        successor.kill()
        self.assertEqual(read, sorted(set(read)))
        self.assertGreater(len(read), 100)
        last = self.start(library, "write", self.tag, 2 * COUNT, 1, "alone")  # removes what the killed one left
        self.assertEqual(list(self.positions(lambda position: True)), [2 * COUNT])
        last.result()

    def test_keeps_what_it_leases_while_the_library_goes_on(self):
        self.reader = Reader(self.tag, every=True)
        writer = self.start(library, "write", self.tag, 0, 1000, "free")
        held = self.reader.read(20)
        again = self.reader.read(20)
        self.assertFalse(held.copied or again.copied)
        list(self.positions(lambda position: False))
        self.assertIsNone(content.problem(held))
        self.assertIsNone(content.problem(again))
        writer.result()


unittest.main(verbosity=2)
