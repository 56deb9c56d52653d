# SPDX-License-Identifier: BSD-3-Clause
"""NdShArray does what the class of ndsharray 1.x does."""

import unittest

import numpy as np
from tag_test import TagTest, picture

import ndsharray
from ndsharray import NdShArray, supported_types


class Documented(TagTest):
    def test_the_way_1x_is_used(self):
        writer = NdShArray("tag", r_w="w")
        writer.write(np.arange(12, dtype=np.float32).reshape(3, 4))

        reader = NdShArray("tag", r_w="r")  # in another process
        valid, array = reader.read()  # valid: there is one newer than the last read

        self.assertTrue(valid)
        self.assert_same(array, np.arange(12, dtype=np.float32).reshape(3, 4))


class Construction(TagTest):
    def test_access_must_be_said(self):
        for access in None, "", "rw", "x", 1:
            with self.assertRaises(ValueError):
                NdShArray("tag", r_w=access)

    def test_access_is_read_or_write_in_either_case(self):
        for access in "rRwW":
            self.assertEqual(NdShArray("tag", r_w=access).access, access.lower())

    def test_array_must_be_one(self):
        for access in "rw":
            with self.assertRaises(TypeError):
                NdShArray("tag", [1, 2], access)

    def test_unsupported_dtype_is_not_implemented(self):
        for access in "rw":
            for array in np.array(["text"]), np.zeros(2, "M8[s]"), np.zeros(2, [("x", "f4")]), np.array([None]):
                with self.assertRaises(NotImplementedError):
                    NdShArray("tag", array, access)

    def test_name_and_access_cannot_be_changed(self):
        array = NdShArray("tag", r_w="r")
        self.assertEqual(array.name, "tag")
        for name in "name", "access", "ndarray_mmap_name", "read_time_ms", "is_valid":
            with self.assertRaises(AttributeError):
                setattr(array, name, "other")

    def test_malformed_tag_is_an_error_that_says_what_is_allowed(self):
        with self.assertRaises(ndsharray.Error) as caught:
            NdShArray("no/tag", r_w="r")
        self.assertEqual(caught.exception.code, "InvalidTag")
        self.assertIn("1 to 128 of the characters", str(caught.exception))

    def test_second_writer_of_this_process_writes_the_same_tag(self):
        first = NdShArray("tag", picture(1), "w")
        second = NdShArray("tag", picture(2), "w")
        reader = NdShArray("tag", r_w="r")
        self.assert_same(reader.read()[1], picture(2))
        first.write(picture(3))
        self.assert_same(reader.read()[1], picture(3))
        del first
        second.write(picture(4))
        self.assert_same(reader.read()[1], picture(4))


class Exchange(TagTest):
    def test_all_types_cross(self):
        writer = NdShArray("tag", r_w="w")
        reader = NdShArray("tag", r_w="r")
        for dtype in supported_types:
            for shape in [(72, 128), (2,) * 12, (24, 48, 3, 6), (240, 180), (0,), (3, 0), ()]:
                array = picture(7, shape, dtype)
                writer.write(array)
                valid, found = reader.read()
                self.assertTrue(valid)
                self.assert_same(found, array)

    def test_supported_types_are_those_of_1x_and_the_long_ones_of_this_machine(self):
        for name in ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
                     "float64", "complex64", "complex128"]:  # fmt: skip
            self.assertIn(getattr(np, name), supported_types)
        self.assertIn(bool, supported_types)
        self.assertEqual(np.longdouble in supported_types, np.dtype(np.longdouble).itemsize == 16)

    def test_big_endian_array_crosses(self):
        writer, reader = NdShArray("tag", r_w="w"), NdShArray("tag", r_w="r")
        for dtype in ">u2", ">f8", ">c8", "<i4":
            writer.write(picture(1, (5, 6), dtype))
            self.assert_same(reader.read()[1], picture(1, (5, 6), dtype))

    def test_non_contiguous_array_crosses(self):
        writer, reader = NdShArray("tag", r_w="w"), NdShArray("tag", r_w="r")
        whole = picture(1, (40, 30, 3))
        broadcast = np.broadcast_to(whole[0], (4, 30, 3))
        for array in whole[:, ::2], whole[::-1], whole.T, whole[5:20, 3:7, 1], np.asfortranarray(whole), broadcast:
            writer.write(array)
            self.assert_same(reader.read()[1], array)

    def test_first_array_is_that_of_the_constructor(self):
        reader = NdShArray("tag", r_w="r")
        writer = NdShArray("tag", picture(1), "w")
        self.assert_same(reader.read()[1], picture(1))
        del writer

    def test_reader_may_come_first_and_has_its_own_array_until_then(self):
        reader = NdShArray("tag", picture(5), "r")
        self.assertFalse(reader.is_valid)
        valid, array = reader.read()
        self.assertFalse(valid)
        self.assert_same(array, picture(5))
        writer = NdShArray("tag", picture(6), "w")
        self.assertTrue(reader.read()[0])
        self.assertTrue(reader.is_valid)
        del writer

    def test_read_without_a_newer_array_returns_the_last_and_false(self):
        writer, reader = NdShArray("tag", picture(1), "w"), NdShArray("tag", r_w="r")
        self.assertTrue(reader.read()[0])
        for _ in range(3):
            valid, array = reader.read()
            self.assertFalse(valid)
            self.assert_same(array, picture(1))
        writer.write(picture(1))
        self.assertTrue(reader.read()[0], "the same elements again are news")

    def test_array_that_was_read_stays_as_it_is(self):
        writer, reader = NdShArray("tag", r_w="w"), NdShArray("tag", r_w="r")
        kept = []
        for key in range(30):
            writer.write(picture(key))
            kept.append(reader.read()[1])
        for key, array in enumerate(kept):
            self.assert_same(array, picture(key))

    def test_array_that_was_read_is_read_only(self):
        writer, reader = NdShArray("tag", picture(1), "w"), NdShArray("tag", r_w="r")
        _, array = reader.read()
        with self.assertRaises(ValueError):
            array[0] = 0
        del writer

    def test_time_from_write_to_read_is_told(self):
        writer, reader = NdShArray("tag", r_w="w"), NdShArray("tag", r_w="r")
        self.assertEqual(reader.read_time_ms, 0.0)
        writer.write(picture(1))
        reader.read()
        self.assertGreater(reader.read_time_ms, 0.0)
        self.assertLess(reader.read_time_ms, 10_000.0)

    def test_file_name_is_the_same_on_both_sides_and_changes_with_the_shape(self):
        writer, reader = NdShArray("tag", r_w="w"), NdShArray("tag", r_w="r")
        names = set()
        for shape in (2, 3), (4, 5):
            writer.write(picture(1, shape))
            reader.read()
            self.assertEqual(reader.ndarray_mmap_name, writer.ndarray_mmap_name)
            self.assertIn(reader.ndarray_mmap_name, self.files())
            names.add(reader.ndarray_mmap_name)
        self.assertEqual(len(names), 2)

    def test_write_refuses_what_is_no_array_or_of_an_unsupported_dtype(self):
        writer = NdShArray("tag", r_w="w")
        for no_array in [1, 2], "text", b"bytes", None:
            with self.assertRaises(TypeError):
                writer.write(no_array)
        with self.assertRaises(NotImplementedError):
            writer.write(np.array(["text"]))

    def test_neither_side_does_the_others_work(self):
        writer, reader = NdShArray("tag", r_w="w"), NdShArray("tag", r_w="r")
        with self.assertRaises(ValueError):
            writer.read()
        with self.assertRaises(ValueError):
            reader.write(picture(1))

    def test_writer_may_leave_and_come_back(self):
        reader = NdShArray("tag", r_w="r")
        for key in range(3):
            writer = NdShArray("tag", picture(key), "w")
            self.assertTrue(any(reader.read()[0] for _ in range(3)))
            self.assert_same(reader.read()[1], picture(key))
            del writer


if __name__ == "__main__":
    unittest.main()
