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

    def place_of(self, element, right, down):
        """On the screen, by parts of the width and height of a picture, which keeps its form within its element."""
        box = self.browser.run("(element => { const {x, y, width, height} = element.getBoundingClientRect();"
                               "const wide = element.videoWidth || element.width, high = element.videoHeight || element.height;"
                               f"return {{x, y, width, height, wide, high}}; }})(document.querySelector('{element}'))")
        scale = min(box["width"] / box["wide"], box["height"] / box["high"])
        return (box["x"] + box["width"] / 2 + (right - 0.5) * box["wide"] * scale,
                box["y"] + box["height"] / 2 + (down - 0.5) * box["high"] * scale)

    def value_in_the_middle(self):
        """What the page tells of where the pointer is."""
        x, y = self.place_of("#stage :not([hidden])", 0.5, 0.5)
        self.browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        return self.browser.wait_for("document.getElementById('pixel').textContent")

    def test_plays_a_tag_over_whep(self):
        picture = np.zeros((240, 320, 3), np.uint8)
        picture[:] = (200, 40, 40)
        writer = self.publish("cam0", picture)
        self.show()
        self.open_large("cam0")
        self.browser.play_over_whep("cam0")
        self.browser.wait_for_video({(0.25, 0.5): (200, 40, 40)})
        for left, right in (((20, 160, 60), (200, 200, 200)), ((30, 30, 30), (60, 60, 220)), ((220, 220, 60), (0, 0, 0))):
            picture[:, :160] = left
            picture[:, 160:] = right
            writer.write(picture)
            self.browser.wait_for_video({(0.25, 0.5): left, (0.75, 0.5): right})
        self.assertRegex(self.value_in_the_middle(), r"^x 160  y 120 .*= \[0,0,0\]$")
        self.browser.wait_for("/^[\\d.]+ m?s, .*WHEP$/.test(document.getElementById('viewer-numbers').textContent)")
        # A first session that came to nothing in time may still be told to end.
        self.wait_for(lambda: self.viewers() == {"whep": 1, "mjpeg": 0}, "one session is left")
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

    def test_plays_when_it_is_opened_again_before_its_closing_is_told(self):
        self.publish("cam0", np.full((240, 320, 3), 200, np.uint8))
        self.show()
        self.open_large("cam0")
        self.browser.run("document.getElementById('viewer').close(); document.querySelector('[data-tag=cam0]').click()")
        self.browser.wait_for("document.getElementById('viewer-numbers').textContent !== ''")
        self.browser.play_over_whep("cam0")

    def test_chooses_how_an_array_is_looked_at(self):
        volume = np.stack([np.full((8, 12), value, np.float32) for value in range(1, 6)])
        volume[:, :, 6:] += 10
        volume[1, 0, 0] = 1e6
        self.publish("volume", np.stack([volume] * 2))
        self.show()
        self.open_large("volume")
        self.browser.wait_for("document.querySelectorAll('#indices input').length === 2")
        self.browser.wait_for(f"({CANVAS % (2, 4)})[0] < 10 && ({CANVAS % (9, 4)})[0] > 245")
        # One element of the second plane is far from the others: it is white alone, until percentiles leave it out.
        self.browser.run("(input => { input.value = '1'; input.dispatchEvent(new Event('change')); })"
                         "(document.querySelectorAll('#indices input')[1])")
        self.choose("high", "100")
        self.browser.wait_for(f"({CANVAS % (0, 0)})[0] > 245 && ({CANVAS % (9, 4)})[0] < 10")
        self.assertRegex(self.value_in_the_middle(), r"\[0, 1, 4, 6\] = 12.0$")
        self.choose("high", "")
        self.browser.wait_for(f"({CANVAS % (9, 4)})[0] > 245")
        self.assertEqual(self.browser.errors, [])

    def test_has_a_key_for_the_full_screen_and_links_to_copy(self):
        self.publish("cam0", np.zeros((8, 12, 3), np.uint8))
        self.show()
        self.browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        self.open_large("cam0")
        own = f"{self.address}cam0"
        for name, link in (("WHEP", f"{own}/whep"), ("MJPEG", f"{own}/mjpeg"), ("JPEG", f"{own}.jpg"),
                           ("PNG", f"{own}.png"), ("NumPy", f"{own}.npy")):
            self.browser.run(f"[...document.querySelectorAll('#links button')].find(b => b.textContent === 'Copy {name} link').click()")
            self.browser.wait_for(f"navigator.clipboard.readText().then(text => text === '{link}')")
        self.browser.run("document.getElementById('stage').focus()")
        self.browser.key("f", 70)
        self.browser.wait_for("document.fullscreenElement?.id === 'stage'")
        self.browser.key("f", 70)
        self.browser.wait_for("document.fullscreenElement === null")
        self.assertEqual(self.browser.errors, [])

    def test_tells_values_exactly_by_pointer_finger_and_keyboard(self):
        array = np.arange(6 * 8, dtype=np.int64).reshape(6, 8) + 2**62
        writer = self.publish("big", array)
        self.show()
        self.open_large("big")
        self.browser.wait_for("document.getElementById('canvas').dataset.frame === '1'")
        self.assertEqual(self.value_in_the_middle(), f"x 4  y 3  [3, 4] = {array[3, 4]}")
        array[3, 4] = 2**63 - 1
        writer.write(array)
        self.browser.wait_for("document.getElementById('pixel').textContent === 'x 4  y 3  [3, 4] = 9223372036854775807'")
        self.browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
        self.browser.wait_for("document.getElementById('pixel').textContent === ''")
        # A finger that taps leaves at once, and the value stays.
        x, y = self.place_of("#canvas", 1 / 16, 1 / 12)
        self.browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.browser.wait_for(f"document.getElementById('pixel').textContent === 'x 0  y 0  [0, 0] = {array[0, 0]}'")
        self.browser.run("document.getElementById('stage').focus()")
        for key, code, place in (("ArrowRight", 39, (0, 1)), ("ArrowDown", 40, (1, 1)), ("ArrowLeft", 37, (1, 0)),
                                 ("ArrowLeft", 37, (1, 0)), ("ArrowUp", 38, (0, 0))):
            self.browser.key(key, code)
            text = f"x {place[1]}  y {place[0]}  [{place[0]}, {place[1]}] = {array[place]}"
            self.browser.wait_for(f"document.getElementById('pixel').textContent === '{text}'")
        self.browser.key("Escape", 27)
        self.wait_for(lambda: self.tags()["big"]["readers"] == 0, "nobody reads any more")
        self.assertEqual(self.browser.errors, [])

    def test_tells_values_of_pictures_that_leave_pixels_out(self):
        wide = np.arange(2 * 40_000, dtype=np.int32).reshape(2, 40_000)
        self.publish("wide", wide)
        self.show()
        self.open_large("wide")
        self.browser.wait_for("document.getElementById('canvas').dataset.frame === '1'")
        found = re.fullmatch(r"x (\d+)  y (\d+)  \[\2, \1\] = (\d+)", self.value_in_the_middle())
        self.assertIsNotNone(found)
        x, y, value = map(int, found.groups())
        self.assertEqual(value, wide[y, x])
        self.assertLess(abs(x - 20_000), 100)

    def test_plays_on_when_the_writer_is_killed_and_comes_back_in_another_size(self):
        process = self.writer_process("cam0", (240, 320, 3))
        self.show()
        self.browser.play_over_whep("cam0")
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
        self.assertRegex(self.browser.run("document.getElementById('viewer-numbers').textContent"), r"^[\d.]+ m?s, ")
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
        for number, pattern in enumerate(("smpte", "ball", "circular")):
            pipeline = subprocess.Popen(
                ["gst-launch-1.0", "-q", "videotestsrc", f"pattern={pattern}", "is-live=true", "!",
                 "video/x-raw,format=RGB,width=640,height=360,framerate=15/1", "!", "ndshsink", f"tag=cam{number}"])
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
