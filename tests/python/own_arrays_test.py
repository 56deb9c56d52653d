# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that a program may change, and what it is told when it changes one that it may not."""

import importlib.util
import signal
import subprocess
import unittest

import numpy as np
from tag_test import DEADLINE, TagTest, picture

from ndsharray import Reader, Writer

needs_opencv = unittest.skipUnless(importlib.util.find_spec("cv2"), "OpenCV is not installed")

READ = """
import ctypes, faulthandler, sys
import numpy as np
from ndsharray import Reader
{before}
reader = Reader("cam0")
frame = reader.read(timeout=30)
{after}
array = frame.array
{write}
print("not ended")
"""
MEMSET = "ctypes.memset(array.ctypes.data + 100, 1, 10)"
RECTANGLE = "import cv2; cv2.rectangle(array, (5, 5), (20, 20), (0, 255, 0), 2)"


class OwnArrays(TagTest):
    def test_copy_of_a_frame_can_be_changed(self):
        with Writer("tag") as writer, Reader("tag") as reader, Reader("tag") as other:
            writer.write(picture(1))
            frame = reader.read(timeout=DEADLINE)
            copy = frame.copy()
            copy[:] = 7
            self.assertFalse(np.shares_memory(copy, frame.array))
            self.assert_same(frame.array, picture(1))
            self.assert_same(other.read(timeout=DEADLINE).array, picture(1))
            frame.release()
            self.assertTrue((copy == 7).all())

    def test_array_of_a_writable_reader_can_be_changed_and_nobody_sees_it(self):
        for mode in "latest", "every":
            with Writer("tag") as writer, Reader("tag", mode, writable=True) as reader, Reader("tag") as other:
                writer.write(picture(1))
                array = reader.read(timeout=DEADLINE).array
                self.assert_same(array, picture(1))
                array[3:9] = 7
                self.assert_same(other.read(timeout=DEADLINE).array, picture(1))
                with Reader("tag", writable=True) as late:
                    self.assert_same(late.read(timeout=DEADLINE).array, picture(1))

    def test_writer_never_changes_the_array_of_a_writable_reader(self):
        with Writer("tag", slots=3) as writer, Reader("tag", writable=True) as reader:
            held = []
            for key in range(12):
                writer.write(picture(key))
                array = reader.read(timeout=DEADLINE).array
                array[0] = key
                held.append(array)
            writer.write(np.zeros(5))
            self.assertEqual(writer.stats["dropped"], 0)
        for key, array in enumerate(held):
            expected = picture(key).copy()
            expected[0] = key
            self.assert_same(array, expected)

    def test_what_was_changed_is_not_in_a_later_frame(self):
        with Writer("tag") as writer, Reader("tag", writable=True) as reader:
            for key in range(20):
                writer.write(picture(key))
                array = reader.read(timeout=DEADLINE).array
                self.assert_same(array, picture(key))
                array[:] = 255

    @needs_opencv
    def test_opencv_draws_into_it(self):
        import cv2

        with Writer("tag") as writer, Reader("tag", writable=True) as reader, Reader("tag") as other:
            writer.write(np.zeros((48, 64, 3), np.uint8))
            frame = reader.read(timeout=DEADLINE)
            cv2.rectangle(frame.array, (5, 5), (20, 20), (0, 255, 0), 2)
            copy = frame.copy()
            cv2.rectangle(copy, (30, 5), (40, 20), (255, 0, 0), -1)
            self.assertEqual(tuple(frame.array[5, 10]), (0, 255, 0))
            self.assertEqual(tuple(copy[10, 35]), (255, 0, 0))
            self.assertFalse(other.read(timeout=DEADLINE).array.any())


class ForbiddenWrites(TagTest):
    def setUp(self):
        super().setUp()
        self.writer = Writer("cam0")
        self.addCleanup(self.writer.close)
        self.writer.write(picture(1))

    def end_of(self, write, before="", after=""):
        """What a program printed that ends by SIGSEGV: it is to be on stderr."""
        process = self.start(READ.format(write=write, before=before, after=after), stderr=subprocess.PIPE)
        output, errors = process.communicate(timeout=DEADLINE)
        self.assertEqual(output, "")
        self.assertEqual(process.returncode, -signal.SIGSEGV, errors)
        return errors

    def assert_explains(self, errors):
        self.assertEqual(errors.count('a write into a frame of tag "cam0"'), 1, errors)
        self.assertIn("frame.copy()", errors)
        self.assertIn("Reader(tag, writable=True)", errors)

    def test_write_ends_the_program_with_a_sentence_that_helps(self):
        self.assert_explains(self.end_of(MEMSET))

    def test_faulthandler_has_its_say_as_well(self):
        errors = self.end_of(MEMSET, before="faulthandler.enable()")
        self.assert_explains(errors)
        self.assertIn("Fatal Python error: Segmentation fault", errors)

    def test_faulthandler_that_came_later_has_its_say(self):
        # It sends the signal on without its address, so there is nothing to explain by then.
        errors = self.end_of(MEMSET, after="faulthandler.enable()")
        self.assertIn("Fatal Python error: Segmentation fault", errors)

    def test_other_faults_are_not_explained(self):
        self.assertEqual(self.end_of("ctypes.string_at(16)"), "")

    def test_frames_of_others_are_what_they_were(self):
        self.assert_explains(self.end_of(MEMSET))
        with Reader("cam0") as reader:
            self.assert_same(reader.read(timeout=DEADLINE).array, picture(1))

    @needs_opencv
    def test_drawing_with_an_opencv_that_ignores_the_flag_is_explained(self):
        import cv2

        if tuple(int(part) for part in cv2.__version__.split(".")[:2]) >= (4, 9):
            self.skipTest("it raises an exception by itself")
        self.assert_explains(self.end_of(RECTANGLE))


if __name__ == "__main__":
    unittest.main()
