# SPDX-License-Identifier: BSD-3-Clause
"""Arrays cross between Python and pipelines in other processes, and between those and ndsharray 1.x."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import numpy as np
import one_x
from tag_test import DEADLINE, TagTest, picture, wait_until

import ndsharray

FRAMES = 20


class Elements(TagTest):
    def setUp(self):
        super().setUp()
        self.scratch = tempfile.mkdtemp(prefix="python-test.")
        self.addCleanup(shutil.rmtree, self.scratch)
        self.file = os.path.join(self.scratch, "frames.raw")

    def launch(self, pipeline):
        """A pipeline in a process of its own."""
        process = subprocess.Popen(
            ["gst-launch-1.0", "-q", *pipeline.split()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

        def end():
            if process.poll() is None:
                process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def content(self):
        with open(self.file, "rb") as file:
            return file.read()


class FromNumPy(Elements):
    def written(self, arrays, properties="", **keywords):
        """What ndshsrc makes of arrays, all in one."""
        process = self.launch(
            f"ndshsrc tag=tag mode=every num-buffers={len(arrays)} {properties} ! filesink location={self.file}"
        )
        with ndsharray.Writer("tag", backpressure=True, **keywords) as writer:
            self.assertTrue(writer.wait_for_reader(timeout=DEADLINE))
            for array in arrays:
                self.assertGreater(writer.write(array), 0)
            self.assert_succeeds(process)
        return self.content()

    def test_shape_and_dtype_give_the_caps(self):
        for shape, dtype in [((48, 64), "u1"), ((48, 64), "u2"), ((48, 64, 3), "u1"), ((48, 64, 4), "u1"),
                             ((48, 64, 4), "u2"), ((48, 64), ">u2")]:  # fmt: skip
            arrays = [picture(key, shape, dtype) for key in range(FRAMES)]
            self.assertEqual(self.written(arrays), b"".join(array.tobytes() for array in arrays), (shape, dtype))

    def test_rows_are_padded_as_a_pipeline_expects_them(self):
        arrays = [picture(key, (20, 63, 3)) for key in range(FRAMES)]
        content = np.frombuffer(self.written(arrays), np.uint8).reshape(FRAMES, 20, 192)[:, :, :189]
        self.assertEqual(content.tobytes(), b"".join(array.tobytes() for array in arrays))

    def test_caps_property_says_what_an_array_is(self):
        arrays = [picture(key, (72, 64)) for key in range(FRAMES)]
        content = self.written(arrays, "caps=video/x-raw,format=I420,width=64,height=48")
        self.assertEqual(content, b"".join(array.tobytes() for array in arrays))

    def test_caps_attribute_says_what_an_array_is(self):
        arrays = [picture(key) for key in range(FRAMES)]
        caps = "video/x-raw,format=BGR,width=64,height=48,framerate=30/1"
        self.assertEqual(self.written(arrays, attributes={"caps": caps}), b"".join(a.tobytes() for a in arrays))

    def test_arrays_of_the_drop_in_class_are_shown(self):
        process = self.launch(f"ndshsrc tag=tag num-buffers=5 ! filesink location={self.file}")
        writer = ndsharray.NdShArray("tag", r_w="w")  # its first array has no elements
        known = {}
        while process.poll() is None:
            array = picture(len(known))
            known[array.tobytes()] = len(known)
            writer.write(array)
        self.assert_succeeds(process)
        self.assert_known_frames(known)

    def assert_known_frames(self, known):
        """Five of the known ones, in order."""
        size = 48 * 64 * 3
        content = self.content()
        numbers = [known[content[i : i + size]] for i in range(0, len(content), size)]
        self.assertEqual(len(numbers), 5)
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_arrays_of_1x_are_shown(self):
        writer = one_x.Writer("old")
        self.addCleanup(writer.close)
        writer.write(np.zeros((0,), np.uint8))
        process = self.launch(f"ndshsrc tag=old num-buffers=5 ! filesink location={self.file}")
        known = {}
        while process.poll() is None:
            array = picture(len(known))
            known[array.tobytes()] = len(known)
            writer.write(array)
        self.assert_succeeds(process)
        self.assert_known_frames(known)

    def test_array_that_is_no_picture_is_an_error_that_says_so(self):
        with ndsharray.Writer("tag") as writer:
            writer.write(np.zeros((10, 10), np.float32))
            for caps, words in [("", ["float32 (10, 10)", "caps"]),
                                ("caps=video/x-raw,format=I420", ["float32 (10, 10)", "I420"])]:  # fmt: skip
                process = self.launch(f"ndshsrc tag=tag {caps} ! fakesink")
                output, _ = process.communicate(timeout=DEADLINE)
                self.assertNotEqual(process.returncode, 0)
                for word in words:
                    self.assertIn(word, output)


class ToNumPy(Elements):
    def play(self, arrays, caps, properties):
        """Lets a pipeline write arrays, of which the rows are padded as caps say."""
        with open(self.file, "wb") as file:
            file.write(b"".join(array.tobytes() for array in arrays))
        return self.launch(
            f"filesrc location={self.file} ! rawvideoparse use-sink-caps=false {caps} framerate=30/1 "
            f"! ndshsink tag=tag sync=false {properties}"
        )

    def assert_arrive(self, arrays, caps, view):
        process = self.play(arrays, caps, "backpressure=true wait-for-reader=true")
        with ndsharray.Reader("tag", "every", timeout=DEADLINE) as reader:
            count = 0
            for array, frame in zip(arrays, reader):
                self.assertIn("video/x-raw", frame.attributes["caps"])
                self.assert_same(frame.array, view(array))
                count += 1
            self.assertEqual(count, len(arrays))
            self.assertIsNone(reader.read(timeout=DEADLINE))
            self.assertEqual(reader.status, "EndOfStream")
        self.assert_succeeds(process)

    def test_pixels_arrive_as_they_are(self):
        arrays = [picture(key) for key in range(FRAMES)]
        self.assert_arrive(arrays, "format=bgr width=64 height=48", lambda array: array)

    def test_padded_rows_arrive_as_strides(self):
        arrays = [picture(key, (20, 192)) for key in range(FRAMES)]
        view = np.lib.stride_tricks.as_strided
        self.assert_arrive(arrays, "format=rgb width=63 height=20 plane-strides=<192>",
                           lambda array: view(array, (20, 63, 3), (192, 3, 1)))  # fmt: skip

    def test_16_bit_pixels_have_their_byte_order(self):
        for name, dtype in ("gray16-le", "<u2"), ("gray16-be", ">u2"):
            arrays = [picture(key, (48, 64), dtype) for key in range(FRAMES)]
            self.assert_arrive(arrays, f"format={name} width=64 height=48", lambda array: array)

    def test_planes_arrive_below_each_other(self):
        arrays = [picture(key, (72, 64)) for key in range(FRAMES)]
        self.assert_arrive(arrays, "format=nv12 width=64 height=48", lambda array: array)

    def test_pixels_arrive_at_1x(self):
        for name, dtype, shape in ("bgr", "u1", (48, 64, 3)), ("gray16-be", ">u2", (48, 64)):
            arrays = [picture(key, shape, dtype) for key in range(FRAMES)]
            with open(self.file, "wb") as file:
                file.write(b"".join(array.tobytes() for array in arrays))
            process = self.launch(
                f"multifilesrc location={self.file} loop=true ! rawvideoparse format={name} width=64 height=48 "
                "framerate=100/1 ! ndshsink tag=tag compat=true"
            )
            self.assertTrue(wait_until(lambda: "tag" in self.files()))
            native = [np.ascontiguousarray(array.astype(np.dtype(dtype).newbyteorder("="))) for array in arrays]
            known = {array.tobytes() for array in native}
            reader = one_x.Reader("tag")
            for _ in range(10):
                self.assertTrue(wait_until(lambda: reader.read()[0]))
                self.assertEqual((reader.array.dtype, reader.array.shape), (native[0].dtype, shape))
                self.assertIn(reader.array.tobytes(), known)
            process.send_signal(signal.SIGINT)
            process.wait(DEADLINE)
            self.assertEqual(self.files(), [])


if __name__ == "__main__":
    unittest.main()
