# SPDX-License-Identifier: BSD-3-Clause
"""WHEP as players see it: a player on webrtcbin, through everything that happens to it and to the writer."""
import json
import os
import select
import signal
import subprocess
import sys
import time
import unittest

import numpy as np

from player import Player as RtspPlayer
from serve import DEADLINE
from whep_test import DROPPED_WITHIN, WhepTest

PLAYER = [os.environ["GI_PYTHON"], os.path.join(os.path.dirname(os.path.abspath(__file__)), "whep_client.py")]


class Player:
    """tests/serve/whep_client.py in a process of its own, on the machine that the prefix says."""

    def __init__(self, test, tag, *arguments, prefix=()):
        self.process = subprocess.Popen([*prefix, *PLAYER, f"{test.address}{tag}/whep", *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.rest = b""
        test.addCleanup(self.close)

    def until(self, condition):
        """The next line for which the condition holds."""
        end = time.monotonic() + DEADLINE
        others = []
        while True:
            while b"\n" in self.rest:
                line, self.rest = self.rest.split(b"\n", 1)
                if condition(found := json.loads(line)):
                    return found
                others.append(found)
            come = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]
            assert come, f"no such picture came, only {others}"
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, "the player ended"
            self.rest += piece

    def until_value(self, value):
        return self.until(lambda line: abs(line.get("value", -100) - value) <= 4)

    def close(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.process.stdout.close()
        return self.process.returncode


def gray(value, shape=(240, 320, 3)):
    return np.full(shape, value, np.uint8)


class Viewers(WhepTest):
    def test_see_what_is_written(self):
        writer = self.publish("cam1", gray(50))
        player = Player(self, "cam1")
        first = player.until_value(50)
        self.assertEqual((first["width"], first["height"]), (320, 240))
        for value in (90, 130, 200, 30):
            writer.write(gray(value))
            player.until_value(value)
        self.assertGreater(self.get_json("/cam1/latency")["sent"], 0)
        self.assertLess(self.get_json("/cam1/latency")["sent"], 5)
        self.assertGreater(self.metric("ndsharray_serve_whep_sent_bytes_total"), 500)
        self.assertEqual(player.close(), 0)
        self.assertEqual(self.viewers(), 0)

    def test_are_sent_a_frame_before_the_next_one_comes(self):
        """Of a tag that does not say how often its frames come."""
        writer = self.publish("cam1", gray(50))
        player = Player(self, "cam1")
        player.until_value(50)
        ages = []
        for value in (90, 150, 90, 150, 90):
            writer.write(gray(value))
            player.until_value(value)
            ages.append(self.get_json("/cam1/latency")["sent"])
        # Where none comes, a frame is encoded again after 0.2 s.
        self.assertLess(np.median(ages), 0.1, ages)

    def test_stay_when_the_writer_is_killed_and_comes_back_in_another_size(self):
        writer = self.writer_process("cam1", (240, 320, 3))
        self.wait_for(lambda: "cam1" in self.tags(), "the tag came")
        player = Player(self, "cam1")
        player.until(lambda line: "value" in line)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        publisher = self.writer("cam1")
        for value in (60, 140, 220):
            publisher.write(gray(value, (480, 640, 3)))
            player.until_value(value)
        self.assertEqual(self.viewers(), 1)

    def test_who_are_killed_are_dropped_in_time(self):
        self.publish("cam1", gray(50))
        player = Player(self, "cam1")
        player.until_value(50)
        player.process.kill()
        self.wait_for(lambda: self.viewers() == 0, "it is dropped", within=DROPPED_WITHIN)
        self.wait_for(lambda: self.tags()["cam1"]["readers"] == 0, "nobody reads")

    def test_who_have_another_certificate_than_they_said_see_nothing(self):
        self.publish("cam1", gray(50))
        player = Player(self, "cam1", "lies")
        player.until(lambda line: "answered" in line)
        self.wait_for(lambda: self.viewers() == 0, "it is dropped")
        player.process.kill()
        player.process.wait()
        lines = [json.loads(line) for line in (player.rest + player.process.stdout.read()).splitlines()]
        self.assertEqual([line for line in lines if "gathering" not in line], [])

    def test_share_one_encoder(self):
        self.writer_process("cam1", (240, 320, 3))
        self.wait_for(lambda: "cam1" in self.tags(), "the tag came")
        for player in [Player(self, "cam1") for _ in range(3)]:
            player.until(lambda line: "value" in line)
        self.assertEqual(self.tags()["cam1"]["readers"], 1)

    def test_share_one_encoder_with_players_of_rtsp(self):
        self.stop()
        self.serve("--rtsp", "0")
        self.writer_process("cam1", (240, 320, 3))
        self.wait_for(lambda: "cam1" in self.tags(), "the tag came")
        player = RtspPlayer(f"{self.rtsp}cam1", size=(320, 240))
        self.addCleanup(player.kill)
        player.picture()
        Player(self, "cam1").until(lambda line: "value" in line)
        player.picture()
        self.assertEqual((self.viewers(), self.metric('ndsharray_serve_viewers{protocol="rtsp"}')), (1, 1))
        self.assertEqual(self.tags()["cam1"]["readers"], 1)

    def test_connect_twenty_times_in_a_row_on_a_busy_machine(self):
        self.publish("cam1", gray(50))
        for _ in range(os.cpu_count()):
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            self.addCleanup(busy.wait)
            self.addCleanup(busy.kill)
        player = subprocess.run([*PLAYER, f"{self.address}cam1/whep", "20"], stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=5 * DEADLINE, check=False)
        self.assertEqual(player.returncode, 0, player.stderr)
        values = [line["value"] for line in map(json.loads, player.stdout.splitlines()) if "value" in line]
        self.assertEqual(len(values), 20, player.stdout)
        np.testing.assert_allclose(values, 50, atol=4)
        self.assertEqual(self.viewers(), 0)


if __name__ == "__main__":
    unittest.main()
