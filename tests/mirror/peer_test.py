# SPDX-License-Identifier: BSD-3-Clause
"""A peer that has the wire format from its page only; and hostile ones, which get an answer and do no harm."""
import os
import struct
import sys
import unittest

import zmq

from machines import MachinesTest

sys.path.insert(0, os.path.join(os.environ["SOURCE_ROOT"], "examples"))
import mirror_peer  # noqa: E402  (it is an example, and no module that is installed)


class Peer(MachinesTest):
    def setUp(self):
        self.there, self.here = self.machines(2)
        self.share = self.there.share("cam0")

    def socket(self):
        socket = zmq.Context.instance().socket(zmq.DEALER)
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
        silent = self.socket()  # asks for everything, and reads nothing
        silent.send(good)
        for _ in range(200):
            silent.send(good)
        frames = mirror_peer.frames(self.share.address, "cam0")
        number, array = next(frames)
        self.assertEqual((number, array.shape), (1, (5,)))
        self.assertLess(self.share.memory() - memory, 32 << 20)


if __name__ == "__main__":
    unittest.main()
