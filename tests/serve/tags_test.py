# SPDX-License-Identifier: BSD-3-Clause
"""The list of tags: as JSON, as events, for Prometheus; and what serving costs where nobody looks."""
import re
import time
import unittest

import numpy as np

from serve import ServeTest, Stream


class Tags(ServeTest):
    def test_are_listed_with_what_they_hold(self):
        self.publish("cam0", np.zeros((4, 6, 3), np.uint8))
        self.publish("deep", np.zeros((5, 2, 8, 9), np.float32))
        self.serve()
        tags = self.tags()
        self.assertEqual(sorted(tags), ["cam0", "deep"])
        self.assertEqual((tags["cam0"]["dtype"], tags["cam0"]["shape"]), ("uint8", [4, 6, 3]))
        self.assertTrue(tags["cam0"]["video"])
        self.assertEqual(tags["deep"]["leading"], [5, 2])
        self.assertFalse(tags["deep"]["video"])
        self.assertEqual(tags["cam0"]["published"], 1)
        self.assertLess(tags["cam0"]["age"], 60)

    def test_come_and_go_as_events(self):
        self.serve()
        events = Stream(self.port, "/api/events")
        self.addCleanup(events.close)
        self.assertEqual(events.event(), [])
        writer = self.publish("late", np.zeros((2, 2), np.uint8))
        events.until(lambda list: [tag["tag"] for tag in list] == ["late"])
        writer.close()
        events.until(lambda list: list == [])

    def test_are_measured_for_prometheus(self):
        writer = self.publish("cam0", np.zeros((4, 4), np.uint8))
        writer.write(np.zeros((4, 4), np.uint8))
        self.serve()
        stream = Stream(self.port, "/cam0/mjpeg")
        self.addCleanup(stream.close)
        stream.part()
        status, headers, body = self.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("text/plain", headers["Content-Type"])
        lines = body.decode().splitlines()
        self.assertIn('ndsharray_frames_published_total{tag="cam0"} 2', lines)
        self.assertIn('ndsharray_readers{tag="cam0"} 1', lines)
        self.assertIn('ndsharray_serve_viewers{protocol="mjpeg"} 1', lines)
        for line in lines:
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"\})? [0-9.e+-]+)$')
        sent = float(re.search(r"^ndsharray_serve_sent_bytes_total (\S+)$", body.decode(), re.MULTILINE)[1])
        self.assertGreater(sent, 0)

    def test_have_no_reader_where_nobody_looks(self):
        self.publish("cam0", np.zeros((4, 4), np.uint8))
        self.serve()
        stream = Stream(self.port, "/cam0/mjpeg")
        stream.part()
        self.assertEqual(self.tags()["cam0"]["readers"], 1)
        stream.close()
        self.wait_for(lambda: self.tags()["cam0"]["readers"] == 0, "the reader went with its viewer")

    def test_cost_nothing_where_nobody_looks(self):
        self.publish("cam0", np.zeros((4, 4), np.uint8))
        self.serve()
        self.get("/")
        before = self.processor_time()
        time.sleep(1)
        self.assertLessEqual(self.processor_time() - before, 0.02)

    def test_that_are_not_there_are_not_found(self):
        self.serve()
        for path in ("/nothing/mjpeg", "/nothing.jpg", "/nothing.npy", "/nothing", "/nothing/value", "/~/nothing.js"):
            self.assertEqual(self.get(path)[0], 404, path)

    def test_of_a_writer_that_was_killed_are_not_listed(self):
        writer = self.writer_process("cam0")
        self.serve()
        self.wait_for(lambda: "cam0" in self.tags(), "the tag came")
        writer.kill()
        writer.wait()
        self.assertEqual(self.tags(), {})


if __name__ == "__main__":
    unittest.main()
