# SPDX-License-Identifier: BSD-3-Clause
"""What WHEP costs, and how late it is in Chromium. Each frame has the microsecond of its publication drawn into it; the
page reads it from the video when a frame is presented.

meson devenv -C build /usr/bin/python3 ../tests/serve/whep_bench.py
"""
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

import numpy as np

os.environ.setdefault("NDSH_SERVE", shutil.which("ndsh-serve") or "ndsh-serve")
os.environ.setdefault("GI_PYTHON", "/usr/bin/python3")

import chromium  # noqa: E402
import coded  # noqa: E402
from serve import DEADLINE, ServeTest  # noqa: E402

SECONDS = 15
HERE = os.path.dirname(os.path.abspath(__file__))

#: Of each frame, in ms of the page's clock: when the browser was done with it, when it expected it on the screen; and the
#: number in the picture. And when the tag was opened.
WATCH = """(async () => {
  const video = document.getElementById("video");
  const context = new OffscreenCanvas(8, 4).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  const seen = [];
  const opened = performance.now();
  document.querySelector("[data-tag=cam0]").click();
  await new Promise(done => {
    const shown = (now, frame) => {
      context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / 2, 0, 0, 8, 4);
      const { data } = context.getImageData(0, 0, 8, 4);
      let number = 0;
      for (let bit = 0; bit < 32; ++bit) if (data[bit * 4] > 128) number += 2 ** bit;
      seen.push([frame.presentationTime, frame.expectedDisplayTime, number]);
      if (now - opened > %d) done();
      else video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  });
  return { opened, seen };
})()"""

RTSP_PLAYER = ["gst-launch-1.0", "-q", "rtspsrc", "protocols=tcp", "latency=0", "!", "fakesink", "sync=false"]


class Bench(ServeTest):
    def setUp(self):
        super().setUp()
        self.start(sys.executable, os.path.join(HERE, "coded.py"), "cam0", "[720, 1280, 3]")
        self.serve("--rtsp", "0")
        self.wait_for(lambda: "cam0" in self.tags(), "the tag came")

    def start(self, *command):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def clock_of(self, browser):
        """What to add to the page's clock for coded.now(), in ms; the best of many tries."""
        tries = []
        for _ in range(50):
            before = time.monotonic()
            page = browser.run("performance.now()")
            after = time.monotonic()
            tries.append((after - before, (before + after) / 2 * 1000 - page))
        return min(tries)

    def test_latency_in_chromium(self):
        browser = chromium.Chromium(DEADLINE + SECONDS)
        self.addCleanup(browser.close)
        browser.open(self.address)
        browser.wait_for("document.querySelector('[data-tag=cam0] img')?.naturalWidth > 0")
        uncertain, offset = self.clock_of(browser)
        found = browser.run(WATCH % (SECONDS * 1000))
        whole = 1 << coded.BITS
        print()
        for name, at in (("handed over for display", 0), ("expected on the screen", 1)):
            latencies = [((frame[at] + offset) * 1000 - frame[2]) % whole / 1000 for frame in found["seen"]]
            latencies = [latency for latency in latencies if latency < 5000]  # else a square was not read well
            half, most = np.percentile(latencies[30:], (50, 95))
            print(f"{name}: p50 {half:.1f} ms, p95 {most:.1f} ms of {len(latencies)} of {len(found['seen'])} frames in "
                  f"{SECONDS} s (clocks within {uncertain * 500:.1f} ms)")
        print(f"first picture after {(found['seen'][0][1] - found['opened']) / 1000:.2f} s")

    def cost(self, rtsp, whep):
        players = [self.start(*RTSP_PLAYER[:3], f"location={self.rtsp}cam0", *RTSP_PLAYER[3:]) for _ in range(rtsp)]
        players += [self.start(os.environ["GI_PYTHON"], os.path.join(HERE, "whep_client.py"), f"{self.address}cam0/whep")
                    for _ in range(whep)]
        text = lambda: self.get("/metrics")[2].decode()  # noqa: E731
        self.wait_for(lambda: f'protocol="rtsp"}} {rtsp}\n' in text() and f'protocol="whep"}} {whep}\n' in text(), "all play")
        time.sleep(3)
        before, begun = self.processor_time(), time.monotonic()
        time.sleep(8)
        used = (self.processor_time() - before) / (time.monotonic() - begun)
        for player in players:  # they leave, by TEARDOWN and DELETE
            player.stdin.close()
            if player in players[:rtsp]:
                player.send_signal(signal.SIGINT)
            player.wait()
        self.wait_for(lambda: self.tags()["cam0"]["readers"] == 0, "nobody looks")
        return used

    def test_cost_of_viewers(self):
        print()
        for rtsp, whep in ((1, 0), (0, 1), (10, 5)):
            print(f"{rtsp} RTSP and {whep} WHEP viewers: {self.cost(rtsp, whep):.1%} of a core")


if __name__ == "__main__":
    unittest.main()
