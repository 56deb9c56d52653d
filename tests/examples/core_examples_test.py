# SPDX-License-Identifier: BSD-3-Clause
"""core_publish and core_read, in processes of their own."""

import time
import unittest

from programs import FRAMES_PER_SECOND, PATIENCE, ProgramTest, example


class CoreExamples(ProgramTest):
    def test_reader_started_first_receives_the_arrays(self):
        reader = self.start_reader(example("core_read"), "core", "45")
        started = time.monotonic()
        writer = self.start(example("core_publish"), "core")
        output = self.output_of(reader)
        self.assertGreater(time.monotonic() - started, 44 / FRAMES_PER_SECOND, "no frame comes before its time")
        self.assertIn("uint8 (720, 1280, 3)", output)
        report = self.report_in(output)
        self.assertEqual(report["frames"], 45)
        self.assertGreater(report["rate"] * PATIENCE, 5)
        self.assertGreater(report["latency"], 0)
        self.assertLess(report["latency"], 1000)
        self.assertRegex(self.interrupt(writer), r"published \d+, dropped 0")
        self.assert_nothing_left()

    def test_end_of_the_stream_ends_the_reader(self):
        reader = self.start_reader(example("core_read"), "core")
        self.output_of(self.start(example("core_publish"), "core", "30"))
        self.assertGreater(self.report_in(self.output_of(reader))["frames"], 0)
        self.assert_nothing_left()

    def test_interrupt_ends_both_and_leaves_nothing(self):
        reader = self.start_reader(example("core_read"), "core")
        writer = self.start(example("core_publish"), "core")
        self.assert_prints(reader, "mean byte")
        self.assertGreater(self.report_in(self.interrupt(reader))["frames"], 0)
        self.assertIn("published", self.interrupt(writer))
        self.assert_nothing_left()

    def test_writer_killed_and_started_again_is_picked_up(self):
        reader = self.start_reader(example("core_read"), "core")
        first = self.start(example("core_publish"), "core")
        self.assert_prints(reader, "uint8 (720, 1280, 3)")
        first.kill()
        self.assert_prints(reader, "the writer left")
        second = self.start(example("core_publish"), "core")
        self.assert_prints(reader, "uint8 (720, 1280, 3)")
        self.interrupt(reader)
        self.interrupt(second)
        self.assert_nothing_left()

    def test_second_writer_is_told_that_the_tag_is_in_use(self):
        writer = self.start(example("core_publish"), "core")
        reader = self.start(example("core_read"), "core", "1")
        self.output_of(reader)
        self.assertIn("core", self.output_of(self.start(example("core_publish"), "core", "1"), status=1))
        self.interrupt(writer)
        self.assert_nothing_left()

    def test_malformed_tag_is_refused_with_a_sentence(self):
        for program in "core_publish", "core_read":
            self.assertIn("1 to 128 of the characters", self.output_of(self.start(example(program), "no/tag", "1"), status=1))


if __name__ == "__main__":
    unittest.main()
