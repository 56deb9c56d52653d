# SPDX-License-Identifier: BSD-3-Clause
"""The NumPy examples, between pipelines in processes of their own."""

import importlib.util
import os
import sys
import tempfile
import unittest

import numpy as np
from programs import ProgramTest

HEIGHT, WIDTH = 48, 63


class NumpyExamples(ProgramTest):
    def setUp(self):
        super().setUp()
        scratch = tempfile.TemporaryDirectory(prefix="examples-test.")
        self.addCleanup(scratch.cleanup)
        self.source, self.result = (os.path.join(scratch.name, name) for name in ("source", "result"))

    def start_example(self, name, *arguments):
        return self.start(sys.executable, os.path.join(os.environ["SOURCE_ROOT"], "examples", f"{name}.py"), *arguments)

    def start_pipeline(self, pipeline):
        return self.start("gst-launch-1.0", "--quiet", *pipeline.split())

    def start_picture(self, tag):
        """Lets a pipeline write one picture again and again; returns it and the pipeline."""
        picture = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        padded = np.zeros((HEIGHT, 192), np.uint8)
        padded[:, : WIDTH * 3] = picture.reshape(HEIGHT, -1)
        padded.tofile(self.source)
        pipeline = self.start_pipeline(
            f"multifilesrc location={self.source} loop=true ! rawvideoparse format=rgb width={WIDTH} height={HEIGHT} "
            f"plane-strides=<192> framerate=100/1 ! ndshsink tag={tag}"
        )
        return picture, pipeline

    def pictures_in_result(self, height, width):
        row = (width * 3 + 3) // 4 * 4
        rows = np.fromfile(self.result, np.uint8).reshape(-1, height, row)[:, :, : width * 3]
        return rows.reshape(-1, height, width, 3)

    def test_numpy_reader_reads_a_pipeline(self):
        reader = self.start_example("numpy_reader", "video", "10")
        self.assert_prints(reader, "waiting for video")
        picture, pipeline = self.start_picture("video")
        output = self.output_of(reader)
        self.assertEqual(output.count(f"uint8 ({HEIGHT}, {WIDTH}, 3), mean {picture.mean():.1f}"), 10, output)
        self.interrupt(pipeline)
        self.assert_nothing_left()

    def test_numpy_to_gstreamer_is_shown_by_a_pipeline(self):
        pipeline = self.start_pipeline(
            "ndshsrc tag=drawn num-buffers=10 ! video/x-raw,format=RGB,width=640,height=480,framerate=30/1 "
            f"! filesink location={self.result}"
        )
        writer = self.start_example("numpy_to_gstreamer", "drawn")
        self.output_of(pipeline)
        self.interrupt(writer)
        for picture in self.pictures_in_result(480, 640):
            self.assertTrue((picture[..., 2] == 128).all())
            self.assertTrue((np.diff(picture[0, :, 0]) == 1).all())
            self.assertTrue((picture[:, 0, 1] == np.arange(480) // 2).all())
        self.assert_nothing_left()

    def test_numpy_to_gstreamer_ends_its_stream(self):
        reader = self.start_example("numpy_reader", "drawn")
        self.assert_prints(reader, "waiting for drawn")
        self.output_of(self.start_example("numpy_to_gstreamer", "drawn", "10"))
        self.assertIn("uint8 (480, 640, 3)", self.output_of(reader))
        self.assert_nothing_left()

    def test_numpy_filter_works_between_two_pipelines(self):
        last = self.start_pipeline(f"ndshsrc tag=edges num-buffers=10 ! filesink location={self.result}")
        numpy_filter = self.start_example("numpy_filter", "video", "edges")
        picture, first = self.start_picture("video")
        self.output_of(last)
        self.interrupt(numpy_filter)
        self.interrupt(first)
        expected = np.zeros_like(picture)
        expected[:, 1:] = np.abs(np.diff(picture.astype(int), axis=1))
        results = self.pictures_in_result(HEIGHT, WIDTH)
        self.assertEqual(len(results), 10)
        for result in results:
            np.testing.assert_array_equal(result, expected)
        self.assert_nothing_left()

    @unittest.skipUnless(importlib.util.find_spec("cv2"), "OpenCV is not installed")
    def test_numpy_boxes_draws_between_two_pipelines(self):
        last = self.start_pipeline(f"ndshsrc tag=boxes num-buffers=10 ! filesink location={self.result}")
        boxes = self.start_example("numpy_boxes", "video", "boxes")
        picture, first = self.start_picture("video")
        self.output_of(last)
        self.interrupt(boxes)
        self.interrupt(first)
        results = self.pictures_in_result(HEIGHT, WIDTH)
        self.assertEqual(len(results), 10)
        for result in results:
            drawn = (result != picture).any(axis=2)
            self.assertTrue((result[drawn] == (0, 255, 0)).all())
            self.assertGreater(drawn.sum(), 50)
            self.assertLess(drawn.sum(), 400, "one box, not those of frames before")
        self.assert_nothing_left()

    def test_interrupt_ends_what_waits(self):
        for name, *tags in ("numpy_reader", "video"), ("numpy_filter", "video", "edges"):
            program = self.start_example(name, *tags)
            self.assert_prints(program, "waiting for video")
            self.interrupt(program)
        self.assert_nothing_left()

    def test_malformed_tag_is_refused_with_a_sentence(self):
        for name, *tags in ("numpy_reader", "a/b"), ("numpy_to_gstreamer", "a/b"), ("numpy_filter", "a/b", "c"):
            output = self.output_of(self.start_example(name, *tags), status=1)
            self.assertIn("1 to 128 of the characters", output)


if __name__ == "__main__":
    unittest.main()
