# SPDX-License-Identifier: BSD-3-Clause
"""The page, in Chromium. With SCREENSHOTS=FOLDER it leaves pictures of itself there."""
import os
import subprocess
import unittest

import numpy as np

import chromium
from serve import DEADLINE, ServeTest

CANVAS = """(() => {
  const canvas = document.getElementById("canvas");
  return [...canvas.getContext("2d").getImageData(%d, %d, 1, 1).data];
})()"""


@unittest.skipUnless(chromium.PATH, "Chromium is not installed")
class Page(ServeTest):
    def setUp(self):
        super().setUp()
        self.serve()
        self.browser = chromium.Chromium(DEADLINE)
        self.addCleanup(self.browser.close)

    def picture(self, name):
        if folder := os.environ.get("SCREENSHOTS"):
            self.browser.screenshot(os.path.join(folder, name + ".png"))

    def show(self, **options):
        self.browser.open(self.address, **options)
        self.browser.wait_for("document.readyState === 'complete'")

    def wait_for_card(self, tag):
        self.browser.wait_for(f"document.querySelector('[data-tag={tag}] img')?.naturalWidth > 0")

    def test_shows_tags_as_they_come_and_go(self):
        self.show()
        self.browser.wait_for("!document.getElementById('empty').hidden")
        writer = self.publish("cam0", np.zeros((8, 12, 3), np.uint8))
        self.wait_for_card("cam0")
        text = self.browser.run("document.querySelector('[data-tag=cam0]').textContent")
        self.assertIn("(8, 12, 3) uint8", text)
        writer.close()
        self.browser.wait_for("document.querySelectorAll('.card').length === 0")
        self.assertEqual(self.browser.errors, [])

    def test_opens_a_tag_large_and_shows_each_frame(self):
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:] = (200, 40, 40)
        writer = self.publish("cam0", picture)
        self.show()
        self.wait_for_card("cam0")
        self.browser.run("document.querySelector('[data-tag=cam0]').focus()")
        self.browser.key("Enter", 13)
        self.browser.wait_for("document.getElementById('canvas').dataset.frame === '1'")
        self.assertEqual(self.browser.run("document.getElementById('canvas').width"), 64)
        np.testing.assert_allclose(self.browser.run(CANVAS % (30, 20))[:3], (200, 40, 40), atol=6)
        picture[:] = (20, 160, 60)
        writer.write(picture)
        self.browser.wait_for("document.getElementById('canvas').dataset.frame === '2'")
        np.testing.assert_allclose(self.browser.run(CANVAS % (30, 20))[:3], (20, 160, 60), atol=6)
        box = self.browser.run("(({x, y, width, height}) => ({x, y, width, height}))"
                               "(document.getElementById('canvas').getBoundingClientRect())")
        self.browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + box["width"] / 2,
                          y=box["y"] + box["height"] / 2)
        self.browser.wait_for("document.getElementById('pixel').textContent.endsWith('= [20,160,60]')")
        self.assertRegex(self.browser.run("document.getElementById('viewer-numbers').textContent"), r"^[\d.]+ ms, ")
        self.browser.key("Escape", 27)
        self.browser.wait_for("!document.getElementById('viewer').open")
        self.wait_for(lambda: self.tags()["cam0"]["readers"] == 0, "nobody reads any more")
        self.assertEqual(self.browser.errors, [])

    def test_looks_well_wide_and_narrow_dark_and_light(self):
        for number, pattern in enumerate(("smpte", "ball", "zone-plate")):
            pipeline = subprocess.Popen(
                ["gst-launch-1.0", "-q", "videotestsrc", f"pattern={pattern}", "is-live=true", "!",
                 "video/x-raw,width=640,height=360,framerate=15/1", "!", "ndshsink", f"tag=cam{number}"])
            self.addCleanup(pipeline.wait)
            self.addCleanup(pipeline.kill)
        y, x = np.mgrid[:60, :80]
        self.publish("thermal", (29500 + 900 * np.exp(-((x - 50) ** 2 + (y - 25) ** 2) / 200)).astype(np.uint16))
        self.publish("volume-of-a-rather-long-name", np.zeros((5, 7, 40, 60), np.float32))
        for dark in (False, True):
            for name, width, height in (("desktop", 1280, 800), ("phone", 390, 844)):
                name = f"{name}-{'dark' if dark else 'light'}"
                self.show(width=width, height=height, dark=dark)
                for tag in ("cam0", "thermal"):
                    self.browser.run(f"document.querySelector('[data-tag={tag}]')?.scrollIntoView()")
                    self.browser.wait_for(f"document.querySelector('[data-tag={tag}]') !== null")
                self.browser.run("scrollTo(0, 0)")
                self.wait_for_card("cam0")
                self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), width, name)
                background = self.browser.run("getComputedStyle(document.body).backgroundColor")
                brightness = int(background[4:].split(",")[0])
                self.assertEqual(brightness < 80, dark, background)
                self.picture(name)
                self.browser.run("document.querySelector('[data-tag=thermal]').click()")
                self.browser.wait_for("document.getElementById('canvas').dataset.frame === '1'")
                self.browser.run("{ const map = document.getElementById('map'); map.value = 'inferno';"
                                 "map.dispatchEvent(new Event('change')); }")
                self.browser.wait_for(f"({CANVAS % (50, 25)})[0] > 200 && ({CANVAS % (50, 25)})[2] < 220")
                self.assertLessEqual(self.browser.run("document.getElementById('viewer').scrollWidth"), width, name)
                self.picture(name + "-tag")


if __name__ == "__main__":
    unittest.main()
