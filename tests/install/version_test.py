# SPDX-License-Identifier: BSD-3-Clause
"""The version stands in meson.build, and everything that tells it tells that one."""

import glob
import os
import re
import shutil
import subprocess
import sys
import unittest

import ndsharray

VERSION = os.environ["VERSION"]
BUILD_ROOT = os.environ["BUILD_ROOT"]


def run(*command, **variables):
    result = subprocess.run(
        command, env=dict(os.environ, **variables), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    return result.stdout if result.returncode == 0 else f"{result.returncode}: {result.stderr}"


class Version(unittest.TestCase):
    def test_python_tells_it(self):
        self.assertEqual(ndsharray.__version__, VERSION)

    def test_ndsh_tells_it(self):
        self.assertEqual(run("ndsh", "--version"), f"ndsh {VERSION}\n")

    def test_the_package_run_as_a_program_is_ndsh(self):
        self.assertEqual(run(sys.executable, "-m", "ndsharray", "--version"), f"ndsh {VERSION}\n")

    def test_the_package_without_ndsh_says_so(self):
        answer = run(sys.executable, "-m", "ndsharray", "--version", PATH="/nowhere")
        self.assertIn("1: ndsharray: the command ndsh is neither in the package nor on PATH", answer)

    def test_the_library_has_it_in_its_name(self):
        (library,) = glob.glob(os.path.join(BUILD_ROOT, "core", "libndsharray.so.*.*.*[0-9]"))
        self.assertEqual(os.path.basename(library), f"libndsharray.so.{VERSION}")

    def test_the_newest_entry_of_the_packages_changelog_is_about_it(self):
        changelog = os.path.join(os.environ["SOURCE_ROOT"], ".ci", "packaging", "debian", "changelog")
        with open(changelog, encoding="utf-8") as file:
            self.assertRegex(file.readline(), rf"^ndsharray \({re.escape(VERSION)}-\d+\) ")

    @unittest.skipUnless(shutil.which("pkg-config"), "no pkg-config")
    def test_pkg_config_tells_it(self):
        folder = os.path.join(BUILD_ROOT, "meson-private")
        self.assertEqual(run("pkg-config", "--modversion", "ndsharray", PKG_CONFIG_LIBDIR=folder).strip(), VERSION)

    @unittest.skipUnless("GST_PLUGIN_PATH" in os.environ and shutil.which("gst-inspect-1.0"), "built without GStreamer")
    def test_the_plugin_tells_it(self):
        fields = dict(line.split(None, 1) for line in run("gst-inspect-1.0", "ndsharray").splitlines() if len(line.split()) > 1)
        self.assertEqual(fields["Version"], VERSION)


if __name__ == "__main__":
    unittest.main()
