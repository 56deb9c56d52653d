# SPDX-License-Identifier: BSD-3-Clause
"""What programs that use NumPy do with frames: look at them by other interfaces, echo them, make mistakes."""

import array
import ctypes
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import warnings

import numpy as np
from tag_test import DEADLINE, TagTest

import ndsharray
from ndsharray import NdShArray, Reader, Writer, supported_types


def sample(dtype):
    """Values that differ byte by byte, in native order or the other."""
    values = np.arange(12).reshape(3, 4) % 2 if dtype == np.bool_ else np.arange(12).reshape(3, 4) * 7
    return values.astype(dtype)


class Dtypes(TagTest):
    def test_every_dtype_in_every_order_is_read_and_written_again(self):
        with Writer("tag") as writer, Reader("tag") as reader, Writer("echo") as echo, Reader("echo") as listener:
            for kind in supported_types:
                for order in "=<>":
                    dtype = np.dtype(kind).newbyteorder(order)
                    sent = sample(dtype)
                    with self.subTest(dtype=dtype):
                        writer.write(sent)
                        frame = reader.read(timeout=DEADLINE)
                        self.assertEqual(frame.array.dtype, dtype)
                        np.testing.assert_array_equal(frame.array, sent)
                        echo.write(frame.array)
                        heard = listener.read(timeout=DEADLINE)
                        self.assertEqual(heard.array.dtype, dtype)
                        np.testing.assert_array_equal(heard.array, sent)

    def test_native_order_is_numpys_own(self):
        with Writer("tag") as writer, Reader("tag") as reader:
            for kind in supported_types:
                writer.write(sample(np.dtype(kind)))
                dtype = reader.read(timeout=DEADLINE).array.dtype
                self.assertIn(dtype.byteorder, "=|", kind)
                acquired = writer.acquire((2, 2), kind)
                self.assertIn(acquired.dtype.byteorder, "=|", kind)

    def test_a_1x_script_reads_every_supported_type(self):
        writer, reader = NdShArray("old", r_w="w"), NdShArray("old", r_w="r")
        for kind in supported_types:
            writer.write(sample(np.dtype(kind)))
            valid, got = reader.read()
            self.assertTrue(valid, kind)
            np.testing.assert_array_equal(got, sample(np.dtype(kind)))
            writer.write(got)  # as filters do


class Interfaces(TagTest):
    def setUp(self):
        super().setUp()
        self.writer = Writer("tag")
        self.addCleanup(self.writer.close)
        self.reader = Reader("tag")

    def frame(self, values):
        self.writer.write(values)
        return self.reader.read(timeout=DEADLINE)

    def test_memoryview_struct_and_ctypes_take_a_frame(self):
        values = np.array([[1.5, 2.5], [3.5, 4.5]], np.float32)
        frame = self.frame(values)
        self.assertEqual(memoryview(frame.array)[1, 0], 3.5)
        self.assertEqual(struct.unpack_from("=4f", frame.array), (1.5, 2.5, 3.5, 4.5))
        copied = (ctypes.c_float * 4).from_buffer_copy(frame.array)
        self.assertEqual(list(copied), [1.5, 2.5, 3.5, 4.5])
        self.assertEqual(bytes(frame.array), values.tobytes())
        acquired = self.writer.acquire((2, 2), np.float32)
        ctypes.c_float.from_buffer(acquired).value = 9.0
        self.assertEqual(memoryview(acquired)[0, 0], 9.0)

    def test_numpy_takes_a_frame_for_its_array(self):
        frame = self.frame(np.arange(6, dtype=np.uint16).reshape(2, 3))
        taken = np.asarray(frame)
        self.assertTrue(np.shares_memory(taken, frame.array))
        self.assertEqual(np.asarray(frame, np.float64).dtype, np.float64)
        self.assertFalse(np.shares_memory(np.array(frame), frame.array))
        self.assertTrue(np.array(frame).flags.writeable)
        np.testing.assert_array_equal(np.stack([frame, frame])[1], frame.array)
        self.assertEqual(np.mean(frame), 2.5)
        with self.assertRaises(ValueError):
            frame.__array__(np.float32, copy=False)

    def test_dlpack_lends_the_memory(self):
        frame = self.frame(np.arange(6, dtype=np.int32).reshape(2, 3))
        self.assertEqual(frame.__dlpack_device__(), (1, 0))
        tensor = np.from_dlpack(frame)
        np.testing.assert_array_equal(tensor, frame.array)
        self.assertEqual(tensor.ctypes.data, frame.array.ctypes.data)
        del frame
        for _ in range(20):
            self.writer.write(np.zeros((2, 3), np.int32))
        np.testing.assert_array_equal(tensor, np.arange(6).reshape(2, 3))

    def test_buffers_of_other_kinds_are_written(self):
        for values in [b"abc", bytearray(b"abc"), memoryview(b"abc"), array.array("H", [1, 2, 3])]:
            np.testing.assert_array_equal(self.frame(values).array, np.asarray(memoryview(values)))

    def test_repr_says_what_it_is(self):
        self.assertRegex(repr(self.reader), r'^<ndsharray.Reader of tag "tag", mode \'latest\', no writer yet, 0 frames')
        frame = self.frame(np.zeros((4, 6), np.uint8))
        self.assertRegex(repr(frame), r'^<ndsharray.Frame 1 of tag "tag", .*uint8.*4.*6.*, \d+\.\d ms old>$')
        self.assertEqual(frame.tag, "tag")
        self.assertIn("attached, 1 frames read", repr(self.reader))
        self.assertRegex(repr(self.writer), r'^<ndsharray.Writer of tag "tag", 1 frames published, 1 readers>$')
        frame.release()
        self.reader.close()
        self.writer.close()
        for closed in [frame, self.reader, self.writer]:
            self.assertRegex(repr(closed), "released>|closed>")

    def test_help_explains_every_option(self):
        for made, options in [
            (Reader, ["tag", "mode", "timeout", "owner", "max_leases"]),
            (Writer, ["tag", "slots", "permissions", "backpressure", "compat", "attributes"]),
        ]:
            text = made.__init__.__doc__
            for option in options:
                self.assertRegex(text, rf"(?m)^\s*{option}: ['\w]", made)
        self.assertIn("permissions: int = 0o600", Writer.__init__.__doc__)


class Mistakes(TagTest):
    def setUp(self):
        super().setUp()
        self.writer = Writer("tag")
        self.addCleanup(self.writer.close)

    def test_a_masked_array_keeps_its_mask_or_is_refused(self):
        masked = np.ma.masked_array(np.arange(4), mask=[0, 1, 0, 0])
        with self.assertRaisesRegex(TypeError, "filled"):
            self.writer.write(masked)
        self.assertEqual(self.writer.write(masked.filled(0)), 1)

    def test_a_wrong_shape_says_what_a_shape_is(self):
        for shape in ["ab", None, 1.5, (2, "x"), (2.5, 2), [None]]:
            with self.assertRaisesRegex(TypeError, "shape is an int or a sequence of ints"):
                self.writer.acquire(shape)
        for shape in [-1, (3, -2), 2**70]:
            with self.assertRaisesRegex(ValueError, "length in a shape"):
                self.writer.acquire(shape)

    def test_a_wrong_timeout_or_like_says_what_is_wanted(self):
        reader = Reader("tag")
        for timeout in ["x", [1], {}]:
            with self.assertRaisesRegex(TypeError, "number of seconds"):
                reader.read(timeout)
        for timeout in [-1, float("nan")]:
            with self.assertRaisesRegex(ValueError, "number of seconds"):
                reader.read(timeout)
        with self.assertRaisesRegex(TypeError, "`like` is a Frame .* not numpy.ndarray"):
            self.writer.write(np.zeros(3), like=np.zeros(3))
        with self.assertRaisesRegex(TypeError, "`attributes` is a dict"):
            Writer("other", attributes="caps")

    def test_a_second_writer_of_the_process_is_told_about_the_first(self):
        with self.assertRaisesRegex(ndsharray.Error, "this very process; close that one first") as caught:
            Writer("tag")
        self.assertEqual(caught.exception.code, "TagInUse")

    def test_another_process_is_named(self):
        code = "import ndsharray\ntry:\n    ndsharray.Writer('tag')\nexcept ndsharray.Error as e:\n    print(e)"
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE).stdout
        self.assertIn(f"in use by another writer, process {os.getpid()};", said)

    def test_a_missing_directory_is_said_once_and_waited_for(self):
        before = os.environ.get("NDSHARRAY_DIR")
        with tempfile.TemporaryDirectory() as parent:
            os.environ["NDSHARRAY_DIR"] = os.path.join(parent, "later")
            try:
                with warnings.catch_warnings(record=True) as said:
                    warnings.simplefilter("always")
                    reader = Reader("cam0")
                    self.assertIsNone(reader.read(timeout=0.01))
                    self.assertIsNone(reader.read(timeout=0.01))
                self.assertEqual(len(said), 1)
                self.assertIs(said[0].category, RuntimeWarning)
                self.assertIn(os.environ["NDSHARRAY_DIR"], str(said[0].message))
                os.mkdir(os.environ["NDSHARRAY_DIR"])
                with Writer("cam0") as writer:
                    writer.write(np.arange(3))
                    np.testing.assert_array_equal(reader.read(timeout=DEADLINE).array, np.arange(3))
                reader.close()
            finally:
                if before is None:
                    del os.environ["NDSHARRAY_DIR"]
                else:
                    os.environ["NDSHARRAY_DIR"] = before


if __name__ == "__main__":
    unittest.main()
