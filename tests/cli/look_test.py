# SPDX-License-Identifier: BSD-3-Clause
"""ndsh list and ndsh info say what is there, to people and to programs."""

import json
import os
import subprocess
import unittest

import numpy as np

import ndsharray
from ndsh import NDSH, NdshTest, frames


class Look(NdshTest):
    def test_list_shows_each_live_tag_with_its_layout(self):
        writer = self.publish("cam0", frames(), "--loop", "--rate", "200")
        self.publish("cam1", frames(shape=(5,), dtype=np.float32), "--loop")
        self.leave_behind("old")
        lines = self.ndsh("list")[0].splitlines()
        self.assertEqual(lines[0].split(), ["TAG", "DTYPE", "SHAPE", "RATE/S", "READERS", "AGE", "WRITER", "MEMORY"])
        self.assertEqual([line.split()[0] for line in lines[1:]], ["cam0", "cam1"])
        self.assertRegex(lines[1], r" uint8 +\(6, 8, 3\) ")
        self.assertIn(str(writer.pid), lines[1])
        self.assertRegex(lines[2], r" float32 +\(5,\) ")
        self.assertEqual(self.ndsh("list", "--names")[0], "cam0\ncam1\n")
        dead = [line for line in self.ndsh("list", "--all")[0].splitlines() if line.startswith("old ")]
        self.assertIn("dead", dead[0])

    def test_json_has_the_same_names_for_list_and_info(self):
        writer = self.publish("cam0", frames(), "--loop", "--backpressure")
        listed = json.loads(self.ndsh("list", "--json")[0])
        info = self.info("cam0")
        self.assertEqual([set(entry) for entry in listed], [set(info)])
        self.assertEqual(info["writer_pid"], writer.pid)
        self.assertEqual(info["array"]["shape"], [6, 8, 3])
        self.assertEqual(info["array"]["dtype"], "uint8")
        self.assertEqual((info["alive"], info["state"], info["backpressure"]), (True, "live", True))
        self.assertEqual(info["permissions"], "0600")
        self.assertGreater(info["memory_bytes"], 0)

    def test_readers_are_listed_with_what_they_got(self):
        self.publish("cam0", frames(), "--loop")
        with ndsharray.Reader("cam0", mode="every") as reader:
            got = [reader.read(10) for _ in range(3)]
            self.assertTrue(all(frame is not None for frame in got))
            (entry,) = self.info("cam0")["readers"]
            self.assertEqual((entry["pid"], entry["mode"], entry["alive"]), (os.getpid(), "every", True))
            self.assertEqual(entry["frames"], 3)
            self.assertGreater(entry["latency_ns"], 0)
            self.assertIn(f"{os.getpid()}", self.ndsh("info", "cam0")[0])
            del got

    def test_readers_are_unknown_to_who_may_not_open_their_table(self):
        self.publish("cam0", frames(), "--loop")
        os.chmod(os.path.join(self.directory, "ndsh.cam0.readers"), 0)
        self.prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        with ndsharray.Reader("cam0") as reader:
            self.assertIsNotNone(reader.read(10))
            self.assertEqual(self.ndsh("list")[0].splitlines()[1].split()[6], "?")
            self.assertIsNone(json.loads(self.ndsh("info", "--json", "cam0")[0])["readers"])
            self.assertRegex(self.ndsh("info", "cam0")[0], r"\nreaders +unknown")
            self.assertIn(" readers=unknown ", self.ndsh("watch", "--count", "1")[0])

    def test_rate_is_that_of_the_writer(self):
        self.publish("cam0", frames(), "--loop", "--rate", "50")
        self.wait_for(lambda: 25 < self.info("cam0")["rate"] < 75, "a rate near 50")

    def test_what_others_wrote_does_not_reach_the_terminal(self):
        hostile = "\x1b[2J\x1b]0;title\x07\n\x9b"
        with ndsharray.Writer("evil", attributes={"caps": hostile, hostile: "x"}) as writer:
            writer.write(np.zeros((3, 3), np.uint8))
            output = self.ndsh("info", "evil")[0] + self.ndsh("list")[0]
            self.assertEqual([c for c in output if (c < " " and c != "\n") or c > "~"], [])
            self.assertEqual(self.info("evil")["attributes"]["caps"], hostile)

    def test_damaged_and_strange_files_are_reported_not_fatal(self):
        self.publish("good", frames(), "--loop")
        os.mkdir(os.path.join(self.directory, "ndsh.folder"))
        os.mkfifo(os.path.join(self.directory, "ndsh.fifo"))
        os.symlink("/etc/passwd", os.path.join(self.directory, "ndsh.link"))
        with open(os.path.join(self.directory, "ndsh.garbage"), "wb") as file:
            file.write(os.urandom(8192))
        out, error = self.ndsh("list")
        self.assertEqual(len(out.splitlines()), 2)
        self.assertIn("4 tags cannot be read", error)
        self.assertNotIn("no tags", self.ndsh("list", "--owner", "65533")[1])
        out = self.ndsh("list", "--all")[0]
        for name in "folder", "fifo", "link", "garbage":
            self.assertIn(f"ndsh.{name}", out)
            self.ndsh("info", name, status=1)
            self.ndsh("watch", name, "--count", "1", status=1)
        self.ndsh("watch", "--count", "2", "--interval", "0.01")
        self.assertEqual(len(json.loads(self.ndsh("list", "--json", "--all")[0])), 5)

    def test_exit_status_tells_what_was_wrong(self):
        self.assertIn("nope", self.ndsh("info", "nope", status=3)[1])
        for usage, named in (
            ("", "subcommand"), ("bogus", "bogus"), ("--bogus", "bogus"), ("list --bogus", "bogus"),
            ("info", "tag"), ("info a/b", "a/b"), ("watch --interval x", "--interval"),
            ("watch --count -1", "--count"), ("watch --count 0", "--count"),
        ):
            with self.subTest(usage):
                self.assertIn(named, self.ndsh(*usage.split(), status=2)[1])
        self.ndsh("info", "cam0", "--owner", "no-such-user-anywhere", status=2)

    def test_a_directory_that_cannot_be_listed_is_not_taken_for_empty(self):
        self.environment["NDSHARRAY_DIR"] = self.save_array("file.npy", frames())
        for command in ["list"], ["list", "--json"], ["prune"], ["watch", "--count", "1"]:
            with self.subTest(command):
                out, error = self.ndsh(*command, status=1)
                self.assertEqual(out, "")
                self.assertIn(f"cannot list the directory {self.path('file.npy')}", error)
        self.environment["NDSHARRAY_DIR"] = self.path("missing")
        self.assertIn(f"no directory {self.path('missing')}", self.ndsh("list")[1])

    def test_a_closed_pipe_ends_it_quietly(self):
        for i in range(3):
            self.leave_behind(f"tag{i}")
        for command in "list --all --json", "watch --interval 0.01", "--help":
            with self.subTest(command):
                done = subprocess.run(
                    ["bash", "-c", f"set -o pipefail; '{NDSH}' {command} | head -1"],
                    capture_output=True, text=True, env=self.environment, timeout=30, check=False,
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(len(done.stdout.splitlines()), 1)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(
                [NDSH, "list", "--json"], stdout=full, stderr=subprocess.PIPE, env=self.environment, check=False
            )
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
