# SPDX-License-Identifier: BSD-3-Clause
"""Reader and Writer: frames, waiting, arrays in place, options, errors."""

import os
import re
import threading
import time
import unittest

import numpy as np
from tag_test import DEADLINE, TagTest, picture

import ndsharray
from ndsharray import Reader, Writer


class Frames(TagTest):
    def setUp(self):
        super().setUp()
        self.writer = Writer("tag", attributes={"caps": "video/x-raw", "unicode": "Kamera ä"})
        self.addCleanup(self.writer.close)
        self.reader = Reader("tag")

    def test_missing_directory_is_a_warning_and_is_awaited(self):
        later = os.path.join(self.directory, "later")
        os.environ["NDSHARRAY_DIR"] = later
        with self.assertWarnsRegex(RuntimeWarning, re.escape(later) + ".*NDSHARRAY_DIR"):
            reader = Reader("tag")
        self.assertIn(later, reader.obstacle)
        os.mkdir(later)
        self.assertIsNone(reader.obstacle)
        with Writer("tag") as writer:
            writer.write(picture(1))
            self.assert_same(reader.read(timeout=10).array, picture(1))
        reader.close()
        os.rmdir(later)

    def frame(self, key=1):
        self.writer.write(picture(key))
        return self.reader.read(timeout=10)

    def test_frame_tells_what_it_is(self):
        before = time.monotonic()
        frame = self.frame()
        self.assert_same(frame.array, picture(1))
        self.assertEqual(frame.number, 1)
        self.assertEqual(frame.attributes, {"caps": "video/x-raw", "unicode": "Kamera ä"})
        self.assertEqual(frame.missed, 0)
        self.assertTrue(frame.first_of_writer)
        self.assertFalse(frame.is_copy)
        self.assertEqual(frame.segment_name, self.writer.segment_name)
        self.assertEqual(frame.segment_name, self.reader.segment_name)
        self.assertGreaterEqual(frame.published, before)
        self.assertGreaterEqual(frame.age_ms, 0)
        self.assertLess(frame.age_ms, (time.monotonic() - before) * 1000 + 1)
        self.assertIsNone(frame.pts)
        self.assertIsNone(frame.duration)
        self.assertEqual(self.frame(2).number, 2)

    def test_array_is_the_shared_memory_and_read_only(self):
        frame = self.frame()
        self.assertIs(frame.array, frame.array)
        self.assertFalse(frame.array.flags.owndata)
        with self.assertRaises(ValueError):
            frame.array[0] = 0
        with self.assertRaises(ValueError):
            frame.array.flags.writeable = True

    def test_views_keep_the_pixels_when_all_else_is_gone(self):
        frame = self.frame()
        view = frame.array[10:20].reshape(-1)[5:]
        del frame
        for key in range(2, 30):
            self.writer.write(picture(key))
        self.reader.close()
        self.writer.close()
        self.assert_same(view, picture(1)[10:20].reshape(-1)[5:])

    def test_released_frame_has_no_array_but_its_views_live(self):
        with self.frame() as frame:
            view = frame.array[3]
        with self.assertRaises(ValueError):
            frame.array
        for key in range(2, 30):
            self.writer.write(picture(key))
        self.assert_same(view, picture(1)[3])

    def test_frames_past_the_leases_are_copies(self):
        kept = [self.frame(key) for key in range(6)]
        self.assertEqual([frame.is_copy for frame in kept], [False] * 2 + [True] * 4)
        for key, frame in enumerate(kept):
            self.assert_same(frame.array, picture(key))

    def test_padded_rows_are_strides(self):
        frame = self.frame()
        self.assertEqual(frame.array.strides, (64 * 3, 3, 1))

    def test_counters_count(self):
        self.frame(1)
        self.writer.write(picture(2))
        self.frame(3)
        self.assertEqual(self.reader.stats["frames"], 2)
        self.assertEqual(self.reader.stats["missed"], 1)
        self.assertEqual(self.writer.stats["published"], 3)
        self.assertEqual(self.writer.stats["dropped"], 0)
        self.assertEqual(self.writer.stats["readers"], 1)
        self.assertEqual(self.writer.stats["slots"], 8)

    def test_frame_can_be_written_like_one_that_was_read(self):
        with Writer("other") as other, Reader("other") as reader:
            other.write(picture(2), like=self.frame())
            self.assert_same(reader.read(timeout=10).array, picture(2))
            with self.assertRaises(Exception):
                other.write(picture(2), like="no frame")


class InPlace(TagTest):
    def test_array_that_is_filled_in_place_arrives(self):
        with Writer("tag") as writer, Reader("tag") as reader:
            for shape, dtype in [((4, 5), np.float64), (7, "u1"), ((), ">i2"), ((2, 0), bool), ([3, 4], np.complex64)]:
                array = writer.acquire(shape, dtype)
                self.assertTrue(array.flags.writeable)
                array[...] = picture(1, array.shape, dtype)
                self.assertEqual(writer.publish(array), writer.stats["published"])
                self.assert_same(reader.read(timeout=10).array, picture(1, array.shape, dtype))

    def test_published_array_is_read_only_for_good(self):
        with Writer("tag") as writer:
            array = writer.acquire(10)
            writer.publish(array)
            with self.assertRaises(ValueError):
                array[0] = 1
            with self.assertRaises(ValueError):
                array.flags.writeable = True

    def test_array_is_published_once_by_its_writer_itself(self):
        with Writer("tag") as writer, Writer("other") as other:
            array = writer.acquire((10, 10))
            for wrong in array[1:], np.zeros(3), [1], None:
                with self.assertRaises(ValueError):
                    writer.publish(wrong)
            with self.assertRaises(ValueError):
                other.publish(array)
            writer.publish(array)
            with self.assertRaises(ValueError):
                writer.publish(array)

    def test_array_that_is_not_published_gives_its_place_back(self):
        with Writer("tag", slots=3) as writer:
            for _ in range(20):
                self.assertIsNotNone(writer.acquire((100, 100)))
            self.assertEqual(writer.stats["published"], 0)

    def test_no_room_is_none_and_counted(self):
        with Writer("tag", slots=3) as writer:
            held = [writer.acquire(10) for _ in range(3)]
            self.assertTrue(all(array is not None for array in held))
            self.assertIsNone(writer.acquire(10))
            self.assertEqual(writer.write(np.zeros(10, np.uint8)), 0)
            self.assertEqual(writer.stats["dropped"], 2)

    def test_array_can_be_read_after_its_writer_is_gone(self):
        writer = Writer("tag")
        published, kept = writer.acquire(1000), writer.acquire(1000)
        published[:] = kept[:] = 7
        writer.publish(published)
        writer.close()
        del writer
        self.assertEqual(int(published.sum() + kept.sum()), 14000)
        kept[:] = 8

    def test_array_alone_does_not_keep_the_tag(self):
        writer = Writer("tag")
        array = writer.acquire(10)
        del writer
        self.assertEqual(ndsharray.tags(), [])
        del array

    def test_unsupported_dtypes_and_shapes_are_refused(self):
        with Writer("tag") as writer:
            for dtype in "U3", "M8[s]", object, [("x", "f4")]:
                with self.assertRaises(NotImplementedError):
                    writer.acquire(3, dtype)
            with self.assertRaises(ndsharray.Error) as caught:
                writer.acquire((1,) * 33)
            self.assertEqual(caught.exception.code, "InvalidArgument")
            with self.assertRaises(Exception):
                writer.acquire((-1, 2))


class Waiting(TagTest):
    def test_timeout_returns_none_and_status_says_so(self):
        with Reader("tag") as reader:
            start = time.monotonic()
            self.assertIsNone(reader.read(timeout=0.2))
            self.assertGreaterEqual(time.monotonic() - start, 0.2)
            self.assertEqual(reader.status, "Timeout")

    def test_timeout_of_the_reader_is_the_default(self):
        with Reader("tag", timeout=0.05) as reader:
            self.assertIsNone(reader.read())
            self.assertEqual(list(reader), [])

    def test_bad_timeouts_are_refused(self):
        for timeout in -1, float("nan"):
            with self.assertRaises(ValueError):
                Reader("tag", timeout=timeout)
        with self.assertRaises(Exception):
            Reader("tag").read("soon")

    def test_first_frame_of_a_later_writer_ends_the_wait(self):
        with Reader("tag") as reader:
            frames = []
            thread = threading.Thread(target=lambda: frames.append(reader.read()))
            thread.start()
            with Writer("tag") as writer:
                writer.write(picture(1))
                thread.join(10)
                self.assert_same(frames.pop().array, picture(1))

    def test_end_and_departure_are_told(self):
        with Reader("tag") as reader:
            with Writer("tag") as writer:
                writer.write(picture(1))
                self.assertIsNotNone(reader.read(timeout=10))
                writer.end_of_stream()
                self.assertIsNone(reader.read(timeout=10))
                self.assertEqual(reader.status, "EndOfStream")
                self.assertTrue(reader.attached)
            self.assertIsNone(reader.read(timeout=10))
            self.assertEqual(reader.status, "Disconnected")
            self.assertFalse(reader.attached)

    def test_iteration_ends_with_the_stream_and_spans_writers(self):
        with Reader("tag", timeout=10) as reader:
            with Writer("tag") as writer:
                writer.write(picture(0))
                numbers = [next(reader).number]
            with Writer("tag") as writer:
                for key in range(3):
                    writer.write(picture(key))
                writer.end_of_stream()
                numbers += [frame.number for frame in reader]
            self.assertEqual(numbers, [1, 3])
            self.assertEqual(reader.status, "EndOfStream")

    def test_cancel_ends_a_wait_in_another_thread(self):
        with Reader("tag") as reader:
            results = []
            thread = threading.Thread(target=lambda: results.append((reader.read(), reader.status)))
            thread.start()
            reader.cancel()
            thread.join(10)
            self.assertEqual(results, [(None, "Cancelled")])
            reader.resume()
            self.assertIsNone(reader.read(timeout=0))
            self.assertEqual(reader.status, "Timeout")

    def test_close_ends_a_wait_in_another_thread(self):
        reader = Reader("tag")
        results = []
        thread = threading.Thread(target=lambda: results.append(reader.read()))
        thread.start()
        reader.close()
        thread.join(10)
        self.assertFalse(thread.is_alive())

    def test_two_threads_may_read_at_the_same_time(self):
        with Reader("tag", "every") as reader, Writer("tag", backpressure=True) as writer:
            numbers = []

            def read():
                while frame := reader.read(timeout=DEADLINE):
                    numbers.append(frame.number)

            threads = [threading.Thread(target=read) for _ in range(2)]
            for thread in threads:
                thread.start()
            self.assertTrue(writer.wait_for_reader(timeout=10))
            for key in range(200):
                writer.write(np.full(10, key, np.uint8))
            writer.drain(timeout=10)
            reader.cancel()
            for thread in threads:
                thread.join(10)
            self.assertEqual(sorted(numbers), list(range(1, 201)))

    def test_backpressure_loses_nothing_and_waits_with_a_timeout(self):
        with Writer("tag", slots=3, backpressure=True) as writer, Reader("tag", "every") as reader:
            reader.read(timeout=0)
            self.assertTrue(writer.wait_for_reader(timeout=10))
            written = 0
            while writer.write(np.full(10, written, np.uint8), timeout=0.05):
                written += 1
            self.assertLess(written, 5)
            self.assertFalse(writer.drain(timeout=0.01))
            for expected in range(written):
                self.assertEqual(reader.read(timeout=10).array[0], expected)
            self.assertTrue(writer.drain(timeout=10))


class Objects(TagTest):
    def test_options_that_cannot_be_are_refused(self):
        for options in {"slots": 2}, {"slots": 33}, {"permissions": 0o7777}:
            with self.assertRaises(ndsharray.Error) as caught:
                Writer("tag", **options)
            self.assertEqual(caught.exception.code, "InvalidArgument")
        with self.assertRaises(ValueError):
            Reader("tag", "newest")
        with self.assertRaises(ndsharray.Error):
            Reader("tag", owner="nobody-of-this-name")

    def test_permissions_are_those_of_the_files(self):
        with Writer("tag", permissions=0o644) as writer:
            writer.write(picture(1))
            path = os.path.join(self.directory, writer.segment_name)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)

    def test_second_writer_is_told_that_the_tag_is_in_use(self):
        with Writer("tag"):
            with self.assertRaises(ndsharray.Error) as caught:
                Writer("tag")
            self.assertEqual(caught.exception.code, "TagInUse")
            self.assertIn('"tag" is in use', str(caught.exception))
            self.assertIsInstance(caught.exception, RuntimeError)

    def test_closed_objects_say_so(self):
        writer, reader = Writer("tag"), Reader("tag")
        for closed, call in (writer, lambda: writer.write(picture(1))), (reader, lambda: reader.read(0)):
            closed.close()
            closed.close()
            with self.assertRaises(ndsharray.Error) as caught:
                call()
            self.assertEqual(caught.exception.code, "Closed")

    def test_tags_are_those_with_a_living_writer(self):
        self.assertEqual(ndsharray.tags(), [])
        with Writer("b") as writer, Writer("a.x"):
            writer.write(picture(1))
            self.assertEqual(ndsharray.tags(), ["a.x", "b"])
        self.assertEqual(ndsharray.tags(), [])

    def test_damaged_file_is_an_error_that_names_it(self):
        path = os.path.join(self.directory, "ndsh.tag")
        with open(path, "wb") as file:
            file.write(b"garbage" * 100)
        with Reader("tag") as reader, self.assertRaises(ndsharray.Error) as caught:
            reader.read(timeout=1)
        self.assertEqual(caught.exception.code, "Damaged")
        self.assertIn(path, str(caught.exception))
        os.unlink(path)

    def test_anything_with_the_buffer_interface_can_be_written(self):
        with Writer("tag") as writer, Reader("tag") as reader:
            for data in b"abc", bytearray(b"abc"), memoryview(b"abc"):
                writer.write(data)
                self.assertEqual(reader.read(timeout=10).array.tobytes(), b"abc")
            with self.assertRaises(TypeError):
                writer.write([1, 2, 3])

    def test_malformed_tags_are_refused(self):
        for make in Writer, Reader:
            with self.assertRaises(ndsharray.Error) as caught:
                make(".hidden")
            self.assertEqual(caught.exception.code, "InvalidTag")


if __name__ == "__main__":
    unittest.main()
