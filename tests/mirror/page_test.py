# SPDX-License-Identifier: BSD-3-Clause
"""The lines of core/mirror/README.md as they are printed there, between two machines with the addresses of the page."""
import os
import re
import shutil
import unittest

from machines import DEADLINE, Network, needs_namespaces, wait_for


def lines(heading):
    """Of the first block below a heading, without what is said beside them."""
    with open(os.path.join(os.environ["SOURCE_ROOT"], "core", "mirror", "README.md"), encoding="utf-8") as file:
        section = file.read().split(f"# {heading}\n", 1)[1]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]
    return [line.split("#")[0].strip() for line in block.splitlines()]


@needs_namespaces
class Page(unittest.TestCase):
    def setUp(self):
        self.there, self.here = Network.between(self, "10.0.0.7")
        self.make_keys, self.share, self.list, self.mirror = lines("Arrays on other machines: `ndsh share` and `ndsh mirror`")

    def camera(self, tag):
        self.there.type(f"gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,format=RGB,width=1280,height=720,framerate=30/1 "
                        f"! ndshsink tag={tag}")

    def carry_key(self):
        self.there.type(self.make_keys).says("stays here; copy")
        os.makedirs(f"{self.here.home}/.config/ndsharray")
        shutil.copy(f"{self.there.home}/.config/ndsharray/mirror.key", f"{self.here.home}/.config/ndsharray/mirror.key")

    def test_first_lines_bring_a_tag_to_the_other_machine(self):
        self.carry_key()
        self.camera("cam0")
        self.camera("thermal")
        self.there.type(self.share).says("shares cam0, thermal at 10.0.0.7:7447")
        wait_for(lambda: {"ndsh.cam0", "ndsh.thermal"} <= set(self.there.names()), "both tags")
        def listed():
            listing = self.here.type(self.list)
            listing.process.wait(DEADLINE)
            listing.thread.join(DEADLINE)
            return all(re.search(rf"^{tag} +uint8 \(720, 1280, 3\) +[\d.]+ +[\d.]+ +\S", "\n".join(listing.lines), re.M)
                       for tag in ("cam0", "thermal"))
        wait_for(listed, "a list with the arrays, which come with the first frames")
        self.here.type(self.mirror).says("follows cam0 of 10.0.0.7:7447")
        reader = self.here.program("reader = ndsharray.Reader('edge-7.cam0')")
        self.assertEqual(reader.run("reader.read(10).array.shape"), (720, 1280, 3))

    def test_lines_for_smaller_frames_send_smaller_frames(self):
        self.carry_key()
        scale, share = lines("Less when less fits")
        self.camera("cam0")
        self.there.type(scale)
        self.there.type(share).says("shares cam0-small at 10.0.0.7:7447")
        self.here.type(self.mirror.replace("cam0", "cam0-small"))
        reader = self.here.program("reader = ndsharray.Reader('edge-7.cam0-small')")
        self.assertEqual(reader.run("frame = reader.read(10); frame.array.shape"), (360, 640, 3))
        self.assertIn("width=(int)640", reader.run("frame.attributes['caps']"))


if __name__ == "__main__":
    unittest.main()
