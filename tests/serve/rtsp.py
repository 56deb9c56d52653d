# SPDX-License-Identifier: BSD-3-Clause
"""Test cases with a server of RTSP, and its protocol as bytes."""
import json
import os
import socket
import ssl
import subprocess
import sys
from urllib.parse import urlsplit

from player import Player
from serve import DEADLINE, ServeTest

HERE = os.path.dirname(os.path.abspath(__file__))


class RtspTest(ServeTest):
    """A test case whose server serves RTSP on a free port: serve("--rtsp", "0")."""

    def coded_writer(self, tag, shape=(480, 640, 3), dtype="uint8"):
        """A process that writes what coded.py draws until it is killed."""
        process = subprocess.Popen([sys.executable, os.path.join(HERE, "coded.py"), tag, json.dumps(shape), dtype])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_for(lambda: self.tags().get(tag, {}).get("published", 0) > 1, "the tag came")
        return process

    def play(self, tag="cam0", **settings):
        player = Player(self.url(tag), **settings)
        self.addCleanup(player.kill)
        return player

    def url(self, tag="cam0", credentials=""):
        return self.rtsp.replace("://", f"://{credentials}") + tag

    def probe(self, url, *arguments):
        """What ffprobe says of the stream, or its error."""
        said = subprocess.run(
            ["ffprobe", "-v", "error", *arguments, "-select_streams", "v", "-show_entries",
             "stream=codec_name,profile,width,height", "-of", "json", url],
            capture_output=True, text=True, timeout=DEADLINE)
        return json.loads(said.stdout)["streams"][0] if said.returncode == 0 else said.stderr

    def readers(self, tag="cam0"):
        return self.tags()[tag]["readers"]


class Connection:
    """A connection to the server that sends what it is told."""

    def __init__(self, test, tls=None, receive=None):
        address = urlsplit(test.rtsp)
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE)
        if receive is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.connect((address.hostname, address.port))
        if tls is not None:
            context = ssl.create_default_context(cafile=tls)
            context.check_hostname = False
            self.socket = context.wrap_socket(self.socket)
        test.addCleanup(self.close)
        self.file = self.socket.makefile("rb")
        self.count = 0

    def send(self, method, url, headers=None):
        self.count += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self.count}"]
        lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def ask(self, method, url, headers=None):
        """(status, headers with a list of values each, body)"""
        self.send(method, url, headers)
        while (first := self.file.read(1)) == b"$":  # a packet, which comes between answers
            self.read_rest_of_packet()
        assert first, "the connection ended"
        line = first + self.file.readline()
        status = int(line.split()[1])
        found = {}
        while line := self.file.readline().strip():
            key, _, value = line.decode().partition(":")
            found.setdefault(key.lower(), []).append(value.strip())
        return status, found, self.file.read(int(found.get("content-length", ["0"])[0]))

    def read_packet(self):
        assert self.file.read(1) == b"$", "something else than a packet came"
        self.read_rest_of_packet()

    def read_rest_of_packet(self):
        size = int.from_bytes(self.file.read(3)[1:], "big")
        self.file.read(size)

    def close(self):
        self.file.close()
        self.socket.close()
