# SPDX-License-Identifier: BSD-3-Clause
"""A mirror is the tag as it is over there: frames, layouts, ends, and whoever dies comes back."""
import json
import re
import signal
import time
import unittest

from machines import MIRROR, NDSH, MachinesTest, Proxy, wait_for

WRITER = "writer = ndsharray.Writer('cam0')"
FRAMES = "[writer.write(np.full((50, 60), i % 256, np.uint8)) for i in range({})]"


class Comparison(MachinesTest):
    """Of a tag with its mirror."""

    def setUp(self):
        self.there, self.here = self.machines(2)

    def everything(self, machine, role, tag):
        return machine.start(machine.programs["everything"], role, tag)

    def command(self, writer, line):
        writer.tell(line)
        self.assertEqual(writer.line(), "done")

    def compare_everything(self, *options):
        """What a reader of the tag and a reader of its mirror print of 50 frames, two streams and two writers."""
        writer = self.everything(self.there, "write", "cam0")
        share = self.there.share("cam0")
        mirror = self.here.mirror(share.address, "cam0", "--as", "mirror", "--every", *options)
        seen = []
        for _ in range(2):  # writers
            near = self.everything(self.there, "read", "cam0")
            far = self.everything(self.here, "read", "mirror")
            self.command(writer, "reader")
            wait_for(lambda: self.there.run(NDSH, "info", "cam0").count("every") >= 2, "two readers over there")
            near.says("attached")
            self.command(writer, "publish 1")
            far.says("attached")
            self.command(writer, "publish 46")
            self.command(writer, "end")
            near.says("^EndOfStream")
            far.says("^EndOfStream")
            self.command(writer, "publish 3")
            self.command(writer, "close")
            near.says("^Disconnected")
            far.says("^Disconnected")
            self.assertEqual([line for line in far.lines if line != "attached"],
                             [line for line in near.lines if line != "attached"])
            seen.append(far.lines)
            self.assertEqual(len(far.lines), 1 + 50 + 1 + 1)
            self.assertIn("EndOfStream", far.lines)
        self.assertEqual(mirror.end(), 0)
        self.assertEqual(self.here.names(), [])


class Follow(Comparison):
    def reader(self, tag="mirror", **options):
        words = ", ".join(f"{name}={value!r}" for name, value in options.items())
        return self.here.program(f"reader = ndsharray.Reader({tag!r}, {words})")

    def test_every_frame_is_there_with_all_that_it_holds(self):
        self.compare_everything()

    def test_every_frame_is_there_through_compression(self):
        self.compare_everything("--compress", "zstd")

    def test_the_newest_frame_comes_and_its_number_says_what_was_missed(self):
        share = self.there.share("cam0")
        self.here.mirror(share.address, "cam0", "--as", "mirror")
        writer = self.there.program(WRITER, FRAMES.format(3))
        reader = self.reader()
        first = reader.run("frame = reader.read(10); frame.number")
        wait_for(lambda: reader.run("frame = reader.read(0) or frame; frame.number") == 3, "the third frame")
        self.assertEqual(reader.run("int(frame.array[0, 0]), frame.array.shape"), (2, (50, 60)))
        writer.run(FRAMES.format(200))
        wait_for(lambda: reader.run("frame = reader.read(1) or frame; frame.number") == 203, "the last frame")
        stats = reader.run("reader.stats")
        self.assertEqual(stats["frames"] + stats["missed"], 203 - first + 1)

    def test_tag_comes_ends_and_comes_back_as_the_one_over_there(self):
        share = self.there.share("cam0")
        mirror = self.here.mirror(share.address, "cam0", "--as", "mirror")
        reader = self.reader()
        for kill in (True, False):
            writer = self.there.program(WRITER, FRAMES.format(1))
            self.assertTrue(reader.run("frame = reader.read(10); frame.first_of_writer"))
            if kill:
                writer.end(signal.SIGKILL)
            else:
                writer.run("writer.close()")
            wait_for(lambda: reader.run("reader.read(0.1) or reader.status") == "Disconnected", "the end of the tag")
            wait_for(lambda: self.here.names() == [], "an empty folder")
        mirror.says("the writer has left")

    def test_sharing_process_that_dies_comes_back(self):
        writer = self.there.program(WRITER, FRAMES.format(1))
        share = self.there.share("cam0")
        mirror = self.here.mirror(share.address, "cam0", "--as", "mirror")
        reader = self.reader()
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        share.end(signal.SIGKILL)
        mirror.says("no answer from .*: nothing listens there")
        writer.run(FRAMES.format(2))
        self.there.share("cam0", listen=share.address)
        self.assertEqual(reader.run("frame = reader.read(10); (frame.number, frame.missed, frame.first_of_writer)"),
                         (3, 1, False))

    def test_mirroring_process_that_dies_comes_back(self):
        writer = self.there.program(WRITER, FRAMES.format(5))
        share = self.there.share("cam0")
        mirror = self.here.mirror(share.address, "cam0", "--as", "mirror")
        reader = self.reader()
        self.assertEqual(reader.run("reader.read(10).number"), 5)
        mirror.end(signal.SIGKILL)
        writer.run(FRAMES.format(2))
        self.here.mirror(share.address, "cam0", "--as", "mirror")
        wait_for(lambda: reader.run("frame = reader.read(10); frame and frame.number") == 7, "the newest frame")
        writer.end(signal.SIGKILL)

    def test_every_frame_comes_once_through_a_dying_reader_here(self):
        share = self.there.share("cam0")
        self.here.mirror(share.address, "cam0", "--as", "mirror", "--every")
        writer = self.there.program("writer = ndsharray.Writer('cam0', backpressure=True)", "writer.wait_for_reader(10)")
        reader = self.reader(mode="every")
        other = self.reader(mode="every")
        writer.run(FRAMES.format(1))
        self.assertEqual([program.run("reader.read(10).number") for program in (reader, other)], [1, 1])
        writer.tell(FRAMES.format(300))
        other.run("[reader.read(10).number for i in range(5)]")
        other.end(signal.SIGKILL)
        numbers = reader.run("[reader.read(10).number for i in range(300)]")
        self.assertEqual(numbers, list(range(2, 302)))

    def test_every_frame_comes_once_though_connections_are_cut(self):
        share = self.there.share("cam0")
        proxy = Proxy(self, share.address)
        mirror = self.here.mirror(proxy.address, "cam0", "--as", "mirror", "--every")
        writer = self.there.program("writer = ndsharray.Writer('cam0', backpressure=True)", "writer.wait_for_reader(10)")
        reader = self.reader(mode="every")
        writer.run(FRAMES.format(1))
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        writer.tell("for i in range(300): writer.write(np.full((300, 1000), i % 256, np.uint8)); time.sleep(0.002)")
        writer.tell("writer.end_of_stream()")
        numbers = []
        for _ in range(3):
            numbers += reader.run("[reader.read(10).number for i in range(20)]")
            proxy.cut()
        numbers += reader.run("[frame.number for frame in iter(lambda: reader.read(10), None)]")
        self.assertEqual(numbers, list(range(2, 302)), mirror.lines)

    def test_writer_waits_for_a_slow_reader_on_the_other_machine(self):
        share = self.there.share("cam0")
        self.here.mirror(share.address, "cam0", "--as", "mirror", "--every")
        writer = self.there.program("writer = ndsharray.Writer('cam0', backpressure=True)", "writer.wait_for_reader(10)")
        reader = self.reader(mode="every")
        writer.run(FRAMES.format(1))
        self.assertEqual(reader.run("frame = reader.read(10); frame.number"), 1)
        writer.tell("for i in range(499): writer.write(np.full((1000, 1000), i % 256, np.uint8))")
        published = []

        def stands_still():
            published.append(json.loads(self.there.run(NDSH, "info", "--json", "cam0"))["published"])
            return len(published) > 30 and published[-1] == published[-25]
        wait_for(stands_still, "a writer that waits")
        self.assertLess(published[-1], 500)
        numbers = reader.run("[reader.read(10).number for i in range(499)]")
        self.assertEqual(numbers, list(range(2, 501)))

    def test_less_is_sent_where_less_is_asked_for(self):
        share = self.there.share("cam0")
        self.here.mirror(share.address, "cam0", "--as", "third", "--every", "--every-nth", "3")
        self.here.mirror(share.address, "cam0", "--as", "slow", "--every", "--max-rate", "100")
        writer = self.there.program("writer = ndsharray.Writer('cam0', backpressure=True)")
        wait_for(lambda: self.there.run(NDSH, "info", "cam0").count("every") >= 2, "both readers")
        third, slow = self.reader("third", mode="every"), self.reader("slow", mode="every")
        writer.run(FRAMES.format(1))
        self.assertEqual([program.run("reader.read(10).number") for program in (third, slow)], [1, 1])
        third.tell("[reader.read(10).number for i in range(29)]")
        slow.tell("[frame.number for frame in iter(lambda: reader.read(5), None)]")
        writer.run("start = time.monotonic()")
        writer.run("for i in range(89): writer.write(np.zeros(5, np.uint8)); time.sleep(0.002)")
        seconds = writer.run("time.monotonic() - start")
        writer.run("writer.drain(10)")
        self.assertEqual(third.answer(), list(range(4, 91, 3)))
        writer.run("writer.end_of_stream()")
        numbers = slow.answer()
        self.assertLessEqual(len(numbers), 100 * seconds + 3, "a burst of two, then one in 10 ms")
        self.assertGreater(len(numbers), 5)

    def test_every_tells_of_a_writer_that_does_not_wait_and_of_no_other(self):
        share = self.there.share("--all")
        for tag, backpressure in (("waits", True), ("runs", False)):
            self.there.program(f"writer = ndsharray.Writer({tag!r}, backpressure={backpressure})", "writer.write(np.zeros(5))")
            mirror = self.here.mirror(share.address, tag, "--as", tag, "--every")
            mirror.says("follows")
            self.assertEqual(any("does not wait for readers" in line for line in mirror.lines), not backpressure, mirror.lines)
        early = self.here.mirror(share.address, "later", "--as", "later", "--every")
        self.there.program("writer = ndsharray.Writer('later', backpressure=True)", "writer.wait_for_reader(10)",
                           "writer.write(np.zeros(5))")
        early.says("follows")
        self.assertEqual(len(early.lines), 1, early.lines)

    def test_share_that_dies_with_frames_that_nobody_has_says_so(self):
        share = self.there.share("cam0")
        mirror = self.here.mirror(share.address, "cam0", "--as", "mirror", "--every")
        writer = self.there.program("writer = ndsharray.Writer('cam0', backpressure=True)", "writer.wait_for_reader(10)")
        reader = self.reader(mode="every")
        writer.run(FRAMES.format(1))
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        writer.tell("for i in range(400): writer.write(np.full((300, 1000), i % 256, np.uint8)); time.sleep(0.005)")
        reader.run("[reader.read(10).number for i in range(30)]")
        share.end(signal.SIGKILL)
        self.there.share("cam0", listen=share.address)
        mirror.says("frames are missing")
        reader.run("numbers = []")
        reader.run("while not numbers or numbers[-1] < 401: numbers += [frame.number for frame in [reader.read(1)] if frame]")
        self.assertEqual(reader.run("numbers == sorted(set(numbers))"), True)
        stats = reader.run("reader.stats")
        self.assertEqual(stats["frames"] + stats["missed"], 401)

    def test_tag_that_somebody_writes_here_is_left_alone(self):
        self.here.program("writer = ndsharray.Writer('mirror')", "writer.write(np.zeros(5))")
        self.assertIn("in use", self.here.run(MIRROR, "127.0.0.1:1", "cam0", "--as", "mirror", status=1))

    def test_ages_are_those_since_the_frame_was_published_over_there(self):
        self.there.program(WRITER, FRAMES.format(1))
        published = time.monotonic()
        time.sleep(0.5)
        share = self.there.share("cam0")
        self.here.mirror(share.address, "cam0", "--as", "mirror")
        reader = self.reader()
        age = reader.run("reader.read(10).age_ms")
        self.assertGreaterEqual(age, 490)
        self.assertLess(age, (time.monotonic() - published) * 1000 + 100)

    def test_highest_age_is_that_of_the_interval(self):
        writer = self.there.program(WRITER, FRAMES.format(1))
        time.sleep(0.5)  # the age of the first frame
        share = self.there.share("cam0")
        mirror = self.here.start(MIRROR, share.address, "cam0", "--as", "mirror", "--interval", "0.2")
        self.assertGreaterEqual(float(mirror.says(r"at most ([\d.]+)")[1]), 490)

        def is_low():
            writer.run(FRAMES.format(1))
            return any(float(age) < 400 for line in list(mirror.lines) for age in re.findall(r"at most ([\d.]+)", line))
        wait_for(is_low, "a lower age")


if __name__ == "__main__":
    unittest.main()
