# SPDX-License-Identifier: BSD-3-Clause
"""What pip asks of the sources keeps what Meson has found only as long as it is there."""

import os
import pathlib
import sys
import tempfile
import types
import unittest

PACKAGING = os.path.join(os.environ["SOURCE_ROOT"], "core", "python", "packaging")


class BuildFolder(unittest.TestCase):
    def setUp(self):
        """Each is in a folder of its own, with a meson-python that notes where it is to build."""
        folder = tempfile.TemporaryDirectory(prefix="build-backend-test.")
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        self.addCleanup(os.environ.update, PATH=os.environ["PATH"])
        os.chdir(folder.name)
        mesonpy = types.ModuleType("mesonpy")
        mesonpy.build_sdist = mesonpy.get_requires_for_build_sdist = mesonpy.get_requires_for_build_wheel = None
        mesonpy.build_wheel = lambda wheels, settings: settings["builddir"]
        sys.modules["mesonpy"] = mesonpy
        self.addCleanup(sys.modules.pop, "mesonpy")
        sys.path.insert(0, PACKAGING)
        self.addCleanup(sys.path.remove, PACKAGING)
        import ndsharray_build

        self.addCleanup(sys.modules.pop, "ndsharray_build")
        self.build = lambda: pathlib.Path(ndsharray_build.build_wheel("wheels"))

    def enter(self, name):
        """An environment of pip: pybind11 is in a place of its own."""
        tool = pathlib.Path(name, "pybind11-config").absolute()
        tool.parent.mkdir(exist_ok=True)
        tool.write_text("#!/bin/sh\n", encoding="utf-8")
        tool.chmod(0o755)
        os.environ["PATH"] = f"{tool.parent}:/usr/bin:/bin"

    def test_is_kept_within_an_environment(self):
        self.enter("environment")
        found = self.build() / "found"
        found.touch()
        self.assertEqual(self.build(), found.parent)
        self.assertTrue(found.exists())

    def test_is_new_in_another_environment(self):
        self.enter("environment")
        found = self.build() / "found"
        found.touch()
        self.enter("another")
        self.assertEqual(self.build(), found.parent)
        self.assertFalse(found.exists())

    def test_is_not_that_of_an_editable_installation(self):
        """That is used until it is uninstalled."""
        self.enter("environment")
        installed = self.build().parent / "editable" / "ndsharray"
        installed.mkdir(parents=True)
        self.enter("another")
        self.build()
        self.assertTrue(installed.exists())


if __name__ == "__main__":
    unittest.main()
