# SPDX-License-Identifier: BSD-3-Clause
"""RTSP clients that mean harm or are stuck: they are refused or dropped, and nobody else notices."""
import socket
import subprocess
import sys
import threading
import time
import unittest

import numpy as np

from rtsp import Connection, RtspTest
from whep_test import OFFER, SDP

MIB = 1 << 20

#: How long a connection may be without a session (gst/serve/rtsp_server.cpp), and some.
DROPPED_WITHIN = 15 + 10

#: So many seconds of packets wait at most for a player that takes none (gst-rtsp-server).
WAITING = 10

#: How long a tag is waited for that gives nothing to encode (gst/serve/rtsp_media.cpp), and some.
GIVEN_UP_WITHIN = 6 + 8

#: Nobody is dropped yet for staying.
LONG_BEFORE = 5

END = b"\r\nCSeq: 1\r\n\r\n"
DESCRIBE = b"DESCRIBE rtsp://127.0.0.1/cam0 RTSP/1.0"
SETUP = b"SETUP rtsp://127.0.0.1/cam0/stream=0 RTSP/1.0\r\nTransport: "

#: What is sent, and not answered with success.
GARBAGE = [
    b"",
    b"\0" * 4096,
    bytes(range(256)) * 16,
    b"\r\n" * 5000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    b"$",
    b"$\0\xff\xff" + b"x" * 100,
    (b"$\xff\0\x10" + b"x" * 16) * 1000,
    b"DESCRIBE" + END,
    b"DESCRIBE rtsp://127.0.0.1/cam0 RTSP/9.9" + END,
    b"DESCRIBE /" + b"a" * 200_000 + b" RTSP/1.0" + END,
    b"DESCRIBE rtsp://127.0.0.1/cam0%00 RTSP/1.0" + END,
    b"DESCRIBE rtsp://127.0.0.1/../../etc/passwd RTSP/1.0" + END,
    b"DESCRIBE rtsp://%n%n%s:99999999/ RTSP/1.0" + END,
    DESCRIBE + b"\r\nContent-Length: 99999999999" + END,
    DESCRIBE + b"\r\nContent-Length: -1" + END,
    DESCRIBE + b"\r\nContent-Length: 20000" + END + b"x" * 20_000,
    DESCRIBE + b"\r\nContent-Length: 1000" + END + b"half",
    SETUP + b"RTP/AVP;multicast;destination=239.0.0.1;port=1-2;ttl=127" + END,
    SETUP + b"%n%n%n;" * 1000 + END,
    SETUP + END,
    b"PLAY rtsp://127.0.0.1/cam0 RTSP/1.0\r\nSession: " + b"9" * 5000 + END,
    b"TEARDOWN rtsp://127.0.0.1/cam0 RTSP/1.0" + END,
    b"ANNOUNCE rtsp://127.0.0.1/cam0 RTSP/1.0\r\nContent-Type: application/sdp\r\nContent-Length: 3" + END + b"v=0",
    b"RECORD rtsp://127.0.0.1/cam0 RTSP/1.0" + END,
    b"GET /cam0 HTTP/1.1\r\n\r\n",
    b"POST /cam0 HTTP/1.1\r\nx-sessioncookie: 1\r\n\r\n" + b"!" * 5000,
]

#: What is sent, and may be: what is too long is cut off, numbers of ports are the sender's own.
ODD = [
    DESCRIBE + b"\r\nX: " + b"y" * 10 * MIB + END,
    SETUP + b"RTP/AVP;unicast;client_port=99999-99999999999" + END,
]

#: Writes noise, which encodes to much.
NOISE = """
import time
import numpy as np
import ndsharray
frames = np.random.default_rng(1).integers(0, 256, (8, 480, 640, 3), np.uint8)
with ndsharray.Writer("cam0") as writer:
    while True:
        for frame in frames:
            writer.write(frame)
            time.sleep(1 / 30)
"""


class Hostile(RtspTest):
    def setUp(self):
        super().setUp()
        self.serve("--rtsp", "0", "--bitrate", "30000")

    def connections(self):
        return self.metric("ndsharray_serve_rtsp_connections")

    def describes(self):
        self.assertEqual(Connection(self).ask("DESCRIBE", self.url())[0], 200)

    def test_three_hundred_connections_leave_room_for_others_and_are_dropped_in_time(self):
        self.publish("cam0", np.zeros((64, 64), np.uint8))
        self.describes()
        begun = time.monotonic()
        crowd = [Connection(self) for _ in range(300)]
        self.describes()
        self.wait_for(lambda: 100 < self.connections() <= 128, "the oldest made room", within=LONG_BEFORE)
        self.assertLess(self.count("fd"), 250)
        self.describes()
        self.wait_for(lambda: self.connections() == 0, "they are dropped", within=DROPPED_WITHIN)
        self.assertLess(time.monotonic() - begun, DROPPED_WITHIN)
        for connection in crowd:
            self.assertEqual(connection.file.read(1), b"")
        self.wait_for(lambda: self.readers() == 0, "what they looked at is gone")
        self.describes()
        self.assert_memory_below(100 * MIB)

    def answer_to(self, request):
        """Its status; None where the connection ended before one."""
        connection = Connection(self)
        try:
            connection.socket.sendall(request)
            connection.socket.shutdown(socket.SHUT_WR)
            line = connection.file.readline()
        except OSError:
            return None
        finally:
            connection.close()
        return int(line.split()[1]) if line else None

    def test_garbage_is_refused_and_players_go_on(self):
        self.coded_writer("cam0")
        player = self.play()
        player.until_live()
        for request in GARBAGE:
            with self.subTest(request[:80]):
                status = self.answer_to(request)
                self.assertTrue(status is None or status >= 400, status)
        for request in ODD:
            with self.subTest(request[:80]):
                status = self.answer_to(request)
                self.assertTrue(status in (None, 200) or status >= 400, status)
        player.until_live()
        self.assertIsNone(player.process.poll())
        self.describes()
        self.assertEqual(self.readers(), 1)
        self.assert_memory_below(150 * MIB)

    def test_a_player_that_never_reads_keeps_nobody_waiting(self):
        writer = subprocess.Popen([sys.executable, "-c", NOISE])
        self.addCleanup(writer.wait)
        self.addCleanup(writer.kill)
        self.wait_for(lambda: self.tags().get("cam0", {}).get("published", 0) > 1, "the tag came")
        stuck = Connection(self, receive=4096)
        self.assertEqual(stuck.ask("DESCRIBE", self.url())[0], 200)
        status, headers, _ = stuck.ask("SETUP", self.url("cam0/stream=0"),
                                       {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})
        self.assertEqual(status, 200)
        stuck.send("PLAY", self.url(), {"Session": headers["session"][0].split(";")[0]})
        player = self.play(protocol="tcp")
        self.pictures_in(player, WAITING + 2)
        memory, sent = self.memory(), self.sent()
        self.assertGreater(self.pictures_in(player, 4), 40, "it goes on as fast")
        self.assertGreater(self.sent(), sent + 8 * MIB)
        self.assertEqual(self.readers(), 1)
        self.assert_memory_below(memory + 2 * MIB)
        self.assert_memory_below(150 * MIB)

    def test_a_tag_that_gives_nothing_holds_the_others_up_for_a_bounded_time(self):
        self.publish("cam0", np.zeros((64, 64), np.uint8))
        writer = self.publish("cam1", np.zeros((64, 64), np.float32))
        # For a viewer who never connects it is encoded already when it goes over to arrays without a picture.
        self.assertEqual(self.get("/cam1/whep", SDP, "POST", OFFER)[0], 201)
        ended = threading.Event()

        def write():
            while not ended.wait(0.01):
                writer.write(np.zeros((0, 5), np.float32))

        thread = threading.Thread(target=write)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(ended.set)
        begun = time.monotonic()
        time.sleep(0.5)
        viewer = Connection(self)
        viewer.send("DESCRIBE", self.url("cam1"))
        time.sleep(0.2)
        self.describes()
        self.assertLess(time.monotonic() - begun, GIVEN_UP_WITHIN)
        self.assertIn(b" 503 ", viewer.file.readline())
        # Who asks again is told at once.
        begun = time.monotonic()
        self.assertEqual(Connection(self).ask("DESCRIBE", self.url("cam1"))[0], 503)
        self.describes()
        self.assertLess(time.monotonic() - begun, LONG_BEFORE)

    def test_one_connection_does_not_take_the_sessions_of_all(self):
        self.publish("cam0", np.zeros((64, 64), np.uint8))
        greedy = Connection(self)
        self.assertEqual(greedy.ask("DESCRIBE", self.url())[0], 200)
        answers = [self.sets_up(greedy)[0] for _ in range(110)]
        self.assertEqual(answers.count(200), 4)
        self.assertEqual(set(answers), {200, 503})
        viewer = Connection(self)
        self.assertEqual(viewer.ask("DESCRIBE", self.url())[0], 200)
        # Who ends a session may have another one.
        for _ in range(20):
            status, headers, _ = self.sets_up(viewer)
            self.assertEqual(status, 200)
            session = {"Session": headers["session"][0].split(";")[0]}
            self.assertEqual(viewer.ask("TEARDOWN", self.url(), session)[0], 200)

    def sets_up(self, connection):
        return connection.ask("SETUP", self.url("cam0/stream=0"), {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})

    def sent(self):
        return self.metric("ndsharray_serve_rtsp_sent_bytes_total")

    @staticmethod
    def pictures_in(player, seconds):
        """How many it shows."""
        pictures = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            player.picture()
            pictures += 1
        return pictures


if __name__ == "__main__":
    unittest.main()
