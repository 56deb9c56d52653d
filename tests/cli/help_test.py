# SPDX-License-Identifier: BSD-3-Clause
"""What ndsh says of itself is true: examples run as printed, the manual page and completion know every option."""

import os
import re
import subprocess
import unittest

from ndsh import NDSH, NdshTest, frames

COMMANDS = "list info watch save publish prune".split()
SOURCE = os.path.join(os.environ["SOURCE_ROOT"], "core", "cli")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


class Help(NdshTest):
    def help_of(self, *command):
        return self.ndsh(*command, "--help")[0]

    def run_in_shell(self, line):
        environment = dict(self.environment, PATH=os.path.dirname(NDSH) + ":" + self.environment["PATH"])
        return subprocess.run(
            ["bash", "-c", line], cwd=self.files, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def test_examples_run_as_printed(self):
        self.publish("cam0", frames(), "--loop", "--rate", "200")
        for command in [[], *([name] for name in COMMANDS)]:
            examples = re.findall(r"^  ((?:timeout 2 )?ndsh .*)$", self.help_of(*command).split("Examples:")[1], re.M)
            self.assertGreaterEqual(len(examples), 2)
            for line in examples:
                with self.subTest(line):
                    film = os.path.join(self.files, "film.npy")
                    if " publish " in line:
                        self.save_array("film.npy", frames(5))
                    elif os.path.exists(film):
                        os.remove(film)
                    done = self.run_in_shell(line)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_examples_of_the_pages_run_as_printed(self):
        self.publish("cam0", frames(), "--loop", "--rate", "200")
        lines = []
        for page in "README.md", "core/cli/README.md":
            text = read(os.environ["SOURCE_ROOT"], page)
            on_page = [line.split("#")[0].strip() for line in text.splitlines() if line.startswith("ndsh ")]
            self.assertGreaterEqual(len(on_page), 5, page)
            lines += on_page
        for line in dict.fromkeys(lines):
            with self.subTest(line):
                # What goes on until Ctrl-C is ended like that.
                done = self.run_in_shell(f"timeout --signal=INT 3 {line}")
                self.assertIn(done.returncode, (0, 124), done.stdout + done.stderr)

    def test_help_fits_80_columns(self):
        for command in [[], *([name] for name in COMMANDS)]:
            for line in self.help_of(*command).splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_manual_page_and_completion_know_every_option(self):
        manual = read(SOURCE, "ndsh.1").replace("\\-", "-")
        completion = read(SOURCE, "ndsh.bash")
        for command in COMMANDS:
            self.assertIn(f".SS {command}\n", manual)
            known = re.search(rf"^ *{command}\) echo (.*) ;;$", completion, re.M).group(1).split()
            options = set(re.findall(r"^ +.*?(--[a-z-]+)", self.help_of(command).split("Options:")[1].split("\n\n")[0], re.M))
            self.assertEqual(set(known), options, command)
            for option in options:
                self.assertIn(option, manual)

    def test_version_is_printed(self):
        self.assertRegex(self.ndsh("--version")[0], r"^ndsh \d+\.\d+\.\d+\n$")

    def complete(self, *words):
        script = (
            f"source '{SOURCE}/ndsh.bash'; COMP_WORDS=(ndsh {' '.join(repr(w) for w in words)}); "
            f"COMP_CWORD={len(words)}; _ndsh; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
        return sorted(self.run_in_shell(script).stdout.split())

    def test_completes_commands_tags_options_and_files(self):
        self.publish("cam0", frames(), "--loop")
        self.leave_behind("old")
        self.save_array("film.npy", frames(1))
        self.assertEqual(self.complete(""), sorted([*COMMANDS, "mirror", "serve", "share"]))
        self.assertEqual(self.complete("p"), ["prune", "publish"])
        self.assertEqual(self.complete("info", ""), ["cam0"])
        self.assertEqual(self.complete("watch", "--interval", "1", "c"), ["cam0"])
        self.assertEqual(self.complete("prune", ""), ["cam0", "old"])
        self.assertEqual(self.complete("save", "--f"), ["--follow", "--force"])
        self.assertIn("film.npy", self.complete("publish", "cam0", "fi"))


if __name__ == "__main__":
    unittest.main()
