# SPDX-License-Identifier: BSD-3-Clause
"""The GStreamer examples, with each other, with gst-launch-1.0 and with the core's examples."""

import os
import signal
import sys
import time
import unittest

from programs import FRAMES_PER_SECOND, ProgramTest, example

LIVE_VIDEO = ["videotestsrc", "is-live=true", "!", "video/x-raw,format=RGB,width=320,height=240,framerate=30/1"]


class VideoExamples(ProgramTest):
    def start_python_reader(self, *arguments):
        return self.start_reader(
            sys.executable, os.path.join(os.environ["SOURCE_ROOT"], "examples", "video_reader.py"), *arguments
        )

    def start_pipeline(self, *pipeline):
        return self.start("gst-launch-1.0", "--quiet", *pipeline)

    def test_readers_started_first_receive_what_video_writer_sends(self):
        readers = [self.start_reader(example("video_reader"), "video", "45") for _ in range(2)]
        started = time.monotonic()
        writer = self.start(example("video_writer"), "video")
        for reader in readers:
            output = self.output_of(reader)
            self.assertGreater(time.monotonic() - started, 44 / FRAMES_PER_SECOND, "no frame comes before its time")
            self.assertIn("1280x720 RGB at 30/1", output)
            report = self.report_in(output)
            self.assertEqual(report["frames"], 45)
            self.assertGreater(report["latency"], 0)
            self.assertLess(report["latency"], 1000)
        self.assertIn("readers: 2", self.interrupt(writer))
        self.assert_nothing_left()

    def test_video_reader_receives_a_gst_launch_pipeline(self):
        writer = self.start_pipeline(*LIVE_VIDEO, "!", "ndshsink", "tag=video")
        output = self.output_of(self.start(example("video_reader"), "video", "45"))
        self.assertIn("320x240 RGB at 30/1", output)
        self.interrupt(writer)
        self.assert_nothing_left()

    def test_python_reader_receives_pixels_in_range(self):
        writer = self.start_pipeline(
            "videotestsrc", "is-live=true", "pattern=white", "!", "video/x-raw,format=GRAY8,width=321,height=241",
            "!", "ndshsink", "tag=video",
        )  # fmt: skip
        output = self.output_of(self.start_python_reader("video", "10"))
        self.assertEqual(output.count("321x241"), 10, output)
        self.assertEqual(output.count("mean 255.0") + output.count("mean 235.0"), 10, output)
        self.interrupt(writer)
        self.assert_nothing_left()

    def test_array_without_caps_is_read_as_rgb_video(self):
        writer = self.start(example("core_publish"), "video")
        output = self.output_of(self.start(example("video_reader"), "video", "15"))
        self.assertIn("1280x720 RGB", output)
        self.interrupt(writer)
        self.assert_nothing_left()

    def test_video_is_read_as_arrays_by_the_core(self):
        writer = self.start_pipeline(*LIVE_VIDEO, "!", "ndshsink", "tag=video")
        output = self.output_of(self.start(example("core_read"), "video", "15"))
        self.assertIn("uint8 (240, 320, 3)", output)
        self.interrupt(writer)
        self.assert_nothing_left()

    def test_end_of_the_stream_ends_the_readers(self):
        readers = [self.start_reader(example("video_reader"), "video"), self.start_python_reader("video")]
        self.output_of(self.start(example("video_writer"), "video", "45"))
        for reader in readers:
            self.output_of(reader)
        self.assert_nothing_left()

    def test_interrupt_ends_a_reader_that_waits_for_a_writer(self):
        reader = self.start_reader(example("video_reader"), "video")
        reader.send(signal.SIGINT)
        self.assertIn("received 0 frames", self.output_of(reader, status=1))
        self.assert_nothing_left()

    def test_malformed_tag_is_refused_with_a_sentence(self):
        for program in "video_writer", "video_reader":
            self.assertIn("1 to 128 of the characters", self.output_of(self.start(example(program), "no/tag", "1"), status=1))


if __name__ == "__main__":
    unittest.main()
