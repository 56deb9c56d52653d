# SPDX-License-Identifier: BSD-3-Clause
"""A peer that has the wire format from its page only; and hostile ones, which get an answer and do no harm."""
import os
import struct
import sys
import time
import unittest

import zmq

from machines import MachinesTest, wait_for

sys.path.insert(0, os.path.join(os.environ["SOURCE_ROOT"], "examples"))
import mirror_peer  # noqa: E402  (it is an example, and no module that is installed)

LATEST, EVERY = 0, 1
NONE, ZSTD = 0, 1


class Peer(MachinesTest):
    def setUp(self):
        self.there, self.here = self.machines(2)
        self.share = self.there.share("cam0")

    def socket(self, **options):
        socket = zmq.Context.instance().socket(zmq.DEALER)
        for name, value in options.items():
            socket.setsockopt(getattr(zmq, name), value)
        self.addCleanup(socket.close, 0)
        socket.setsockopt(zmq.RCVTIMEO, 20000)
        socket.connect(f"tcp://{self.share.address}")
        return socket

    def test_python_peer_reads_arrays(self):
        writer = self.there.program("writer = ndsharray.Writer('cam0')",
                                    "writer.write(np.full((700, 500), 300, np.uint16))")
        peer = self.here.start(sys.executable, mirror_peer.__file__, self.share.address, "cam0", "2")
        self.assertEqual(peer.line(), "frame 1: uint16 (700, 500), mean 300.0")
        writer.run("writer.write(np.full((3, 4), -1.5, np.float32))")
        self.assertEqual(peer.line(), "frame 2: float32 (3, 4), mean -1.5")

    def test_hostile_messages_are_refused_and_the_share_lives(self):
        self.there.program("writer = ndsharray.Writer('cam0')", "writer.write(np.zeros(5))")
        memory = self.share.memory()
        good = mirror_peer.message(mirror_peer.HELLO, 0, struct.pack("<IIIIQQH", 0, 0, 1, 0, 0, 0, 4) + b"cam0")
        for bad in (b"", b"NDSM", b"\xff" * 4000, good[:-1], good + b"x", good[:4] + b"\x02" + good[5:],
                    mirror_peer.message(mirror_peer.CREDIT, 77, struct.pack("<QQ", 5, 5)),
                    mirror_peer.message(mirror_peer.WELCOME, 0, bytes(14))):
            socket = self.socket()
            socket.send(bad)
            answer = socket.recv()
            self.assertEqual(struct.unpack_from("<H", answer, 6)[0], mirror_peer.REFUSED, bad[:20])
            self.assertGreater(len(answer[22:]), 20)
        again = self.socket()  # as if it began anew, many times
        for _ in range(200):
            again.send(good)
        frames = mirror_peer.frames(self.share.address, "cam0")
        number, array = next(frames)
        self.assertEqual((number, array.shape), (1, (5,)))
        self.assertLess(self.share.memory() - memory, 32 << 20)

    def ask(self, mode, compression, **options):
        """A peer that was welcomed, and its session."""
        socket = self.socket(**options)
        socket.send(mirror_peer.message(mirror_peer.HELLO, 0,
                                        struct.pack("<IIIIQQH", mode, compression, 1, 0, 0, 0, 4) + b"cam0"))
        return socket, struct.unpack_from("<Q", socket.recv(), 8)[0]

    def test_peer_that_reads_nothing_costs_a_bounded_amount_of_memory(self):
        self.there.program("writer = ndsharray.Writer('cam0')",
                           "writer.write(np.random.default_rng(1).integers(0, 16, 160_000_000, np.uint8))")
        before = self.share.memory()
        silent, session = self.ask(LATEST, ZSTD, RCVHWM=1)
        silent.send(mirror_peer.message(mirror_peer.CREDIT, session, struct.pack("<QQ", 64, 0)))
        used = []

        def stands_still():
            with open(f"/proc/{self.share.process.pid}/stat", encoding="utf-8") as file:
                used.append(sum(int(ticks) for ticks in file.read().rsplit(")", 1)[1].split()[11:13]))
            time.sleep(0.02)
            return used[-1] > used[0] and len(used) > 20 and used[-1] - used[-20] <= 1
        wait_for(stands_still, "a share that waits for the peer")
        # A sanitizer has memory of its own for each byte, and keeps what was freed.
        most = 72 << 20 if "TEST_PATIENCE" in os.environ else 16 << 20
        self.assertLess(self.share.memory() - before, most, "8 MiB of some 80 MB")

    def test_session_of_another_connection_gives_nothing_and_goes_on(self):
        writer = self.there.program("writer = ndsharray.Writer('cam0')", "writer.write(np.zeros(5))")
        owner, session = self.ask(EVERY, NONE)
        thief = self.socket()
        thief.send(mirror_peer.message(5, session, b""))  # Bye
        thief.send(mirror_peer.message(mirror_peer.CREDIT, session, struct.pack("<QQ", 5, 0)))
        self.assertIn(b"another connection", thief.recv())
        owner.send(mirror_peer.message(mirror_peer.CREDIT, session, struct.pack("<QQ", 5, 0)))
        writer.run("writer.write(np.zeros(5))")
        kinds = [struct.unpack_from("<H", owner.recv_multipart()[0], 6)[0] for _ in range(6)]
        self.assertIn(mirror_peer.DATA, kinds)
        self.assertFalse(thief.poll(200), "nothing came to the other one")

    def test_frame_that_is_not_whole_is_seen_by_nobody(self):
        share = zmq.Context.instance().socket(zmq.ROUTER)
        self.addCleanup(share.close, 0)
        port = share.bind_to_random_port("tcp://127.0.0.1")
        mirror = self.here.mirror(f"127.0.0.1:{port}", "cam0", "--as", "mirror")
        reader = self.here.program("reader = ndsharray.Reader('mirror')")
        parts = iter([[(0, b"abcd"), (5, b"fgh")], [(0, b"abcd"), (4, b"efghi")], [(0, b"abcd"), (4, b"efgh")]])
        unknown, hellos = -1 << 63, 0

        def answer():
            nonlocal hellos
            if not share.poll(100):
                return
            peer, request = share.recv_multipart()[:2]
            kind = struct.unpack_from("<H", request, 6)[0]
            if kind == 3:  # Ping
                share.send_multipart([peer, mirror_peer.message(70, 1, request[16:24] * 3)])
            if kind != mirror_peer.HELLO:
                return
            hellos += 1
            for kind, fields in (
                    (mirror_peer.WELCOME, request[40:48] + struct.pack("<IH", 0, 0)),
                    (mirror_peer.LAYOUT, struct.pack("<QIIIIQQQqI", 1, 1, 4, 0, 1, 8, 0, 8, 1, 0)),
                    (mirror_peer.FRAME, struct.pack("<QIIQ6qQQIIQ", 1, 1, 0, 1, *[unknown] * 6, 0, 0, 0, 0, 8))):
                share.send_multipart([peer, mirror_peer.message(kind, hellos, fields)])
            for offset, part in next(parts):
                head = mirror_peer.message(mirror_peer.DATA, hellos, struct.pack("<QQI", 1, offset, len(part)))
                share.send_multipart([peer, head, part])

        for broken in (1, 2):
            wait_for(lambda: answer() or hellos > broken, "the next try")  # noqa: B023 (it is called at once)
            if hellos < 3:
                self.assertTrue(reader.run("reader.read(0.1) is None"))
        mirror.says("breaks the protocol: a part of an array")
        frame = wait_for(lambda: answer() or reader.run("(lambda frame: frame and bytes(frame.array))(reader.read(0.1))"), "the frame")
        self.assertEqual(frame, b"abcdefgh")

    def test_peer_that_never_says_what_it_has_done_gets_no_more_than_64_items(self):
        peer, session = self.ask(EVERY, NONE)

        def credit(done):
            peer.send(mirror_peer.message(mirror_peer.CREDIT, session, struct.pack("<QQ", 1000, done)))

        def next_item():
            """Of the next frame; 0 if a sign of life came before it."""
            while True:
                head = peer.recv_multipart()[0]
                kind = struct.unpack_from("<H", head, 6)[0]
                if kind in (mirror_peer.FRAME, mirror_peer.STATE):
                    return struct.unpack_from("<Q", head, 16)[0]

        writer = self.there.program("writer = ndsharray.Writer('cam0')")
        for item in range(1, 101):
            credit(0)
            writer.run(f"writer.write(np.zeros({item}, np.uint8))")
            if item <= 64:
                wait_for(lambda: next_item() == item, f"item {item}")  # noqa: B023 (it is called at once)
        signs = [next_item() for _ in range(3)]
        self.assertEqual(signs, [0, 0, 0], "signs of life only")
        credit(64)
        wait_for(lambda: next_item() == 65, "one more, now that it says so")


if __name__ == "__main__":
    unittest.main()
