# SPDX-License-Identifier: BSD-3-Clause
"""Who may mirror what, loops, lists; and connections that break, in network namespaces."""
import os
import shutil
import signal
import time
import unittest

from machines import MIRROR, SHARE, MachinesTest, Network, needs_namespaces

WRITER = "writer = ndsharray.Writer('cam0')"
FRAME = "writer.write(np.arange(12, dtype=np.float32).reshape(3, 4))"


class Access(MachinesTest):
    def test_mirror_of_a_mirror_works_and_loops_are_refused(self):
        first, second, third = self.machines(3)
        first.program(WRITER, FRAME)
        address = first.share("--all").address
        second.mirror(address, "cam0", "--as", "b")
        behind = second.share("--all").address
        third.mirror(behind, "b", "--as", "c")
        reader = third.program("reader = ndsharray.Reader('c')")
        self.assertEqual(reader.run("reader.read(10).array.tolist()[2]"), [8, 9, 10, 11])
        first.mirror(behind, "b", "--as", "back").says("a loop")
        self.assertFalse([name for name in first.names() if "back" in name])

    def test_list_says_what_can_be_had_from_whom(self):
        there, here = self.machines(2)
        there.program(WRITER, FRAME)
        there.program("writer = ndsharray.Writer('secret')", FRAME)
        listed = here.run(MIRROR, there.share("cam0", "none").address)
        self.assertRegex(listed, r"cam0 +float32 \(3, 4\)")
        self.assertRegex(listed, "none +no writer")
        self.assertIn(os.uname().nodename, listed)
        self.assertNotIn("secret", listed)

    def test_name_without_an_address_is_told(self):
        here = self.machines(1)[0]
        self.assertIn("no address is known for that name", here.run(MIRROR, "nowhere.invalid", status=1))
        self.assertIn("nothing listens there", here.run(MIRROR, "127.0.0.1:1", status=1))

    def test_tag_that_is_not_shared_is_refused(self):
        there, here = self.machines(2)
        there.program("writer = ndsharray.Writer('secret')", FRAME)
        here.mirror(there.share("cam0").address, "secret").says('"secret" is not shared here')

    def test_other_machines_need_keys_or_open(self):
        there = self.machines(1)[0]
        self.assertIn("--make-keys", there.run(SHARE, "cam0", "--listen", "0.0.0.0:0", status=2))
        there.share("cam0", "--open", listen="0.0.0.0:0").says("^open: everybody")

    def test_signal_that_the_parent_ignores_ends_nothing(self):
        there, here = self.machines(2)
        there.inside = ["nohup"]
        share = there.share("cam0")
        share.process.send_signal(signal.SIGHUP)
        self.assertIn("no writer", here.run(MIRROR, share.address))
        self.assertEqual(share.end(), 0)

    def test_mirror_ends_when_nobody_reads_what_it_prints(self):
        there, here = self.machines(2)
        there.program(WRITER, FRAME)
        address = there.share("cam0").address
        said = here.run("bash", "-o", "pipefail", "-c",
                        f"timeout 15 {MIRROR} {address} cam0 --as mine --interval 0.05 | head -1")
        self.assertEqual(len(said.splitlines()), 1, said)
        self.assertEqual(here.names(), [])

    def test_mode_beyond_permissions_is_refused(self):
        here = self.machines(1)[0]
        self.assertIn("from 0 to 0777", here.run(MIRROR, "127.0.0.1:1", "cam0", "--permissions", "04777", status=2))

    def test_only_known_keys_come_in(self):
        there, here, stranger = self.machines(3)
        self.assertIn("mirror.key", there.run(SHARE, "--make-keys"))
        stranger.run(SHARE, "--make-keys")
        os.makedirs(f"{here.home}/.config/ndsharray")
        shutil.copy(f"{there.home}/.config/ndsharray/mirror.key", f"{here.home}/.config/ndsharray/mirror.key")
        there.program(WRITER, FRAME)
        address = there.share("cam0").address
        here.mirror(address, "cam0", "--as", "mine").says("follows")
        self.assertRegex(stranger.run(MIRROR, address, status=1), "no answer from .*key")
        self.assertRegex(stranger.run(MIRROR, address, "--open", status=1), "no answer from .*keys")


@needs_namespaces
class Connection(unittest.TestCase):
    def setUp(self):
        self.there, self.here = Network.between(self)

    def test_every_frame_comes_once_though_the_link_is_down_for_five_seconds(self):
        network = self.there.network
        share = self.there.share("cam0", "--open", listen=self.there.address)
        self.here.mirror(share.address, "cam0", "--as", "mirror", "--every", "--open")
        writer = self.there.program("writer = ndsharray.Writer('cam0', backpressure=True)", "writer.wait_for_reader(10)")
        reader = self.here.program("reader = ndsharray.Reader('mirror', mode='every')")
        writer.run("writer.write(np.zeros(5))")
        self.assertEqual(reader.run("reader.read(10).number"), 1)
        writer.tell("for i in range(400): writer.write(np.full((300, 1000), i % 256, np.uint8)); time.sleep(0.002)")
        numbers = reader.run("[reader.read(10).number for i in range(20)]")
        network.plug(self.here, "down")
        time.sleep(5)
        network.plug(self.here, "up")
        numbers += reader.run("[reader.read(15).number for i in range(380)]")
        self.assertEqual(numbers, list(range(2, 402)))

    def test_newest_frame_wins_on_a_link_that_is_too_small(self):
        self.there.network.limit(self.there, 100)
        share = self.there.share("cam0", "--open", listen=self.there.address)
        mirror = self.here.start(MIRROR, share.address, "cam0", "--as", "mirror", "--open", "--interval", "1")
        reader = self.here.program("reader = ndsharray.Reader('mirror')")
        writer = self.there.program(WRITER)
        writer.tell("for i in range(150): writer.write(np.full((1080, 1920), i, np.uint8)); time.sleep(1 / 30)")
        ages = reader.run("[reader.read(10).age_ms for i in range(12)]")
        self.assertLess(sorted(ages)[6], 600, "one frame takes 166 ms; nothing queues up")
        mirror.says(r"the link is too small: .* need \d+ Mbit/s, and \d+ Mbit/s came")
        self.assertGreater(reader.run("reader.stats")["missed"], 10)


if __name__ == "__main__":
    unittest.main()
