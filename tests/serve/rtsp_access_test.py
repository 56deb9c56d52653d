# SPDX-License-Identifier: BSD-3-Clause
"""Who may look over RTSP: passwords, TLS, where packets go, other users' tags."""
import base64
import os
import socket
import subprocess
import sys
import unittest

import numpy as np

from player import Player
from rtsp import Connection, RtspTest
from serve import DEADLINE


class Access(RtspTest):
    def test_a_password_is_asked_before_anything_is_said_of_a_tag(self):
        self.publish("cam0", np.zeros((64, 64), np.uint8))
        self.serve("--rtsp", "0", "--user", "cam:secret")
        connection = Connection(self)
        for method in ("DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER", "ANNOUNCE", "RECORD"):
            for tag in ("cam0", "none"):
                status, headers, _ = connection.ask(method, self.url(tag))
                self.assertEqual(status, 401, (method, tag))
                self.assertEqual(sorted(value.split()[0] for value in headers["www-authenticate"]), ["Basic", "Digest"])
        for secret in ("cam:wrong", "cam:", "", "other:secret", "cam:secret "):
            self.assertEqual(connection.ask("DESCRIBE", self.url(), self.basic(secret))[0], 401, secret)
        self.assertEqual(connection.ask("DESCRIBE", self.url(), self.basic("cam:secret"))[0], 200)
        self.assertEqual(connection.ask("DESCRIBE", self.url("none"), self.basic("cam:secret"))[0], 404)

    def test_players_let_themselves_in(self):
        self.serve("--rtsp", "0", "--user", "cam:secret")
        self.publish("cam0", np.zeros((64, 64), np.uint8))
        self.assertIn("401", self.probe(self.url()))
        self.assertIn("401", self.probe(self.url(credentials="cam:wrong@")))
        self.assertEqual(self.probe(self.url(credentials="cam:secret@"))["codec_name"], "h264")

    def test_over_tls_the_picture_comes_through_the_same_connection(self):
        certificate, key = (os.path.join(self.directory, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-out", certificate, "-keyout", key],
                       check=True, capture_output=True, timeout=DEADLINE)
        self.publish("cam0", np.zeros((64, 64), np.uint8))
        self.serve("--rtsp", "0", "--cert", certificate, "--key", key)
        self.assertTrue(self.rtsp.startswith("rtsps://"))
        player = Player(self.url(), "tcp", (64, 64), settings=["tls-validation-flags=0"])
        self.addCleanup(player.kill)
        player.picture()
        connection = Connection(self, tls=certificate)
        self.assertEqual(connection.ask("DESCRIBE", self.url())[0], 200)
        udp = {"Transport": "RTP/AVP;unicast;client_port=40000-40001"}
        self.assertEqual(connection.ask("SETUP", self.url("cam0/stream=0"), udp)[0], 461)

    def test_packets_go_to_who_asked_alone(self):
        self.publish("cam0", np.zeros((64, 64), np.uint8))
        self.serve("--rtsp", "0")
        here, there = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
        self.addCleanup(here.close)
        self.addCleanup(there.close)
        here.bind(("127.0.0.1", 0))
        port = here.getsockname()[1]
        there.bind(("127.0.0.2", port))
        connection = Connection(self)
        self.assertEqual(connection.ask("DESCRIBE", self.url())[0], 200)
        transport = f"RTP/AVP;unicast;destination=127.0.0.2;client_port={port}-{port + 1}"
        status, headers, _ = connection.ask("SETUP", self.url("cam0/stream=0"), {"Transport": transport})
        self.assertEqual(status, 200)
        session = {"Session": headers["session"][0].split(";")[0]}
        self.assertEqual(connection.ask("PLAY", self.url(), session)[0], 200)
        here.settimeout(DEADLINE)
        self.assertGreater(len(here.recv(2000)), 12)
        there.setblocking(False)
        self.assertRaises(BlockingIOError, there.recv, 2000)
        multicast = {"Transport": "RTP/AVP;multicast;destination=224.1.1.1;port=5000-5001;ttl=5"}
        self.assertEqual(connection.ask("SETUP", self.url("cam0/stream=0"), multicast)[0], 461)

    def test_sockets_for_packets_are_bound_to_the_address(self):
        self.publish("cam0", np.zeros((64, 64), np.uint8))
        self.serve("--rtsp", "0")
        player = self.play(protocol="udp", size=(64, 64))
        player.picture()
        bound = [line.split()[1].split(":")[0] for line in self.udp_sockets()]
        self.assertEqual(set(bound), {"0100007F"}, "all are of 127.0.0.1")

    def test_tags_of_other_users_are_shown_on_purpose_only(self):
        if os.geteuid() != 0:
            self.skipTest("only root can write a tag as another user")
        os.chmod(self.directory, 0o777)
        writer = subprocess.Popen([sys.executable, "-c", "import ndsharray, numpy, sys, time\n"
                                   "writer = ndsharray.Writer('theirs')\n"
                                   "writer.write(numpy.zeros((64, 64), numpy.uint8))\n"
                                   "print('there', flush=True)\n"
                                   "time.sleep(1000)"], stdout=subprocess.PIPE, user="nobody", group="nogroup")
        self.addCleanup(writer.stdout.close)
        self.addCleanup(writer.wait)
        self.addCleanup(writer.kill)
        self.assertEqual(writer.stdout.readline(), b"there\n")
        self.serve("--rtsp", "0")
        self.assertEqual(self.tags(), {})
        self.assertEqual(self.get("/theirs.jpg")[0], 404)
        self.assertEqual(Connection(self).ask("DESCRIBE", self.url("theirs"))[0], 404)
        self.stop()
        self.serve("--rtsp", "0", "--owner", "nobody")
        self.assertEqual(list(self.tags()), ["theirs"])
        self.assertEqual(self.get("/theirs.jpg")[0], 200)
        self.play("theirs", size=(64, 64)).picture()

    @staticmethod
    def basic(secret):
        return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


if __name__ == "__main__":
    unittest.main()
