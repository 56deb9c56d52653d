# SPDX-License-Identifier: BSD-3-Clause
"""What goes wrong on the machine that mirrors costs no frame that was to come, and holds nobody for longer than needed."""
import json
import os
import re
import signal
import time
import unittest

from machines import DEADLINE, NDSH, MachinesTest, Proxy, wait_for

PATIENT = "writer = ndsharray.Writer('cam0', backpressure=True)"


class Here(MachinesTest):
    def setUp(self):
        self.there, self.here = self.machines(2)

    def follow(self, interval="0"):
        """A mirror with --every of a writer with backpressure, which reports so often."""
        share = self.there.share("cam0")
        mirror = self.here.mirror(share.address, "cam0", "--as", "mirror", "--every", interval=interval)
        return mirror, self.there.program(PATIENT, "writer.wait_for_reader(10)")

    def reader(self):
        return self.here.program("reader = ndsharray.Reader('mirror', mode='every')")

    def published(self):
        return json.loads(self.there.run(NDSH, "info", "--json", "cam0"))["published"]

    def test_every_frame_comes_once_though_there_was_no_room_for_a_while(self):
        self.here.shrink("16m")
        mirror, writer = self.follow()
        reader = self.reader()
        writer.run("writer.write(np.zeros(5))")
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        filler = self.here.program("path = os.environ['NDSHARRAY_DIR'] + '/filler'",
                                   "open(path, 'wb').write(bytes(15 << 20)) and None")
        writer.tell("for i in range(200): writer.write(np.full((1000, 1000), i % 256, np.uint8))")
        mirror.says("not enough space|No space|free")
        wait_for(lambda: self.published() > 3, "frames that wait over there")
        filler.run("os.unlink(path)")
        self.assertEqual(reader.run("[reader.read(10).number for i in range(200)]"), list(range(2, 202)), mirror.lines)

    def test_every_frame_comes_once_though_somebody_else_wrote_the_tag_for_a_while(self):
        mirror, writer = self.follow("1")
        other = self.here.program("other = ndsharray.Writer('mirror')")
        writer.tell("for i in range(200): writer.write(np.full(1000, i % 256, np.uint8))")
        mirror.says("in use")
        wait_for(lambda: self.published() > 3, "frames that wait over there")
        reader = self.reader()
        other.run("other.close()")
        # The reader may need a moment to meet the next writer, who waits for readers that there are.
        numbers = reader.run("list(iter(lambda: (reader.read(10) or reader.read(10)).number, 200))")
        self.assertEqual(numbers, list(range(200 - len(numbers), 200)), mirror.lines)
        wait_for(lambda: sum(float(line) for line in re.findall(r"([\d.]+) frames/s", str(mirror.lines))) == 200,
                 f"200 frames in {mirror.lines}")

    def test_every_frame_comes_once_though_the_files_were_removed(self):
        mirror, writer = self.follow()
        reader = self.reader()
        writer.run("writer.write(np.zeros(5))")
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        writer.tell("for i in range(300): writer.write(np.full((300, 1000), i % 256, np.uint8)); time.sleep(0.001)")
        numbers = reader.run("[reader.read(10).number for i in range(50)]")
        for name in self.here.names():
            os.unlink(f"{self.here.directory}/{name}")
        numbers += reader.run("[(reader.read(10) or reader.read(10)).number for i in range(250)]")
        self.assertEqual(numbers, list(range(2, 302)), mirror.lines)

    def test_reader_that_stands_still_at_a_new_layout_loses_nothing_and_does_not_keep_the_mirror_from_ending(self):
        mirror, writer = self.follow()
        reader = self.reader()
        writer.run("writer.write(np.zeros(5))")
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        reader.process.send_signal(signal.SIGSTOP)
        writer.tell("for i in range(2, 40): writer.write(np.zeros(i % 3 + 5))")
        time.sleep(11)  # longer than a mirror is waited for
        reader.process.send_signal(signal.SIGCONT)
        self.assertEqual(reader.run("[reader.read(10).number for i in range(38)]"), list(range(2, 40)), mirror.lines)
        reader.process.send_signal(signal.SIGSTOP)
        writer.answer()
        writer.tell("for i in range(40, 60): writer.write(np.zeros(i % 3 + 5))")
        wait_for(lambda: self.published() > 43, "frames that wait")
        self.assertEqual(mirror.end(), 0)

    def test_mirror_that_died_holds_the_writer_for_some_seconds_only(self):
        mirror, writer = self.follow()
        reader = self.reader()
        writer.run("writer.write(np.zeros(5))")
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        writer.tell("for i in range(300): writer.write(np.full((300, 1000), i % 256, np.uint8))")
        wait_for(lambda: self.published() > 3, "frames that wait")
        mirror.end(signal.SIGKILL)
        died = time.monotonic()
        writer.answer()
        self.assertLess(time.monotonic() - died, 3 + DEADLINE / 5, "3 s, and what a busy machine needs")

    def test_mirror_that_cannot_take_a_tag_does_not_hold_its_writer(self):
        share = self.there.share("cam0")
        mirror = self.here.mirror(share.address, "cam0", "--as", "mirror", "--every", "--max-bytes", "1000")
        writer = self.there.program(PATIENT, "writer.wait_for_reader(10)")
        writer.tell("for i in range(300): writer.write(np.full((300, 1000), i % 256, np.uint8))")
        mirror.says("--max-bytes allows 1000")
        writer.answer()

    def test_connection_that_is_cut_is_there_again_at_once(self):
        share = self.there.share("cam0")
        proxy = Proxy(self, share.address)
        self.here.mirror(proxy.address, "cam0", "--as", "mirror")
        writer = self.there.program("writer = ndsharray.Writer('cam0')")
        reader = self.here.program("reader = ndsharray.Reader('mirror')")
        for number in range(1, 6):
            writer.run("writer.write(np.zeros(5))")
            self.assertEqual(reader.run("reader.read(10).number"), number)
            proxy.cut()


if __name__ == "__main__":
    unittest.main()
