# SPDX-License-Identifier: BSD-3-Clause
"""The page, in Chromium. With SCREENSHOTS=FOLDER it leaves pictures of itself there."""
import os
import re
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

    def open_large(self, tag):
        self.wait_for_card(tag)
        self.browser.run(f"document.querySelector('[data-tag={tag}]').focus()")
        self.browser.key("Enter", 13)

    def value_in_the_middle(self):
        """What the page tells of where the pointer is."""
        box = self.browser.run("(({x, y, width, height}) => ({x, y, width, height}))"
                               "(document.querySelector('#stage :not([hidden])').getBoundingClientRect())")
        self.browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + box["width"] / 2,
                          y=box["y"] + box["height"] / 2)
        return self.browser.wait_for("document.getElementById('pixel').textContent")

    def test_plays_a_tag_over_whep(self):
        picture = np.zeros((240, 320, 3), np.uint8)
        picture[:] = (200, 40, 40)
        writer = self.publish("cam0", picture)
        self.show()
        self.open_large("cam0")
        self.browser.wait_for_video({(0.25, 0.5): (200, 40, 40)})
        for left, right in (((20, 160, 60), (200, 200, 200)), ((30, 30, 30), (60, 60, 220)), ((220, 220, 60), (0, 0, 0))):
            picture[:, :160] = left
            picture[:, 160:] = right
            writer.write(picture)
            self.browser.wait_for_video({(0.25, 0.5): left, (0.75, 0.5): right})
        self.assertRegex(self.value_in_the_middle(), r"^x 160  y 120 .*= \[0,0,0\]$")
        self.browser.wait_for("/^[\\d.]+ ms, .*WHEP$/.test(document.getElementById('viewer-numbers').textContent)")
        self.assertEqual(self.viewers(), {"whep": 1, "mjpeg": 0})
        self.picture("whep")
        # Another picture of the same tag is made for this viewer alone, and goes as JPEGs.
        self.choose("map", "inferno")
        self.browser.wait_for("document.getElementById('canvas').dataset.frame === '4'")
        self.wait_for(lambda: self.viewers() == {"whep": 0, "mjpeg": 1}, "the session is ended")
        self.choose("map", "gray")
        self.browser.wait_for_video({(0.25, 0.5): left, (0.75, 0.5): right})
        self.browser.key("Escape", 27)
        self.wait_for(lambda: self.viewers() == {"whep": 0, "mjpeg": 0}, "nobody looks any more")
        self.wait_for(lambda: self.tags()["cam0"]["readers"] == 0, "nobody reads any more")
        self.assertEqual(self.browser.errors, [])

    def test_plays_on_when_the_writer_is_killed_and_comes_back_in_another_size(self):
        process = self.writer_process("cam0", (240, 320, 3))
        self.show()
        self.open_large("cam0")
        self.browser.wait_for("document.getElementById('video').videoWidth === 320")
        process.kill()
        process.wait()
        picture = np.zeros((120, 320, 3), np.uint8)
        picture[:] = (200, 40, 40)
        writer = self.publish("cam0", picture)
        # The picture keeps its size, with bars above and below.
        self.browser.wait_for_video({(0.5, 0.5): (200, 40, 40), (0.5, 0.1): (0, 0, 0)})
        picture[:] = (20, 160, 60)
        writer.write(picture)
        self.browser.wait_for_video({(0.5, 0.5): (20, 160, 60)})
        self.browser.wait_for("document.getElementById('viewer-numbers').textContent.includes('(120, 320, 3)')")
        self.assertRegex(self.value_in_the_middle(), r"^x 160  y 60 .*= \[20,160,60\]$")
        self.assertEqual(self.viewers(), {"whep": 1, "mjpeg": 0})

    def test_plays_jpegs_where_whep_does_not_come_about(self):
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:] = (200, 40, 40)
        writer = self.publish("cam0", picture)
        self.show()
        self.browser.run("window.RTCPeerConnection = class { constructor() { throw new Error('none'); } }; 0")
        self.open_large("cam0")
        self.browser.wait_for("document.getElementById('canvas').dataset.frame === '1'")
        self.assertEqual(self.browser.run("document.getElementById('canvas').width"), 64)
        np.testing.assert_allclose(self.browser.run(CANVAS % (30, 20))[:3], (200, 40, 40), atol=6)
        picture[:] = (20, 160, 60)
        writer.write(picture)
        self.browser.wait_for("document.getElementById('canvas').dataset.frame === '2'")
        np.testing.assert_allclose(self.browser.run(CANVAS % (30, 20))[:3], (20, 160, 60), atol=6)
        self.assertTrue(self.value_in_the_middle().endswith("= [20,160,60]"))
        self.assertRegex(self.browser.run("document.getElementById('viewer-numbers').textContent"), r"^[\d.]+ ms, ")
        self.browser.key("Escape", 27)
        self.browser.wait_for("!document.getElementById('viewer').open")
        self.wait_for(lambda: self.tags()["cam0"]["readers"] == 0, "nobody reads any more")

    def viewers(self):
        text = self.get("/metrics")[2].decode()
        return {protocol: int(count) for protocol, count in
                re.findall(r'ndsharray_serve_viewers{protocol="(whep|mjpeg)"} (\d+)', text)}

    def choose(self, what, value):
        self.browser.run(f"{{ const choice = document.getElementById('{what}'); choice.value = '{value}';"
                         "choice.dispatchEvent(new Event('change')); }")

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
                self.choose("map", "inferno")
                self.browser.wait_for(f"({CANVAS % (50, 25)})[0] > 200 && ({CANVAS % (50, 25)})[2] < 220")
                self.assertLessEqual(self.browser.run("document.getElementById('viewer').scrollWidth"), width, name)
                self.picture(name + "-tag")


if __name__ == "__main__":
    unittest.main()
