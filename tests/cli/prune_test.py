# SPDX-License-Identifier: BSD-3-Clause
"""ndsh prune removes what crashed writers left, and never a tag that lives."""

import os
import threading
import unittest

import ndsharray
from ndsh import NdshTest, frames


class Prune(NdshTest):
    def test_removes_what_a_killed_writer_left_and_says_so(self):
        self.leave_behind("old")
        left = self.entries()
        self.assertEqual(len(left), 3)
        dry = self.ndsh("prune", "--dry-run")[0].splitlines()
        self.assertEqual([line.split()[:3] for line in dry[:-1]], [["would", "remove", name] for name in left])
        self.assertEqual(self.entries(), left)
        out = self.ndsh("prune")[0].splitlines()
        self.assertEqual([line.split()[:2] for line in out[:-1]], [["removed", name] for name in left])
        self.assertEqual(out[-1].split(",")[0], "3 files")
        self.assertEqual(self.entries(), [])
        self.assertIn("nothing to remove", self.ndsh("prune")[0])

    def test_leaves_living_tags_and_other_files_alone(self):
        self.publish("cam0", frames(), "--loop")
        self.leave_behind("old")
        self.leave_behind("older")
        with open(os.path.join(self.directory, "other"), "w", encoding="utf-8"):
            pass
        living = [name for name in self.entries() if not name.startswith("ndsh.old")]
        self.ndsh("prune", "old")
        self.assertTrue(any(name.startswith("ndsh.older") for name in self.entries()))
        self.ndsh("prune")
        self.assertEqual(self.entries(), living)
        with ndsharray.Reader("cam0") as reader:
            self.assertIsNotNone(reader.read(10))

    @unittest.skipUnless(os.geteuid() == 0, "only root removes what is other users'")
    def test_root_removes_what_is_left_of_all_users(self):
        self.leave_behind_as(12345, "theirs")
        self.leave_behind_as(23456, "others")
        self.leave_behind("own")
        self.publish("cam0", frames(), "--loop")
        self.ndsh("prune")
        left = [name for name in self.entries() if "cam0" not in name]
        self.assertEqual(len(left), 6)
        dry = self.ndsh("prune", "--all-users", "--dry-run", "theirs")[0].splitlines()
        self.assertEqual(len(dry), 4)
        self.assertTrue(all(line.endswith("of 12345") for line in dry[:-1]), dry)
        out = self.ndsh("prune", "--all-users")[0]
        self.assertIn("6 files", out)
        self.assertEqual([name for name in self.entries() if "cam0" not in name], [])
        self.assertEqual(len(self.entries()), 3)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_only_root_prunes_for_all_users(self):
        self.prefix = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
        os.chmod(self.directory, 0o755)
        self.assertIn("only root", self.ndsh("prune", "--all-users", status=1)[1])

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_files_that_may_not_be_removed_are_an_error(self):
        self.leave_behind_as(12345, "theirs")
        os.chmod(self.directory, 0o755)
        before = self.entries()
        out, said = self.ndsh("prune", "--all-users", status=1)
        self.assertIn("cannot remove", said)
        self.assertNotIn("removed", out)
        self.assertEqual(self.entries(), before)

    def test_damaged_files_stay_and_are_an_error(self):
        with open(os.path.join(self.directory, "ndsh.bad"), "wb") as file:
            file.write(b"x" * 5000)
        self.leave_behind("old")
        error = self.ndsh("prune", status=1)[1]
        self.assertIn("ndsh.bad", error)
        self.assertEqual(self.entries(), ["ndsh.bad"])

    def test_writers_that_start_meanwhile_never_notice(self):
        stop = threading.Event()
        problems = []

        def prune():
            while not stop.is_set():
                try:
                    self.ndsh("prune")
                except AssertionError as error:
                    problems.append(error)

        pruning = threading.Thread(target=prune)
        pruning.start()
        try:
            for i in range(25):
                self.leave_behind("cam0") if i % 5 == 0 else None
                with ndsharray.Writer("cam0") as writer, ndsharray.Reader("cam0") as reader:
                    writer.write(frames(1)[0])
                    self.assertIsNotNone(reader.read(10))
                    self.assertEqual(len([name for name in self.entries() if name.startswith("ndsh.cam0")]), 3)
        finally:
            stop.set()
            pruning.join()
        self.assertEqual(problems, [])


if __name__ == "__main__":
    unittest.main()
