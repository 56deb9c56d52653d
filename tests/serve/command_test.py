# SPDX-License-Identifier: BSD-3-Clause
"""`ndsh serve` starts ndsh-serve, and what it says of itself is true."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.request

from serve import DEADLINE, SERVE

NDSH = os.environ["NDSH"]


class Command(unittest.TestCase):
    def ndsh(self, *arguments, path=os.path.dirname(SERVE)):
        return subprocess.run([NDSH, *arguments], capture_output=True, text=True, timeout=DEADLINE,
                              env=dict(os.environ, PATH=path))

    def test_ndsh_serve_is_ndsh_serve(self):
        version = self.ndsh("serve", "--version")
        self.assertEqual((version.returncode, version.stdout[:11]), (0, "ndsh-serve "))
        self.assertEqual(self.ndsh("serve", "--none").returncode, 2)

    def test_the_one_beside_ndsh_comes_first(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(NDSH, os.path.join(folder, "ndsh"))
            beside = os.path.join(folder, "ndsh-serve")
            with open(beside, "w", encoding="utf-8") as file:
                file.write('#!/bin/sh\necho "beside $*"\n')
            os.chmod(beside, 0o755)
            said = subprocess.run([os.path.join(folder, "ndsh"), "serve", "--http", "1"], capture_output=True, text=True,
                                  timeout=DEADLINE)
        self.assertEqual(said.stdout, "beside --http 1\n")

    def test_where_it_is_missing_ndsh_says_what_to_install(self):
        said = self.ndsh("serve", path="/nonexistent")
        self.assertEqual(said.returncode, 1)
        self.assertIn("-Dserve=enabled", said.stderr)
        self.assertIn("libsoup-3.0-dev", said.stderr)

    def test_manual_page_and_completion_know_every_option(self):
        with open(os.path.join(os.environ["SOURCE_ROOT"], "gst", "serve", "ndsh-serve.1"), encoding="utf-8") as file:
            manual = file.read().replace("\\-", "-")
        options = set(re.findall(r"^ +.*?(--[a-z-]+)", self.ndsh("serve", "--help").stdout.split("Examples:")[0], re.M))
        self.assertIn("--listen", options)
        for option in options:
            self.assertIn(option, manual)
        with open(os.path.join(os.environ["SOURCE_ROOT"], "core", "cli", "ndsh.bash"), encoding="utf-8") as file:
            completion = re.search(r"^ *serve\) echo (.*) ;;$", file.read(), re.M)[1].split()
        self.assertEqual(set(completion), options)

    def test_it_says_once_that_there_is_no_directory_and_shows_the_tags_once_there_is(self):
        with tempfile.TemporaryDirectory() as folder:
            missing = os.path.join(folder, "missing")
            environment = dict(os.environ, NDSHARRAY_DIR=missing)
            with subprocess.Popen([SERVE, "--http", "0", "--no-rtsp"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env=environment) as server:
                self.addCleanup(server.kill)
                tags = server.stdout.readline().strip() + "api/tags"
                self.assertIn(f"no directory {missing}", server.stderr.readline())
                for _ in range(3):
                    with urllib.request.urlopen(tags, timeout=DEADLINE) as answer:
                        self.assertEqual(json.load(answer), [])
                os.mkdir(missing)
                with urllib.request.urlopen(tags, timeout=DEADLINE) as answer:
                    self.assertEqual(json.load(answer), [])
                server.terminate()
                self.assertEqual(server.communicate(timeout=DEADLINE)[1], "")

    def test_signals_end_it_well(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with subprocess.Popen([SERVE, "--http", "0", "--rtsp", "0"], stdout=subprocess.PIPE, text=True,
                                  preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as server:
                server.stdout.readline()
                server.send_signal(number)
                self.assertEqual(server.wait(DEADLINE), 0)


if __name__ == "__main__":
    unittest.main()
