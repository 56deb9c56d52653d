# SPDX-License-Identifier: BSD-3-Clause
"""Clients that mean harm or are stuck: they are refused or dropped, and nobody else notices."""
import selectors
import socket
import time
import unittest

import numpy as np

from serve import DEADLINE, ServeTest, Stream

MIB = 1 << 20

#: How long a client may keep the server waiting (gst/serve/connections.cpp), and some.
DROPPED_WITHIN = 10 + 5

GOOD = b"Host: 127.0.0.1\r\n\r\n"

#: Requests, and the statuses that are an answer to them. None: the connection is closed without one.
REQUESTS = [
    (b"", {None}),
    (b"\0" * 4096, {400, None}),
    (bytes(range(256)) * 16, {400, None}),
    (b"GET\r\n\r\n", {400, None}),
    (b"GET /\r\n\r\n", {400, 403, None}),
    (b"GET / HTTP/9.9\r\n" + GOOD, {400, 505, None}),
    (b"GET / HTTP/1.1\r\n\r\n", {400, 403}),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n\r\n", {400, 403}),
    (b"GET http://evil.example/ HTTP/1.1\r\n" + GOOD, {400, 403, 404, 200}),
    (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + GOOD, {400, 404, 414, None}),
    (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + GOOD, {400, 431, None}),
    (b"GET / HTTP/1.1\r\nX: " + b"y" * 10 * MIB + b"\r\n" + GOOD, {400, 431, None}),
    (b"GET /../../../../etc/passwd HTTP/1.1\r\n" + GOOD, {400, 404}),
    (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + GOOD, {400, 404}),
    (b"GET /~/../../../etc/passwd HTTP/1.1\r\n" + GOOD, {400, 404}),
    (b"GET /~/%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1\r\n" + GOOD, {400, 404}),
    (b"GET /..%2fcam0.jpg HTTP/1.1\r\n" + GOOD, {400, 404}),
    (b"GET /cam0%00.jpg HTTP/1.1\r\n" + GOOD, {400, 404}),
    (b"GET /<script>.jpg HTTP/1.1\r\n" + GOOD, {400, 404}),
    (b"GET /%3Cscript%3E/mjpeg HTTP/1.1\r\n" + GOOD, {404}),
    (b"GET /" + b"t" * 129 + b".jpg HTTP/1.1\r\n" + GOOD, {404}),
    (b"GET /.hidden.jpg HTTP/1.1\r\n" + GOOD, {404}),
    (b"GET // HTTP/1.1\r\n" + GOOD, {400, 404}),
    (b"GET /cam0.jpg?%ff=%ff HTTP/1.1\r\n" + GOOD, {200, 400}),
    (b"GET /cam0.jpg?width=99999999999999999999 HTTP/1.1\r\n" + GOOD, {400}),
    (b"GET /cam0/value?x=18446744073709551615&y=-1 HTTP/1.1\r\n" + GOOD, {400}),
    (b"GET /cam0/value?x=18446744073709551615&y=18446744073709551615 HTTP/1.1\r\n" + GOOD, {400}),
    (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n" + GOOD, {400, 403, 413, None}),
    (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n" + GOOD, {400, 405, 413, None}),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + GOOD + b"0\r\n\r\n", {411}),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n" + GOOD + b"0\r\n\r\n", {400, 411}),
    # Their body is cut off: libsoup 3.6 may see that first, and ends the connection.
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + GOOD, {411, None}),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n" + GOOD, {400, 411, None}),
    (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nHost: 127.0.0.1\r\n\r\nabc", {405}),
    (b"DELETE /cam0 HTTP/1.1\r\n" + GOOD, {405}),
    (b"PUT /cam0.jpg HTTP/1.1\r\nContent-Length: 0\r\n" + GOOD, {405}),
    (b"OPTIONS * HTTP/1.1\r\n" + GOOD, {400, 404, 405}),
    (b"CONNECT evil.example:80 HTTP/1.1\r\n" + GOOD, {400, 403, 405, None}),
    (b"TRACE / HTTP/1.1\r\n" + GOOD, {405}),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, {400, None}),
]

#: At once, made or being sent (gst/serve/answers.cpp).
MOST_SNAPSHOTS = 24


class Hostile(ServeTest):
    def setUp(self):
        super().setUp()
        self.publish("cam0", np.zeros((32, 48, 3), np.uint8))
        self.serve()

    def connect(self, request=b"", receive=None):
        client = socket.socket()
        self.addCleanup(client.close)
        client.settimeout(DEADLINE)
        if receive is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        client.connect(("127.0.0.1", self.port))
        if request:
            client.sendall(request)
        return client

    def serves(self):
        begun = time.monotonic()
        self.assertEqual(self.get("/cam0.jpg")[0], 200)
        return time.monotonic() - begun

    def answer_to(self, request):
        """Its status; None where the connection ended before one."""
        client = self.connect()
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            start = client.recv(4096)
        except OSError:
            return None
        finally:
            client.close()
        return int(start.split(b" ")[1]) if start.startswith(b"HTTP/1.") else None

    def test_requests_are_refused_and_the_server_goes_on(self):
        for request, statuses in REQUESTS:
            with self.subTest(request[:80]):
                self.assertIn(self.answer_to(request), statuses)
        self.serves()
        self.assert_memory_below(100 * MIB)

    def test_clients_that_are_slow_or_stuck_are_dropped_in_time(self):
        self.publish("large", np.random.default_rng(1).integers(0, 256, (2000, 3000, 3), np.uint8))
        moving = Stream(self.port, "/cam0/mjpeg")
        self.addCleanup(moving.close)
        begun = time.monotonic()
        silent = self.connect()
        trickling = self.connect(b"G")
        half = self.connect(b"GET / HTTP/1.1\r\nHost: 127")
        body = self.connect(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nabc")
        stuck = self.connect(b"GET /large.npy HTTP/1.1\r\n" + GOOD, 4096)
        viewer = self.connect(b"GET /large/mjpeg?quality=100 HTTP/1.1\r\n" + GOOD, 4096)
        kept = self.connect(b"GET /api/tags HTTP/1.1\r\n" + GOOD)
        left = {"silent": silent, "trickling": trickling, "half": half, "body": body, "kept": kept}
        self.wait_for(lambda: self.connections() > 7, "all are there")
        while left and time.monotonic() < begun + DROPPED_WITHIN:
            moving.part()  # it goes on all the while
            try:
                trickling.send(b"x")
            except OSError:
                pass
            for name, client in list(left.items()):
                if self.is_closed(client):
                    del left[name]
        self.assertEqual(left, {})
        # They do not read, and so see no end: the server tells. What is left is who asks it, and the moving picture.
        while self.connections() > 2 and time.monotonic() < begun + DROPPED_WITHIN + 5:
            moving.part()
        self.assertEqual(self.connections(), 2)
        for client in stuck, viewer:
            client.close()
        self.assertEqual(self.tags()["large"]["readers"], 0)
        self.assert_memory_below(150 * MIB)

    def test_a_thousand_connections_leave_room_for_others(self):
        crowd = [self.connect() for _ in range(1000)]
        self.assertLess(self.serves(), DEADLINE / 4)
        self.assertLess(self.count("fd"), 400)
        for client in crowd:
            client.close()
        self.wait_for(lambda: self.connections() == 1, "the crowd is gone")
        self.assert_memory_below(100 * MIB)

    def test_answers_that_nobody_takes_are_bounded(self):
        self.publish("large", np.zeros((4000, 4000), np.uint8))  # no socket holds that
        self.get("/large.npy")
        stuck, statuses = [], []
        for _ in range(MOST_SNAPSHOTS + 10):  # one after the other: each is made, and then not taken
            connection = socket.create_connection(("127.0.0.1", self.port))
            self.addCleanup(connection.close)
            connection.settimeout(DEADLINE)
            connection.sendall(b"GET /large.npy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            statuses.append(int(connection.recv(12).split()[1]))
            stuck.append(connection)
        self.assertEqual(statuses, [200] * MOST_SNAPSHOTS + [503] * 10)
        self.assert_memory_below((MOST_SNAPSHOTS + 4) * 16_000_000)
        for connection in stuck:
            connection.close()
        self.wait_for(lambda: self.get("/large.npy")[0] == 200, "there is room for others")

    def test_viewers_that_are_killed_leave_nothing(self):
        self.serves()
        files = self.count("fd")
        for _ in range(40):
            client = self.connect(b"GET /cam0/mjpeg HTTP/1.1\r\n" + GOOD)
            client.recv(10)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        self.wait_for(lambda: self.tags()["cam0"]["readers"] == 0, "the readers are gone")
        self.wait_for(lambda: self.count("fd") <= files + 2, "the descriptors are gone")

    def connections(self):
        return self.metric("ndsharray_serve_connections")

    @staticmethod
    def is_closed(client):
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ)
            while selector.select(0):
                try:
                    if not client.recv(65536):
                        return True
                except OSError:
                    return True
        return False


if __name__ == "__main__":
    unittest.main()
