# SPDX-License-Identifier: BSD-3-Clause
"""ndsh prune by a timer of systemd: what the unit runs removes what a killed writer of another user left."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from ndsh import NDSH, NdshTest, frames

FOLDER = os.path.join(os.environ["SOURCE_ROOT"], "core", "cli", "systemd")

#: By `systemd-analyze security`, which gives 9.6 to a service that says nothing of its own.
MOST_EXPOSURE = 2.5


def text_of(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def service():
    return text_of("ndsh-prune.service.in").replace("@bindir@/ndsh ", NDSH + " ")


def settings_of(text):
    """What a unit says, the last of each name."""
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


class Units(NdshTest):
    def setUp(self):
        super().setUp()
        self.units = tempfile.mkdtemp(prefix="ndsh-units.")
        self.addCleanup(shutil.rmtree, self.units)
        for name, text in ("ndsh-prune.service", service()), ("ndsh-prune.timer", text_of("ndsh-prune.timer")):
            with open(os.path.join(self.units, name), "w", encoding="utf-8") as file:
                file.write(text)

    def analyze(self, *arguments):
        done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env=dict(os.environ, SYSTEMD_UNIT_PATH=self.units + ":"))
        return done.returncode, done.stdout + done.stderr

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_systemd_understands_them(self):
        for name in "ndsh-prune.service", "ndsh-prune.timer":
            code, said = self.analyze("verify", "--man=no", os.path.join(self.units, name))
            self.assertEqual(code, 0, said)
            self.assertNotIn("ndsh-prune", said)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_the_service_is_hardened(self):
        code, said = self.analyze("security", "--offline=true", os.path.join(self.units, "ndsh-prune.service"))
        exposure = re.search(r"exposure level for \S+: ([\d.]+)", said)
        self.assertIsNotNone(exposure, said)
        self.assertLessEqual(float(exposure[1]), MOST_EXPOSURE)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_the_timer_comes_every_hour(self):
        timer = settings_of(text_of("ndsh-prune.timer"))
        code, said = self.analyze("calendar", "--iterations=2", timer["OnCalendar"])
        self.assertEqual(code, 0, said)
        self.assertIn("*-*-* *:00:00", said)

    @unittest.skipUnless(os.geteuid() == 0, "only root removes what is other users'")
    def test_what_the_service_runs_removes_leftovers_of_other_users_and_nothing_else(self):
        self.leave_behind_as(12345, "theirs")
        self.leave_behind_as(23456, "others")
        self.leave_behind("own")
        self.publish("cam0", frames(), "--loop")
        living = [name for name in self.entries() if name.startswith("ndsh.cam0")]
        self.assertEqual(len(self.entries()), 9 + len(living))
        done = self.run_service()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("9 files", done.stdout)
        self.assertEqual(self.entries(), living)

    @unittest.skipUnless(os.geteuid() == 0, "only root removes what is other users'")
    def test_the_service_has_nothing_to_do_where_there_is_no_directory(self):
        self.environment["NDSHARRAY_DIR"] = self.path("missing")
        done = self.run_service()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("nothing to remove", done.stdout)

    def run_service(self):
        """Its command with no capabilities but its own."""
        unit = settings_of(service())
        own = "".join(f",+{name.lower().removeprefix('cap_')}" for name in unit["CapabilityBoundingSet"].split())
        self.assertTrue(own)
        limited = ["setpriv", f"--bounding-set=-all{own}", "--inh-caps=-all", "--no-new-privs"]
        return subprocess.run([*limited, *unit["ExecStart"].split()], capture_output=True, text=True, timeout=60,
                              check=False, env=self.environment)

    @unittest.skipUnless(shutil.which("systemd-tmpfiles"), "systemd is not installed")
    @unittest.skipUnless(os.geteuid() == 0, "systemd-tmpfiles wants root")
    def test_tags_are_not_removed_by_their_age(self):
        self.publish("cam0", frames(), "--loop")
        with open(self.path("other"), "w", encoding="utf-8"):
            pass
        shutil.move(self.path("other"), self.directory)
        rules = text_of("ndsharray.conf").replace("/dev/shm", self.directory)
        before = self.identities()
        self.assertIn("other", before)
        tags = {name: identity for name, identity in before.items() if name != "other"}
        for rule, left in (rules, tags), ("", {}):
            with self.subTest(rule):
                path = os.path.join(self.units, "tags.conf")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(rule + f"\ne {self.directory} - - - 0\n")
                subprocess.run(["systemd-tmpfiles", "--clean", path], check=True, timeout=60)
                # The writer soon makes the files anew.
                now = self.identities()
                self.assertEqual({name: now[name] for name in before if now.get(name) == before[name]}, left)

    def identities(self):
        return {entry.name: entry.inode() for entry in os.scandir(self.directory)}


if __name__ == "__main__":
    unittest.main()
