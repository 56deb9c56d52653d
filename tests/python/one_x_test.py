# SPDX-License-Identifier: BSD-3-Clause
"""Tags are exchanged with processes that use ndsharray 1.x, in both directions."""

import threading
import unittest

import numpy as np
import one_x
from tag_test import TagTest, picture, wait_until

import ndsharray

SHAPES = [(72, 128), (2,) * 12, (24, 48, 3, 6), (1,), ()]


class From1x(TagTest):
    def writer(self, tag="old", types=one_x.LATE):
        writer = one_x.Writer(tag, types)
        self.addCleanup(writer.close)
        return writer

    def test_every_dtype_and_shape_of_every_version_arrives(self):
        for tag, types in ("early", one_x.EARLY), ("late", one_x.LATE):
            writer = self.writer(tag, types)
            with ndsharray.Reader(tag) as reader:
                for dtype in filter(one_x.is_carried, types):
                    for shape in SHAPES:
                        array = picture(1, shape, dtype)
                        writer.write(array)
                        self.assert_same(reader.read(timeout=10).array, array)

    def test_drop_in_class_reads_it(self):
        reader = ndsharray.NdShArray("old", r_w="r")
        self.assertEqual(reader.read()[0], False)
        writer = self.writer()
        for key in range(20):
            writer.write(picture(key))
            self.assertTrue(wait_until(lambda: reader.read()[0]))
            valid, array = reader.read()
            self.assertFalse(valid, "each array is new only once")
            self.assert_same(array, picture(key))

    def test_half_written_array_is_not_read(self):
        writer = self.writer()
        drop_in = ndsharray.NdShArray("old", r_w="r")
        with ndsharray.Reader("old") as reader:
            writer.write(picture(1))
            self.assert_same(reader.read(timeout=10).array, picture(1))
            self.assertTrue(drop_in.read()[0])
            writer.write_half(picture(2))
            self.assertIsNone(reader.read(timeout=0.05))
            valid, array = drop_in.read()
            self.assertFalse(valid)
            self.assert_same(array, picture(1))
            writer.write(picture(3))
            self.assert_same(reader.read(timeout=10).array, picture(3))

    def test_shape_may_change_under_load(self):
        writer = self.writer()
        arrays = [np.full((50 + size, 40), size, np.uint16) for size in range(8)]
        stop = threading.Event()

        def write():
            number = 0
            while not stop.is_set():
                writer.write(arrays[number % 8])
                if number % 3 == 0:
                    number += 1
                number += 1

        thread = threading.Thread(target=write)
        with ndsharray.Reader("old") as reader:
            thread.start()
            try:
                seen = set()
                for _ in range(300):
                    array = reader.read(timeout=10).array
                    self.assert_same(array, arrays[len(array) - 50])
                    seen.add(len(array))
                self.assertGreater(len(seen), 4)
            finally:
                stop.set()
                thread.join()

    def test_reader_goes_over_to_our_writer(self):
        writer = self.writer()
        with ndsharray.Reader("old") as reader:
            writer.write(picture(1))
            self.assertTrue(reader.read(timeout=10).is_copy)
            with ndsharray.Writer("old") as ours:
                ours.write(picture(2))
                frame = reader.read(timeout=10)
                self.assertFalse(frame.is_copy)
                self.assert_same(frame.array, picture(2))


class To1x(TagTest):
    def test_every_dtype_and_shape_arrives(self):
        with ndsharray.Writer("new", compat=True) as writer:
            for types in one_x.LATE, [*one_x.EARLY[:12], None, None, "G"]:
                reader = one_x.Reader("new", types=[type or "u1" for type in types])
                for dtype in [type for type in types if type and one_x.is_carried(type)]:
                    for shape in SHAPES:
                        array = picture(1, shape, dtype)
                        writer.write(array)
                        valid, found = reader.read()
                        self.assertTrue(valid)
                        self.assert_same(found, array)
                        self.assertFalse(reader.read()[0], "each array is new only once")

    def test_strided_and_big_endian_arrays_arrive_packed_and_native(self):
        with ndsharray.Writer("new", compat=True) as writer:
            reader = one_x.Reader("new")
            whole = picture(1, (40, 30), np.uint32)
            for array in whole[::-1, ::3], whole.T, whole.astype(">u4"), np.asfortranarray(whole):
                writer.write(array)
                self.assert_same(reader.read()[1], np.ascontiguousarray(array).astype(np.uint32))

    def test_array_filled_in_place_arrives(self):
        with ndsharray.Writer("new", compat=True) as writer:
            reader = one_x.Reader("new")
            array = writer.acquire((10, 20), np.float32)
            array[:] = picture(1, (10, 20), np.float32)
            writer.publish(array)
            self.assert_same(reader.read()[1], picture(1, (10, 20), np.float32))

    def test_drop_in_class_writes_it(self):
        writer = ndsharray.NdShArray("new", picture(0), "w", compat=True)
        reader = one_x.Reader("new")
        self.assert_same(reader.read()[1], picture(0))
        for key in range(1, 20):
            writer.write(picture(key))
            self.assert_same(reader.read()[1], picture(key))

    def test_arrays_are_whole_or_flagged_while_shapes_change_under_load(self):
        arrays = [np.full((500, 400 + size // 4), size, np.uint8) for size in range(16)]
        stop = threading.Event()
        with ndsharray.Writer("new", compat=True) as writer:

            def write():
                number = 0
                while not stop.is_set():
                    writer.write(arrays[number % 16])
                    number += 1

            thread = threading.Thread(target=write)
            reader = one_x.Reader("new")
            thread.start()
            try:
                for _ in range(200):
                    self.assertTrue(wait_until(lambda: reader.read()[0]))
                    array = reader.array
                    self.assert_same(array, arrays[array[0, 0]])
            finally:
                stop.set()
                thread.join()

    def test_reader_that_came_first_is_served(self):
        with ndsharray.Writer("new", compat=True) as writer:
            reader = one_x.Reader("new")
            self.assertEqual(reader.read(), (False, None))
            writer.write(picture(1))
            self.assert_same(reader.read()[1], picture(1))

    def test_nothing_is_left_by_a_closed_writer(self):
        with ndsharray.Writer("new", compat=True) as writer:
            writer.write(picture(1))
            self.assertEqual(len([name for name in self.files() if name.startswith("new")]), 2)
        self.assertEqual(self.files(), [])


if __name__ == "__main__":
    unittest.main()
