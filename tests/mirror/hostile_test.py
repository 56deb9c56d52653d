# SPDX-License-Identifier: BSD-3-Clause
"""Peers that speak ZMTP by themselves, and send messages that do not end: they are cut off, and memory stays bounded."""
import os
import resource
import socket
import struct
import threading
import unittest

from machines import DEADLINE, MachinesTest, wait_for

MIB = 1 << 20
MORE, LONG, COMMAND = 1, 2, 4
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
TINY = (bytes([MORE, 0]) * (1 << 18), 32)  # parts without bytes, and how much memory one byte of them takes
LARGE = ((bytes([MORE | LONG]) + struct.pack(">Q", 4000) + bytes(4000)) * 128, 2)


def ready(kind):
    body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind + b"\x08Identity" + bytes(4)
    return bytes([COMMAND, len(body)]) + body


def receive(connection, count):
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def shake_hands(connection, kind):
    connection.settimeout(DEADLINE)
    connection.sendall(GREETING)
    receive(connection, 64)
    connection.sendall(ready(kind))
    receive(connection, receive(connection, 2)[1])


def send_without_end(connection, parts, most):
    """Until it is cut off; how many bytes went out."""
    sent = 0
    try:
        while sent < most:
            connection.sendall(parts)
            sent += len(parts)
    except OSError:
        pass
    return sent


class HostileShare:
    """Sends a message without end to each mirror that comes."""

    def __init__(self, test, parts):
        self.parts = parts
        self.sent = []  # bytes of each connection that has ended
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{}".format(self.listener.getsockname()[1])
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()
        test.addCleanup(self.close)

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.answer, args=(connection,)))
            self.threads[-1].start()

    def answer(self, connection):
        with connection:
            try:
                shake_hands(connection, b"ROUTER")
            except (OSError, IndexError):
                return  # the mirror gave it up
            self.sent.append(send_without_end(connection, self.parts, 256 * MIB))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


@unittest.skipIf("TEST_PATIENCE" in os.environ, "a sanitizer has memory of its own for each byte, and keeps what was freed")
class Endless(MachinesTest):
    def setUp(self):
        self.there, self.here = self.machines(2)

    def test_message_without_end_to_a_share_is_cut_off(self):
        writer = self.there.program("writer = ndsharray.Writer('cam0')")
        share = self.there.share("cam0")
        self.here.mirror(share.address, "cam0", "--as", "mirror")
        reader = self.here.program("reader = ndsharray.Reader('mirror')")
        host, port = share.address.rsplit(":", 1)
        number = 0
        for parts, _ in (TINY, LARGE):
            before = share.most_memory()
            for _ in range(4):
                with socket.create_connection((host, int(port))) as hostile:
                    shake_hands(hostile, b"DEALER")
                    self.assertLess(send_without_end(hostile, parts, 64 * MIB), 64 * MIB, "it is cut off")
            self.assertLess(share.most_memory() - before, 192 * MIB, "64 KiB, and what comes in 20 ms")
            number += 1
            writer.run("writer.write(np.zeros(5))")
            self.assertEqual(reader.run("reader.read(10).number"), number)

    def test_message_without_end_to_a_mirror_is_cut_off(self):
        for parts, factor in (TINY, LARGE):
            share = HostileShare(self, parts)
            mirror = self.here.mirror(share.address, "cam0", "--as", "mirror")
            wait_for(lambda share=share: len(share.sent) >= 4, "four connections that end")
            self.assertLess(max(share.sent), 256 * MIB, "they are cut off")
            # Two connections at a time, each with 10 MiB and what comes in 50 ms.
            self.assertLess(mirror.most_memory(), 64 * MIB + 2 * factor * 20 * MIB)
            self.assertEqual(mirror.end(), 0)

    def test_connections_beyond_a_thousand_are_closed_and_the_others_go_on(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 8192:
            self.skipTest(f"a process may have {hard} descriptors here, too few for the connections of the test")
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        writer = self.there.program("writer = ndsharray.Writer('cam0')", "writer.write(np.zeros(5))")
        share = self.there.share("cam0")
        self.here.mirror(share.address, "cam0", "--as", "mirror")
        reader = self.here.program("reader = ndsharray.Reader('mirror')")
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        host, port = share.address.rsplit(":", 1)
        many = [socket.create_connection((host, int(port))) for _ in range(1200)]
        try:
            wait_for(lambda: self.descriptors(share) < 1100, "fewer descriptors")
            writer.run("writer.write(np.zeros(5))")
            self.assertEqual(reader.run("reader.read(10).number"), 2)
        finally:
            for connection in many:
                connection.close()
        wait_for(lambda: self.descriptors(share) < 100, "a share as it was")

    @staticmethod
    def descriptors(process):
        return len(os.listdir(f"/proc/{process.process.pid}/fd"))


if __name__ == "__main__":
    unittest.main()
