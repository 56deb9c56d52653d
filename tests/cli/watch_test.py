# SPDX-License-Identifier: BSD-3-Clause
"""ndsh watch draws in place on a terminal, prints lines into a pipe, and leaves the terminal as it was."""

import datetime
import os
import re
import signal
import subprocess
import termios
import unittest

import ndsharray
from ndsh import NDSH, NdshTest, frames

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
HOME = "\x1b[H"


def screens(output):
    """What each drawing showed, as lines."""
    shown = []
    for part in output.split(HOME)[1:]:
        text = part.split("\x1b[J")[0]
        # The terminal makes \r\n of each \n.
        shown.append([re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", line) for line in text.split("\n")])
    return shown


class OnATerminal(NdshTest):
    def setUp(self):
        super().setUp()
        self.publish("cam0", frames(), "--loop", "--rate", "100")
        self.publish("a-tag-with-a-name-that-is-rather-long-for-80-columns", frames(), "--loop", "--rate", "100")

    def watch(self, *arguments, **size):
        terminal = self.on_terminal("watch", "--interval", "0.05", *arguments, **size)
        self.assertTrue(terminal.read_until(lambda out: len(screens(out)) >= 3), terminal.output)
        return terminal

    def assert_sane(self, terminal):
        self.assertEqual(terminal.output.count(ENTER), terminal.output.count(LEAVE))
        self.assertGreater(terminal.output.rindex(LEAVE), terminal.output.rindex(HOME))
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

    def test_draws_in_place_within_80_columns(self):
        with ndsharray.Reader("cam0") as reader:
            self.assertIsNotNone(reader.read(10))
            terminal = self.watch()
            terminal.press(b"\x03")
            self.assertEqual(terminal.end(), -signal.SIGINT)
        for lines in screens(terminal.output)[:3]:
            self.assertEqual(len(lines), 4)  # titles, two tags, a reader
            self.assertLessEqual(max(map(len, lines)), 80)
            self.assertTrue(lines[0].startswith("TAG "))
            self.assertIn("uint8 (6, 8, 3)", lines[1])
        # One screen: nothing but the drawing moves the cursor down.
        inside = terminal.output.split(ENTER)[1].split(LEAVE)[0]
        self.assertNotRegex(inside.replace("^C", ""), r"\x1b\[J[^\x1b]*\n")
        self.assert_sane(terminal)

    def test_follows_the_size_of_the_window(self):
        terminal = self.on_terminal("watch", "--interval", "60")
        self.assertTrue(terminal.read_until(lambda out: screens(out)))
        terminal.resize(2, 40)
        # Long before the next look.
        self.assertTrue(terminal.read_until(lambda out: len(screens(out)) >= 2 and "\x1b[J" in out.split(HOME)[-1]))
        lines = screens(terminal.output)[-1]
        self.assertLessEqual(len(lines), 2)
        self.assertLessEqual(max(map(len, lines)), 40)

    def test_every_way_to_end_leaves_the_terminal_as_it_was(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT:
            with self.subTest(number):
                terminal = self.watch()
                terminal.process.send_signal(number)
                self.assertEqual(terminal.end(), -number)
                self.assert_sane(terminal)
        terminal = self.on_terminal("watch", "--interval", "0.05", "--count", "3")
        self.assertEqual(terminal.end(), 0)
        self.assert_sane(terminal)

    def test_stopped_it_gives_the_terminal_back_and_goes_on(self):
        # A shell with job control; a line that is typed continues what was stopped.
        shell = ["bash", "-c", 'set -m; "$0" "$@"; read line; fg', NDSH, "watch", "--interval", "0.05"]
        for _ in range(5):
            terminal = self.command_on_terminal(shell)
            self.assertTrue(terminal.read_until(lambda out: len(screens(out)) >= 3), terminal.output)
            with open(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children", encoding="utf-8") as file:
                watch = int(file.read())
            terminal.press(b"\x1a")
            self.wait_for(lambda: self.state_of(watch) == "T", "being stopped")
            self.assertTrue(terminal.read_until(lambda out: HOME not in out.split(LEAVE)[-1]), repr(terminal.output[-100:]))
            terminal.press(b"\r")
            self.assertTrue(terminal.read_until(lambda out: HOME in out.split(LEAVE)[-1] and ENTER in out.split(LEAVE)[-1]))
            os.kill(watch, signal.SIGTERM)
            self.assertEqual(terminal.end(), 128 + signal.SIGTERM)
            self.assert_sane(terminal)

    def test_goes_on_where_no_shell_could_continue_it(self):
        terminal = self.watch()  # is the first process on its terminal
        terminal.press(b"\x1a")
        self.assertTrue(terminal.read_until(lambda out: LEAVE in out and HOME in out.split(LEAVE)[-1]), "is stopped")
        terminal.press(b"\x03")
        self.assertEqual(terminal.end(), -signal.SIGINT)
        self.assert_sane(terminal)

    @staticmethod
    def state_of(pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    def test_no_color_is_respected(self):
        self.assertIn("\x1b[1m", self.watch().output)
        self.environment["NO_COLOR"] = "1"
        self.assertNotIn("\x1b[1m", self.watch().output)


def time_of(line):
    return datetime.datetime.strptime(line["time"], "%H:%M:%S.%f")


class IntoAPipe(NdshTest):
    def test_prints_lines_of_key_and_value_and_no_control_sequences(self):
        self.publish("cam0", frames(), "--loop", "--rate", "100")
        with ndsharray.Reader("cam0") as reader:
            self.assertIsNotNone(reader.read(10))
            out, error = self.ndsh("watch", "--count", "3", "--interval", "0.3")
        self.assertEqual(error, "")
        self.assertNotIn("\x1b", out)
        lines = [dict(word.split("=", 1) for word in line.split()) for line in out.splitlines()]
        self.assertEqual(["reader" in line for line in lines], [False, True] * 3)
        for before, line in zip(lines[::2], lines[2::2]):
            published = int(line["published"]) - int(before["published"])
            seconds = (time_of(line) - time_of(before)).total_seconds() % 86400
            self.assertGreater(published, 0)
            self.assertAlmostEqual(float(line["frames_per_second"]) * seconds / published, 1, delta=0.3, msg=lines)
            self.assertLess(float(line["frames_per_second"]), 200, "twice what was asked for")
        for line in lines[1::2]:
            self.assertGreater(float(line["latency_us"]), 0)
            self.assertEqual(line["mode"], "latest")

    def test_counts_what_a_reader_misses(self):
        self.publish("cam0", frames(), "--loop", "--rate", "500")
        with ndsharray.Reader("cam0") as reader:
            self.assertIsNotNone(reader.read(10))
            watching = self.start("watch", "cam0", "--interval", "0.1")
            missed = 0
            while missed == 0:
                line = watching.stdout.readline()
                self.assertIn("tag=cam0", line)
                self.assertIsNotNone(reader.read(10))  # one of some fifty
                found = re.search(r"missed_per_second=([0-9.]+)", line)
                missed = float(found.group(1)) if found else 0
            self.assertEqual(self.end(watching), -signal.SIGTERM)

    def test_says_that_there_is_no_directory_and_waits_for_it(self):
        missing = self.environment["NDSHARRAY_DIR"] + "/missing"
        self.environment["NDSHARRAY_DIR"] = missing
        for arguments in [], ["cam0"]:
            _, error = self.ndsh("watch", "--count", "2", "--interval", "0.05", *arguments)
            self.assertIn(missing, error)
            self.assertEqual(error.count("\n"), 1)
        terminal = self.on_terminal("watch", "--interval", "0.05", columns=200)
        self.assertTrue(terminal.read_until(lambda out: len(screens(out)) >= 2), terminal.output)
        terminal.press(b"\x03")
        self.assertEqual(terminal.end(), -signal.SIGINT)
        self.assertTrue(any(missing in line for line in screens(terminal.output)[0]), terminal.output)

    def test_says_once_each_time_that_the_directory_is_gone(self):
        folder = self.path("folder")
        self.environment["NDSHARRAY_DIR"] = folder
        os.mkdir(folder)
        watching = subprocess.Popen([NDSH, "watch", "cam0", "--interval", "0.02"], env=self.environment, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(watching.wait)
        self.addCleanup(watching.kill)

        def see_some():
            for _ in range(5):
                self.assertIn("state=absent", watching.stdout.readline())

        see_some()
        for _ in range(2):
            os.rmdir(folder)
            self.assertIn(folder, watching.stderr.readline())
            see_some()
            os.mkdir(folder)
            see_some()
        watching.terminate()
        self.assertEqual(watching.communicate()[1], "")

    def test_waits_for_a_tag_that_is_not_there(self):
        watching = self.start("watch", "later", "--interval", "0.05")
        self.assertIn("tag=later state=absent", watching.stdout.readline())
        self.publish("later", frames(), "--loop")
        while "state=absent" in (line := watching.stdout.readline()):
            pass
        self.assertIn("tag=later state=", line)


if __name__ == "__main__":
    unittest.main()
