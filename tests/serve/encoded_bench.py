# SPDX-License-Identifier: BSD-3-Clause
"""What encoded video costs, 720p at 30 frames a second on loopback: how old a picture is when it is decoded, over RTSP and
beside it with the same encoder and decoder in one pipeline (the floor); the server's processor time with 1 and 10 viewers.

meson devenv -C build env NDSH_SERVE=gst/serve/ndsh-serve /usr/bin/python3 ../tests/serve/encoded_bench.py [SECONDS]
"""
import subprocess
import sys
import time

import numpy as np

from player import DECODERS, Player
from rtsp import RtspTest

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10
SHAPE = (720, 1280, 3)
SEEN = (320, 180)

#: As gst/serve/encoder.cpp has it.
FLOOR = ["ndshsrc", "tag=cam0", "!", "capssetter", "caps=video/x-raw,framerate=30/1", "!",
         "videoconvert", "!", "video/x-raw,format=I420", "!", "x264enc", "tune=zerolatency",
         "speed-preset=superfast", "bframes=0", "byte-stream=true", "aud=false", "vbv-buf-capacity=300", "key-int-max=60",
         "bitrate=3544", "!", "video/x-h264,profile=constrained-baseline", "!", "h264parse", "config-interval=-1", "!",
         *DECODERS["H264"][2:]]


class Bench(RtspTest):
    def runTest(self):
        self.serve("--rtsp", "0", "--encoder", "x264enc")
        self.coded_writer("cam0", SHAPE)
        floor = self.latency("floor", Player(None, size=SEEN, source=FLOOR))
        for protocol in ("tcp", "udp"):
            found = self.latency(f"RTSP, {protocol.upper()}", Player(self.url(), protocol, SEEN))
            print(f"    floor + {found[0] - floor[0]:.1f} / + {found[1] - floor[1]:.1f} ms", flush=True)
        one = self.share(1)
        ten = self.share(10)
        print(f"processor time of the server: 1 viewer {one:.1%}, 10 viewers {ten:.1%} of a core: {ten / one:.2f} x")
        self.wait_for(lambda: self.readers() == 0, "the last viewer went")
        time.sleep(6)
        print(f"nobody: {self.used():.1%}, readers {self.readers()}")

    def latency(self, name, player):
        """(p50, p95) in milliseconds."""
        self.addCleanup(player.kill)
        player.until_live()
        end = time.monotonic() + 1 + SECONDS
        ages = []
        while time.monotonic() < end:
            age = player.age()
            if age is not None and time.monotonic() > end - SECONDS:
                ages.append(age / 1000)
        player.kill()
        p50, p95 = np.percentile(ages, [50, 95])
        print(f"{name}: p50 {p50:.1f}, p95 {p95:.1f} ms, {len(ages) / SECONDS:.1f} pictures a second", flush=True)
        return p50, p95

    def used(self):
        """Of a core, by the server."""
        before, begun = self.processor_time(), time.monotonic()
        time.sleep(SECONDS)
        return (self.processor_time() - before) / (time.monotonic() - begun)

    def share(self, viewers):
        """With so many viewers who take packets, and do not decode them here."""
        players = [subprocess.Popen(["gst-launch-1.0", "-q", "rtspsrc", f"location={self.url()}", "latency=0",
                                     f"protocols={protocol}", "!", "fakesink", "sync=false"])
                   for protocol in (["tcp", "udp"] * viewers)[:viewers]]
        try:
            self.wait_for(lambda: f'ndsharray_serve_viewers{{protocol="rtsp"}} {viewers}' in self.metrics(), "all look")
            time.sleep(2)
            return self.used()
        finally:
            for player in players:
                player.kill()
                player.wait()
            self.wait_for(lambda: self.readers() == 0, "they went")


if __name__ == "__main__":
    bench = Bench()
    outcome = bench.run()
    for _, sentence in outcome.errors + outcome.failures:
        sys.exit(sentence)
