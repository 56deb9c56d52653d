# SPDX-License-Identifier: BSD-3-Clause
"""Many machines, each in a network namespace of its own: every frame is whole and under the right tag, whoever is slow, stopped
or cut off."""
import json
import signal
import time
import unittest

from machines import NDSH, Network, needs_namespaces, wait_for

MIB = 1 << 20
# An array in which each element says which machine, which tag and which frame it is of.
ARRAY = "np.full(({size}, 1000), {machine} << 24 | {tag} << 16 | {number}, np.uint32)"
# Of a frame: its number, what its elements say if all say the same, and nothing if they do not.
CHECK = """check = lambda frame: (frame.number, int(frame.array[0, 0]) if (frame.array == frame.array[0, 0]).all() else None)"""


def code(machine, tag, number):
    return machine << 24 | tag << 16 | number


def share(machine, *tags):
    return machine.share(*tags, "--open", listen=f"{machine.address}:7447")


def mirror(machine, there, *arguments):
    return machine.mirror(there.address, *arguments, "--open")


@needs_namespaces
class Many(unittest.TestCase):
    def test_eight_tags_of_four_machines_come_to_one(self):
        here, *others = Network(self, 5).machines
        shares = [share(machine, "--all") for machine in others]
        mirrors = [mirror(here, machine, "cam0", "cam1", "--every") for machine in others]
        writers = [machine.program("writers = [ndsharray.Writer(f'cam{i}', backpressure=True) for i in (0, 1)]",
                                   "[writer.wait_for_reader(10) for writer in writers]") for machine in others]
        names = [f"{machine.address}.cam{tag}" for machine in others for tag in (0, 1)]
        reader = here.program(CHECK, f"readers = [ndsharray.Reader(name, mode='every') for name in {names}]")
        array = ARRAY.format(size=250, machine="{machine}", tag="tag", number="number")
        write = "[writer.write({}) for tag, writer in enumerate(writers)] and None"

        def expect(number):
            self.assertEqual(reader.run("[check(reader.read(10)) for reader in readers]"),
                             [(number, code(i, tag, number)) for i in range(4) for tag in (0, 1)])
        for i, writer in enumerate(writers):
            writer.run("number = 1; " + write.format(array.format(machine=i)))
        expect(1)  # now each reader is waited for
        for i, writer in enumerate(writers):
            writer.tell("for number in range(2, 61): " + write.format(array.format(machine=i)))
        for number in range(2, 61):
            expect(number)
        for process in shares + mirrors:
            self.assertLess(process.most_memory(), 128 * MIB)

    def test_one_tag_goes_to_eight_machines(self):
        there, *others = Network(self, 9).machines
        sharing = share(there, "cam0")
        mirrors = [mirror(machine, there, "cam0", "--as", "cam0", "--every") for machine in others]
        readers = [machine.program(CHECK, "reader = ndsharray.Reader('cam0', mode='every')") for machine in others]
        writer = there.program("writer = ndsharray.Writer('cam0', backpressure=True)")
        wait_for(lambda: writer.run("writer.stats['readers']") == 8, "eight mirrors")
        array = ARRAY.format(size=250, machine=7, tag=3, number="number")
        writer.run(f"number = 1; writer.write({array})")
        for reader in readers:  # from its first frame on, each is waited for
            self.assertEqual(reader.run("check(reader.read(20))"), (1, code(7, 3, 1)))
        writer.tell(f"for number in range(2, 41): writer.write({array})")
        for reader in readers:
            reader.tell("[check(reader.read(20)) for i in range(39)]")
        expected = [(number, code(7, 3, number)) for number in range(2, 41)]
        for reader in readers:
            self.assertEqual(reader.answer(), expected)
        for process in (sharing, *mirrors):
            self.assertLess(process.most_memory(), 160 * MIB)

    def test_mirror_of_a_mirror_works_and_loops_are_refused(self):
        first, second, third = Network(self, 3).machines
        for machine in (first, second, third):
            share(machine, "--all")
        mirror(second, first, "cam0", "--as", "cam0-b", "--every")
        mirror(third, second, "cam0-b", "--as", "cam0-c", "--every")
        reader = third.program(CHECK, "reader = ndsharray.Reader('cam0-c', mode='every')")
        writer = first.program("writer = ndsharray.Writer('cam0', backpressure=True)", "writer.wait_for_reader(10)")
        writer.run(f"writer.write({ARRAY.format(size=2, machine=1, tag=0, number=1)})")
        self.assertEqual(reader.run("check(reader.read(10))"), (1, code(1, 0, 1)))
        mirror(first, third, "cam0-c", "--as", "back", "--every").says("a loop")
        mirror(second, third, "cam0-c", "--as", "back", "--every").says("a loop")
        for number in range(2, 20):  # whoever was refused holds nobody
            writer.run(f"writer.write({ARRAY.format(size=2, machine=1, tag=0, number=number)})")
            self.assertEqual(reader.run("check(reader.read(10))"), (number, code(1, 0, number)))
        for machine in (first, second):
            self.assertFalse([name for name in machine.names() if "back" in name])


@needs_namespaces
class Trouble(unittest.TestCase):
    """One machine shares, two mirror; the writer does not wait for anybody."""

    def setUp(self):
        network = Network(self, 3)
        self.network = network
        self.there, self.here, self.other = network.machines
        self.share = share(self.there, "cam0")
        self.mirror = mirror(self.here, self.there, "cam0", "--as", "mirror")
        self.writer = self.there.program("writer = ndsharray.Writer('cam0')")
        self.reader = self.here.program(CHECK, "reader = ndsharray.Reader('mirror')")

    def write_for(self, seconds):
        """Frames of 1 MB, 50 a second."""
        array = ARRAY.format(size=250, machine=0, tag=0, number="(writer.stats['published'] + 1) % 65536")
        self.writer.tell(f"end = time.monotonic() + {seconds}\n".replace("\n", "; ") +
                         f"list(iter(lambda: (writer.write({array}), time.sleep(0.02)) and time.monotonic() > end, True)) and None")

    def takes_fresh_frames(self):
        """Whole ones, which are no older than a moment: nothing has queued up."""
        def is_fresh():
            frame = self.reader.run("(lambda frame: frame and (*check(frame), frame.age_ms))(reader.read(1))")
            return frame and frame[1] == frame[0] % 65536 and frame[2] < 500
        wait_for(is_fresh, "a fresh frame")

    def writer_published(self):
        return json.loads(self.there.run(NDSH, "info", "--json", "cam0"))["published"]

    def test_link_that_was_down_for_five_seconds_goes_on_with_the_newest_frame(self):
        self.write_for(14)
        self.takes_fresh_frames()
        last = self.reader.run("reader.read(10).number")
        self.network.plug(self.here, "down")
        time.sleep(5)
        newest = self.writer_published()
        self.network.plug(self.here, "up")
        self.takes_fresh_frames()
        self.mirror.says("no answer from")
        self.assertGreater(self.reader.run("reader.read(10).number"), newest, "what was published meanwhile is not sent")
        self.assertGreater(self.reader.run("reader.stats['missed']"), (newest - last) * 0.6, "and counted")
        self.writer.answer()

    def test_mirror_that_is_stopped_costs_others_nothing(self):
        mirror(self.other, self.there, "cam0", "--as", "mirror")
        other = self.other.program(CHECK, "reader = ndsharray.Reader('mirror')")
        self.write_for(14)
        self.takes_fresh_frames()
        memory = self.share.memory()
        self.mirror.process.send_signal(signal.SIGSTOP)
        numbers = other.run("[reader.read(10).number for i in range(150)]")  # 3 s at least
        self.assertLess(self.share.memory() - memory, 32 * MIB)
        self.assertLess(numbers[-1] - numbers[0], 400, "no frame was late")
        self.mirror.process.send_signal(signal.SIGCONT)
        self.takes_fresh_frames()
        self.writer.answer()

    def test_share_that_is_stopped_goes_on(self):
        self.write_for(14)
        self.takes_fresh_frames()
        self.share.process.send_signal(signal.SIGSTOP)
        self.mirror.says("no answer from")
        self.assertTrue(self.here.names(), "the tag stays")
        self.share.process.send_signal(signal.SIGCONT)
        self.takes_fresh_frames()
        self.writer.answer()


@needs_namespaces
class Patience(unittest.TestCase):
    """A mirror that gets every frame of a writer with backpressure, and is stopped."""

    def setUp(self):
        self.there, self.here = Network.between(self)
        share(self.there, "cam0")
        self.mirror = mirror(self.here, self.there, "cam0", "--as", "mirror", "--every")
        self.reader = self.here.program("reader = ndsharray.Reader('mirror', mode='every')")
        self.writer = self.there.program("writer = ndsharray.Writer('cam0', backpressure=True)", "writer.wait_for_reader(10)")
        self.writer.run("writer.write(np.zeros(5))")
        self.assertEqual(self.reader.run("reader.read(10).number"), 1)
        self.mirror.process.send_signal(signal.SIGSTOP)
        self.writer.tell("for i in range(2, 302): writer.write(np.zeros((500, 1000), np.uint8))")

    def test_mirror_that_was_stopped_for_some_seconds_loses_nothing(self):
        time.sleep(6)
        self.mirror.process.send_signal(signal.SIGCONT)
        self.assertEqual(self.reader.run("[reader.read(10).number for i in range(300)]"), list(range(2, 302)))

    def test_mirror_that_was_stopped_for_too_long_lets_the_writer_go_and_says_so(self):
        self.writer.answer()
        self.mirror.process.send_signal(signal.SIGCONT)
        self.mirror.says("the connection was broken for too long: frames are missing")
        self.writer.run("writer.write(np.zeros(6))")
        wait_for(lambda: self.reader.run("frame = reader.read(10); frame and frame.number") == 302, "the newest frame")
        self.assertGreater(self.reader.run("reader.stats['missed']"), 0)


if __name__ == "__main__":
    unittest.main()
