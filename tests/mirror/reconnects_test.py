# SPDX-License-Identifier: BSD-3-Clause
"""Connections that break, and processes that die and come back, leave nothing behind. RECONNECTS says how many."""
import os
import signal
import unittest

from machines import MachinesTest, Proxy, wait_for

RECONNECTS = int(os.environ.get("RECONNECTS", "100"))
TAGS = 8
GROWTH = 4 << 20  # of private memory: of whatever the allocator keeps


def held(process):
    """Descriptors and threads."""
    folder = f"/proc/{process.process.pid}"
    return len(os.listdir(f"{folder}/fd")), len(os.listdir(f"{folder}/task"))


class Reconnects(MachinesTest):
    def setUp(self):
        self.there, self.here = self.machines(2)
        self.names = [f"cam{i}" for i in range(TAGS)]
        self.writer = self.there.program(f"writers = [ndsharray.Writer(f'cam{{i}}') for i in range({TAGS})]")
        self.reader = self.here.program()
        self.round = 0

    def mirrors(self, address):
        """One that skips frames and one that does not, each of half the tags; without an end of their own here."""
        half = TAGS // 2
        return [self.here.mirror(address, *self.names[:half]),
                self.here.mirror(address, *self.names[half:], "--every")]

    def readers(self, address):
        host = address.replace(":", "-")
        self.reader.run(f"readers = [ndsharray.Reader(f'{host}.cam{{i}}') for i in range({TAGS})]")

    def pass_frames(self):
        """Each tag's mirror has the next frame."""
        self.round += 1
        self.writer.run(f"for writer in writers: writer.write(np.full((100, 100), {self.round % 256}, np.uint8))")
        take = "(lambda frame: frame and frame.number or 0)(reader.read(0.5))"
        late = set(range(TAGS))

        def all_came():
            answers = self.reader.run(f"[(i, {take}) for i, reader in enumerate(readers) if i in {late}]")
            late.difference_update(i for i, number in answers if number == self.round)
            return not late
        wait_for(all_came, f"round {self.round} of all tags")

    def compare(self, reconnect, processes, count):
        """`reconnect` gives how many connections came anew. What is held early on is held in the end."""
        done = 0
        self.pass_frames()
        while done < max(20, count // 4):  # the allocator has what it keeps
            done += reconnect()
            self.pass_frames()
        before = [held(process) for process in processes]
        memory = [process.memory() for process in processes]
        files = (self.there.names(), self.here.names())
        while done < count:
            done += reconnect()
            self.pass_frames()
        wait_for(lambda: all(now[0] <= then[0] and now[1] <= then[1]
                             for now, then in zip(map(held, processes), before)), "no more descriptors and threads")
        wait_for(lambda: [len(machine.names()) for machine in (self.there, self.here)] == list(map(len, files)), "no more files")
        after = [process.memory() for process in processes]
        print(f"{self.id().rsplit('.', 1)[1]}: {done} reconnects; descriptors and threads {before}, then {list(map(held, processes))}; "
              f"private KiB {[each >> 10 for each in memory]}, then {[each >> 10 for each in after]}", flush=True)
        if "TEST_PATIENCE" not in os.environ:  # a sanitizer keeps what was freed
            for then, now in zip(memory, after):
                self.assertLess(now - then, GROWTH)

    def end(self, *mirrors):
        for mirror in mirrors:
            self.assertEqual(mirror.end(), 0)
        self.assertEqual(self.here.names(), [])

    def test_connections_that_are_cut_leave_nothing(self):
        share = self.there.share("--all")
        proxy = Proxy(self, share.address)
        self.readers(proxy.address)
        mirrors = self.mirrors(proxy.address)
        self.compare(proxy.cut, [share, *mirrors], RECONNECTS)
        self.end(*mirrors)

    def test_mirrors_that_die_and_come_back_leave_nothing_at_the_share(self):
        share = self.there.share("--all")
        self.readers(share.address)
        mirrors = self.mirrors(share.address)

        def reconnect():
            number = signal.SIGTERM if self.round % 2 else signal.SIGKILL
            for mirror in mirrors:
                mirror.end(number)
                mirror.stop()
            mirrors[:] = self.mirrors(share.address)
            return TAGS
        self.compare(reconnect, [share], RECONNECTS // 5)
        self.end(*mirrors)

    def test_share_that_dies_and_comes_back_leaves_nothing_at_the_mirrors(self):
        share = self.there.share("--all")
        self.readers(share.address)
        mirrors = self.mirrors(share.address)

        def reconnect():
            nonlocal share
            share.end(signal.SIGKILL)
            share.stop()
            share = self.there.share("--all", listen=share.address)
            return TAGS
        self.compare(reconnect, mirrors, RECONNECTS // 5)
        self.end(*mirrors)


if __name__ == "__main__":
    unittest.main()
