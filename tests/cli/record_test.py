# SPDX-License-Identifier: BSD-3-Clause
"""ndsh save writes what was published, ndsh publish publishes what was saved."""

import os
import signal
import unittest

import numpy as np

import ndsharray
from ndsh import NdshTest, frames

# Of 16 and 32 bytes, where NumPy has them (not on i386).
WIDE_DTYPES = ["f16", "c32"] if hasattr(np, "float128") else []
DTYPES = "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16 b1".split() + WIDE_DTYPES


class Record(NdshTest):
    def save(self, tag, name, *options):
        """Starts saving; returns when it reads."""
        process = self.start("save", tag, self.path(name), *options)
        self.wait_for(lambda: process.poll() is not None or (self.info(tag) or {}).get("readers"), "a reader")
        return process

    def carry(self, array, *options):
        """Publishes an array and saves it; what was saved."""
        source = self.save_array("in.npy", array)
        writer = self.start("publish", "cam0", source, "--rate", "0", "--backpressure", "--wait-for-reader", *options)
        reader = self.start("save", "cam0", self.path("out.npy"), "--force")
        self.assertEqual((writer.wait(30), reader.wait(30)), (0, 0))
        return np.load(self.path("out.npy"))

    def test_every_dtype_and_shape_arrives_as_it_was(self):
        for code in DTYPES:
            with self.subTest(code):
                array = frames(5, (3, 4), np.dtype(code))
                saved = self.carry(array)
                self.assertEqual(saved.dtype, array.dtype)
                np.testing.assert_array_equal(saved, array)
        for shape in (1000,), (3,), (2, 3, 4, 5):
            with self.subTest(shape):
                np.testing.assert_array_equal(self.carry(frames(7, shape)), frames(7, shape))
        np.testing.assert_array_equal(self.carry(np.arange(9)), np.arange(9))  # frames of one number
        self.assertEqual(self.entries(), [])

    def test_big_endian_numbers_are_turned_around(self):
        for code in ">u2", ">f8", ">c16":
            with self.subTest(code):
                array = frames(4, (2, 3), np.dtype(code))
                np.testing.assert_array_equal(self.carry(array), array)

    def test_a_reader_gets_the_frames_of_the_file(self):
        array = frames(10)
        source = self.save_array("in.npy", array)
        self.start("publish", "cam0", source, "--rate", "0", "--backpressure", "--wait-for-reader")
        with ndsharray.Reader("cam0", mode="every", timeout=10) as reader:
            for expected in array:
                np.testing.assert_array_equal(reader.read(10).array, expected)

    def test_padded_rows_are_left_out_of_the_file(self):
        with ndsharray.Writer("cam0", backpressure=True) as writer:
            reader = self.start("save", "cam0", self.path("out.npy"), "--count", "3")
            self.wait_for(lambda: self.info("cam0")["readers"], "a reader")
            for i in range(3):
                writer.write(frames(1, (4, 6))[0][:, ::2] + i)
            self.assertEqual(reader.wait(30), 0)
        expected = np.stack([frames(1, (4, 6))[0][:, ::2] + i for i in range(3)])
        np.testing.assert_array_equal(np.load(self.path("out.npy")), expected)

    def test_count_is_exact_and_the_file_is_not_overwritten(self):
        self.publish("cam0", frames(), "--loop", "--rate", "500")
        self.ndsh("save", "cam0", self.path("out.npy"), "--count", "7")
        self.assertEqual(np.load(self.path("out.npy")).shape, (7, 6, 8, 3))
        error = self.ndsh("save", "cam0", self.path("out.npy"), "--count", "7", status=1)[1]
        self.assertIn("--force", error)
        self.ndsh("save", "cam0", self.path("out.npy"), "--count", "3", "--force")
        self.assertEqual(len(np.load(self.path("out.npy"))), 3)

    def test_interrupted_it_leaves_a_valid_file(self):
        self.publish("cam0", frames(), "--loop", "--rate", "500")
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            with self.subTest(number):
                reader = self.save("cam0", f"{number}.npy")
                self.wait_for(lambda: os.path.exists(self.path(f"{number}.npy")), "the file")
                self.assertEqual(self.end(reader, number), -number)
                saved = np.load(self.path(f"{number}.npy"))
                self.assertEqual(saved.shape[1:], (6, 8, 3))
                self.assertGreater(len(saved), 0)
                self.assertTrue(all(any(np.array_equal(frame, source) for source in frames()) for frame in saved))

    def test_killed_it_leaves_a_file_that_can_be_read(self):
        self.publish("cam0", frames(), "--loop", "--rate", "500")
        reader = self.save("cam0", "out.npy")

        def saved():
            return len(np.load(self.path("out.npy"))) if os.path.exists(self.path("out.npy")) else 0

        self.wait_for(saved, "frames in the header")
        reader.kill()
        reader.wait()
        self.assertGreater(saved(), 0)

    def test_follow_goes_on_over_restarts_and_in_another_file_for_another_layout(self):
        reader = self.start("save", "cam0", self.path("out.npy"), "--follow")
        options = "--rate", "0", "--backpressure", "--wait-for-reader"
        for array in frames(5), frames(6), frames(4, (2, 2)):
            self.ndsh("publish", "cam0", self.save_array("in.npy", array), *options)
        self.wait_for(lambda: os.path.exists(self.path("out-2.npy")), "a second file")
        self.assertEqual(self.end(reader), -signal.SIGTERM)
        np.testing.assert_array_equal(np.load(self.path("out.npy")), np.concatenate([frames(5), frames(6)]))
        np.testing.assert_array_equal(np.load(self.path("out-2.npy")), frames(4, (2, 2)))

    def test_without_follow_another_layout_ends_the_file(self):
        with ndsharray.Writer("cam0", backpressure=True) as writer:
            reader = self.start("save", "cam0", self.path("out.npy"), "--count", "9")
            self.wait_for(lambda: self.info("cam0")["readers"], "a reader")
            for array in [*frames(3), *frames(3, (2, 2))]:
                writer.write(array)
            self.assertEqual(reader.wait(30), 4)
        self.assertIn("layout changed", reader.stderr.read())
        np.testing.assert_array_equal(np.load(self.path("out.npy")), frames(3))

    def test_nothing_in_time_is_status_4_and_no_file(self):
        error = self.ndsh("save", "nobody", self.path("out.npy"), "--timeout", "0.1", status=4)[1]
        self.assertIn("waiting for tag nobody", error)
        self.assertFalse(os.path.exists(self.path("out.npy")))

    def test_a_full_disk_keeps_the_frames_before(self):
        self.publish("cam0", frames(), "--loop", "--rate", "500")
        error = self.ndsh("save", "cam0", "/dev/full", "--force", status=1)[1]
        self.assertIn("/dev/full", error)

    def test_a_terminal_shows_progress_and_is_left_clean(self):
        self.publish("cam0", frames(), "--loop", "--rate", "100")
        terminal = self.on_terminal("save", "cam0", self.path("out.npy"), "--count", "40")
        self.assertTrue(terminal.read_until(lambda out: "/40 frames" in out and "[#" in out), terminal.output)
        self.assertEqual(terminal.end(), 0)
        for line in terminal.output.replace("\x1b[K", "\r").split("\r"):
            self.assertLess(len(line.strip("\n")), 80 + len(self.files))
        self.assertIn("\r\x1b[K", terminal.output)
        self.assertIn("40 frames", terminal.output.rsplit("\r\x1b[K", 1)[1])

    def test_files_that_cannot_be_published_say_why(self):
        def raw(name, content):
            with open(self.path(name), "wb") as file:
                file.write(content)
            return self.path(name)

        good = open(self.save_array("good.npy", frames(5)), "rb").read()
        cases = {
            "Fortran order": self.save_array("f.npy", np.asfortranarray(np.zeros((3, 4, 5)))),
            "cannot be published": self.save_array("s.npy", np.array(["a", "b"])),
            "records": self.save_array("r.npy", np.zeros(3, dtype=[("a", "i4")])),
            "no dimension": self.save_array("0.npy", np.array(5)),
            "empty": self.save_array("e.npy", np.zeros((0, 3))),
            "truncated": raw("cut.npy", good[:-10]),
            "no .npy file": raw("text.npy", b"hello, this is no array at all"),
            "header is cut off": raw("head.npy", good[:40]),
            "version 9": raw("v.npy", good[:6] + b"\x09" + good[7:]),
            "'fortran_order' cannot be read": raw("o.npy", good.replace(b"False,", b"1,    ")),
            "no regular file": self.files,
            "No such file": self.path("missing.npy"),
        }
        for reason, path in cases.items():
            with self.subTest(reason):
                error = self.ndsh("publish", "cam0", path, status=1)[1]
                self.assertIn(reason, error)
                self.assertIn(path, error)
        self.assertEqual(self.entries(), [])

    def test_a_fifo_is_refused_and_not_waited_for(self):
        os.mkfifo(self.path("fifo.npy"))
        error = self.ndsh("publish", "cam0", self.path("fifo.npy"), status=1)[1]
        self.assertIn("no regular file", error)

    def test_random_headers_never_crash_it(self):
        rng = np.random.default_rng(5)
        good = open(self.save_array("good.npy", frames(5)), "rb").read()
        for i in range(60):
            bad = bytearray(good)
            for _ in range(3):
                bad[rng.integers(0, 128)] = rng.integers(0, 256)
            with open(self.path("bad.npy"), "wb") as file:
                file.write(bad)
            process = self.start("publish", "cam0", self.path("bad.npy"), "--rate", "0")
            self.assertIn(process.wait(30), (0, 1), f"round {i}: {bytes(bad[:128])}")

    def test_publish_ends_by_a_signal_without_leaving_files(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            writer = self.publish("cam0", frames(), "--loop")
            self.assertEqual(self.end(writer, number), -number)
            self.assertEqual(self.entries(), [])


if __name__ == "__main__":
    unittest.main()
