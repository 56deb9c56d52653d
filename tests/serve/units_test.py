# SPDX-License-Identifier: BSD-3-Clause
"""The units of systemd: it understands them, they are hardened, and a camera that is stopped leaves nothing."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from serve import DEADLINE, SERVE

FOLDER = os.path.join(os.environ["SOURCE_ROOT"], "gst", "serve", "systemd")
UNITS = ("ndsh-serve.service", "ndsh-camera@.service")

#: By `systemd-analyze security`, which gives 9.6 to a service that says nothing of its own.
MOST_EXPOSURE = 2.5


def text_of(unit):
    with open(os.path.join(FOLDER, unit + ".in"), encoding="utf-8") as file:
        text = file.read()
    return text.replace("@bindir@/ndsh-serve", SERVE).replace("@bindir@/ndsh ", os.environ["NDSH"] + " ")


class Units(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ndsh-units.")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for unit in UNITS:
            with open(self.path(unit), "w", encoding="utf-8") as file:
                file.write(text_of(unit))

    def path(self, unit):
        return os.path.join(self.folder, unit.replace("@", "@cam0"))

    def analyze(self, *arguments):
        done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=DEADLINE)
        return done.returncode, done.stdout + done.stderr

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_systemd_understands_them(self):
        for unit in UNITS:
            code, said = self.analyze("verify", "--man=no", self.path(unit))
            self.assertEqual(code, 0, said)
            self.assertNotIn(unit.split("@")[0], said)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_they_are_hardened(self):
        for unit in UNITS:
            code, said = self.analyze("security", "--offline=true", self.path(unit))
            exposure = re.search(r"exposure level for \S+: ([\d.]+)", said)
            self.assertIsNotNone(exposure, said)
            self.assertLessEqual(float(exposure[1]), MOST_EXPOSURE, unit)

    def test_the_server_may_use_encoders_of_the_hardware(self):
        settings = re.findall(r"^(\w+)=(.*)$", text_of("ndsh-serve.service"), re.MULTILINE)
        self.assertNotIn(("PrivateDevices", "yes"), settings)
        self.assertIn(("SupplementaryGroups", "video render"), settings)
        self.assertEqual({value for key, value in settings if key == "DeviceAllow"}, {"char-video4linux rw", "char-drm rw"})

    def wait_for_frames(self, tag, tags):
        end = time.monotonic() + DEADLINE
        while True:
            info = subprocess.run([os.environ["NDSH"], "info", "--json", tag], capture_output=True, text=True,
                                  env=dict(os.environ, NDSHARRAY_DIR=tags))
            if info.returncode == 0 and json.loads(info.stdout)["published"] > 1:
                return
            self.assertLess(time.monotonic(), end, "the camera did not start")
            time.sleep(0.02)

    def test_a_camera_that_is_stopped_leaves_nothing(self):
        unit = dict(re.findall(r"^(ExecStart|KillSignal)=(.*)$", text_of("ndsh-camera@.service"), re.MULTILINE))
        pipeline = "videotestsrc is-live=true ! video/x-raw,width=64,height=48 ! ndshsink tag=cam0"
        command = unit["ExecStart"].replace("$PIPELINE", pipeline).split()
        tags = os.path.join(self.folder, "tags")
        os.mkdir(tags)
        camera = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ, NDSHARRAY_DIR=tags),
                                  preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(camera.wait)
        self.addCleanup(camera.kill)
        # While it starts, gst-launch-1.0 does not handle the signal yet, or hangs at it, whatever the sink is.
        self.wait_for_frames("cam0", tags)
        camera.send_signal(getattr(signal, unit["KillSignal"]))
        camera.wait(DEADLINE)
        self.assertEqual(os.listdir(tags), [])


if __name__ == "__main__":
    unittest.main()
