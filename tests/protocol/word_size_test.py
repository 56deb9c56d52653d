# SPDX-License-Identifier: BSD-3-Clause
"""Processes of 32 and 64 bit on one tag, both ways: the library exchanges frames with itself, compiled for the other word size."""
import os
import unittest

from exchange import ExchangeTest, library, other_library

COUNT = 4000
ELF_CLASS = 4  # the byte of a program that tells its word size


def word_size(program):
    with open(program, "rb") as file:
        return file.read(ELF_CLASS + 1)[ELF_CLASS]


class WordSize(ExchangeTest):
    def test_differs_between_the_programs(self):
        self.assertNotEqual(word_size(os.environ["LIBRARY_SIDE"]), word_size(os.environ["OTHER_LIBRARY_SIDE"]))

    def every_frame(self, writing, reading):
        reader = self.start(reading, "read", self.tag, 0, "every")
        writer = self.start(writing, "write", self.tag, 0, COUNT, "backpressure")
        writer.result()
        self.assertEqual(reader.result(), f"frames {COUNT} missed 0 writers 1 layouts {COUNT // 400} last {COUNT - 1}")

    def test_own_reader_gets_every_frame_of_the_other(self):
        self.every_frame(other_library, library)

    def test_other_reader_gets_every_frame_of_the_own(self):
        self.every_frame(library, other_library)

    def newest_frames(self, writing, reading):
        """The first writer is killed; its successor, which takes its files over, has the other word size."""
        reader = self.start(reading, "read", self.tag, COUNT + 500, "latest")
        writer = self.start(writing, "write", self.tag, 0, COUNT, "alone")
        self.assertTrue(reader.line().startswith("read "))
        writer.kill()
        successor = self.start(library if writing is other_library else other_library, "write", self.tag, COUNT, 501, "alone")
        self.assertRegex(reader.result(), f"^frames [0-9]+ missed [0-9]+ writers 2 layouts [0-9]+ last {COUNT + 500}$")
        successor.result()

    def test_own_reader_goes_on_from_a_killed_writer_to_one_of_its_own_size(self):
        self.newest_frames(other_library, library)

    def test_own_reader_goes_on_from_a_killed_writer_to_one_of_the_other_size(self):
        self.newest_frames(library, library)

    def test_other_reader_goes_on_from_a_killed_writer_to_one_of_its_own_size(self):
        self.newest_frames(library, other_library)

    def test_other_reader_goes_on_from_a_killed_writer_to_one_of_the_other_size(self):
        self.newest_frames(other_library, other_library)


if __name__ == "__main__":
    unittest.main(verbosity=2)
