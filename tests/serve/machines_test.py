# SPDX-License-Identifier: BSD-3-Clause
"""From another machine: players and the page see what is written on this one."""
import os
import unittest

import numpy as np

import chromium
import coded
from machines import SERVER, TwoMachines
from player import Player
from rtsp import RtspTest
from serve import DEADLINE

GI_PYTHON = os.environ.get("GI_PYTHON")


def gray(value, shape=(240, 320, 3)):
    return np.full(shape, value, np.uint8)


class OtherMachine(TwoMachines, RtspTest):
    def setUp(self):
        super().setUp()
        self.serve("--rtsp", "0", "--listen", SERVER, "--open")
        self.cam = self.publish("cam0", gray(50))

    def test_sees_the_picture_over_rtsp(self):
        picture = gray(50)
        coded.draw(picture, 0x5a0ff0a5)
        self.cam.write(picture)
        for protocol in ("tcp", "udp"):
            with self.subTest(protocol):
                player = Player(self.url(), protocol, (320, 240), prefix=self.on_client)
                self.addCleanup(player.kill)
                player.until(lambda picture: coded.read(picture) == 0x5a0ff0a5, "what was drawn")
                player.kill()

    @unittest.skipUnless(GI_PYTHON, "python3-gi is not installed")
    def test_sees_the_picture_over_whep(self):
        from whep_players_test import Player as WhepPlayer
        for listen in (SERVER, "0.0.0.0"):
            with self.subTest(listen):
                self.stop()
                self.serve("--listen", listen, "--open")
                self.address = self.address.replace("0.0.0.0", SERVER)
                player = WhepPlayer(self, "cam0", prefix=self.on_client)
                self.cam.write(gray(50))
                for value in (50, 90, 200):
                    self.cam.write(gray(value))
                    player.until_value(value)
                self.assertEqual(player.close(), 0)

    @unittest.skipUnless(chromium.PATH, "Chromium is not installed")
    def test_sees_the_picture_in_a_page_whose_browser_hides_its_addresses(self):
        browser = chromium.Chromium(DEADLINE, self.on_client, hides_addresses=True)
        self.addCleanup(browser.close)
        browser.open(self.address)
        browser.wait_for("document.querySelector('[data-tag=cam0] img')?.naturalWidth > 0")
        browser.play_over_whep("cam0")
        for value in (50, 90, 200):
            self.cam.write(gray(value))
            browser.wait_for_video({(0.5, 0.5): (value,) * 3})
        # Browsers give the clipboard itself to pages of this machine, or over TLS.
        self.assertFalse(browser.run("isSecureContext"))
        browser.run("document.execCommand = () => { window.copied = document.activeElement.value; return true; }; 0")
        browser.run("document.querySelector('#links button').click()")
        self.assertEqual(browser.wait_for("window.copied"), self.url())
        browser.wait_for("document.querySelector('#links button').textContent === 'Copied'")
        browser.run("document.execCommand = () => false; document.querySelectorAll('#links button')[1].click()")
        browser.wait_for(f"document.querySelectorAll('#links button')[1].textContent === '{self.address}cam0/whep'")
        self.assertEqual(browser.errors, [])


if __name__ == "__main__":
    unittest.main()
