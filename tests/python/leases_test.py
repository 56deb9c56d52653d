# SPDX-License-Identifier: BSD-3-Clause
"""Frames go back when Python has done with them: leases, memory and descriptors do not grow."""

import gc
import os
import unittest
import weakref

import numpy as np
from tag_test import TagTest, picture

import ndsharray


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


class Leases(TagTest):
    def test_10000_frames_leave_nothing_behind(self):
        array = picture(1, (120, 160, 3))
        with ndsharray.Writer("tag") as writer, ndsharray.Reader("tag") as reader:
            drop_in = ndsharray.NdShArray("tag", r_w="r")

            def exchange(count):
                for _ in range(count):
                    self.assertGreater(writer.write(array), 0)
                    frame = reader.read(timeout=10)
                    self.assertFalse(frame.is_copy)
                    self.assertEqual(frame.array[5:, 7].shape, (115, 3))
                    self.assertTrue(drop_in.read()[0])
                    in_place = writer.acquire(array.shape)
                    in_place[0] = 1
                    writer.publish(in_place)

            exchange(500)
            gc.collect()
            before, open_before = resident_bytes(), descriptors()
            exchange(10_000)
            gc.collect()
            self.assertEqual(descriptors(), open_before)
            self.assertLess(resident_bytes() - before, 2_000_000)
            self.assertEqual(writer.stats["dropped"], 0)

    def test_new_shapes_leave_nothing_behind(self):
        with ndsharray.Writer("tag") as writer, ndsharray.Reader("tag") as reader:

            def exchange(count):
                for number in range(count):
                    writer.write(np.zeros((10 + number % 2, 1000), np.uint8))
                    self.assertEqual(len(reader.read(timeout=10).array), 10 + number % 2)

            exchange(50)
            before, open_before = resident_bytes(), descriptors()
            exchange(500)
            self.assertEqual(descriptors(), open_before)
            self.assertLess(resident_bytes() - before, 2_000_000)

    def test_lease_lasts_exactly_as_long_as_the_last_view(self):
        with ndsharray.Writer("tag", slots=3) as writer, ndsharray.Reader("tag", max_leases=1) as reader:
            writer.write(picture(1))
            view = reader.read(timeout=10).array[::2, 1:, 0]
            for key in range(2, 10):
                writer.write(picture(key))
                self.assertTrue(reader.read(timeout=10).is_copy, "the lease is out")
            self.assert_same(view, picture(1)[::2, 1:, 0])
            del view
            writer.write(picture(10))
            self.assertFalse(reader.read(timeout=10).is_copy, "the lease is back")

    def test_array_in_a_cycle_goes_with_the_cycle(self):
        class Holder:
            pass

        with ndsharray.Writer("tag") as writer, ndsharray.Reader("tag", max_leases=1) as reader:
            writer.write(picture(1))
            holder = Holder()
            holder.array, holder.itself = reader.read(timeout=10).array, holder
            gone = weakref.ref(holder)
            del holder
            gc.collect()
            self.assertIsNone(gone())
            writer.write(picture(2))
            self.assertFalse(reader.read(timeout=10).is_copy)


if __name__ == "__main__":
    unittest.main()
