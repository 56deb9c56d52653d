# SPDX-License-Identifier: BSD-3-Clause
"""What `meson install` puts in place is enough to build and run programs outside of this tree."""

import glob
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from programs import DEADLINE, ProgramTest


def run(command, **arguments):
    return subprocess.run(
        command, check=True, timeout=DEADLINE * 2, stdin=subprocess.DEVNULL, capture_output=True, text=True, **arguments
    ).stdout


def run_tool(command, **variables):
    """Runs a tool of the developer's: without the sanitizer that watches the programs of tests."""
    environment = dict(os.environ, **variables)
    environment.pop("LD_PRELOAD", None)
    return run(command, env=environment)


class InstalledTree(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="installed-tree.")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        run_tool(["meson", "install", "-C", os.environ["BUILD_ROOT"], "--no-rebuild", "--destdir", cls.root])
        cls.library_path = os.path.dirname(cls.installed("libndsharray.so.0"))
        cls.program_environment = dict(os.environ, LD_LIBRARY_PATH=cls.library_path)

    @classmethod
    def installed(cls, name):
        """Path of the one installed file with this name."""
        (path,) = glob.glob(f"{cls.root}/**/{name}", recursive=True)
        return path

    def flags(self):
        return shlex.split(
            run_tool(
                ["pkg-config", "--cflags", "--libs", "ndsharray"],
                PKG_CONFIG_SYSROOT_DIR=self.root,
                PKG_CONFIG_LIBDIR=os.path.dirname(self.installed("ndsharray.pc")),
                PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1",
                PKG_CONFIG_ALLOW_SYSTEM_LIBS="1",
            )
        )

    def build(self, name):
        """Compiles an example with nothing but pkg-config's flags; returns the program's path."""
        program = os.path.join(self.root, name)
        source = os.path.join(os.environ["SOURCE_ROOT"], "examples", f"{name}.cpp")
        compiler = shlex.split(os.environ["CXX"])
        run_tool([*compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", source, "-o", program, *self.flags()])
        return program

    def test_examples_build_with_pkg_config_and_run(self):
        self.environment["LD_LIBRARY_PATH"] = self.library_path
        reader = self.start(self.build("core_read"), "installed", "15")
        writer = self.start(self.build("core_publish"), "installed")
        self.assertEqual(self.report_in(self.output_of(reader))["frames"], 15)
        self.interrupt(writer)
        self.assert_nothing_left()

    @unittest.skipUnless(shutil.which("cmake"), "no CMake")
    def test_cmake_finds_it_and_builds_a_program_that_runs(self):
        folder = os.path.join(self.root, "by-cmake")
        os.mkdir(folder)
        with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as lists:
            lists.write(
                "cmake_minimum_required(VERSION 3.20)\nproject(program CXX)\nfind_package(ndsharray 0.1 REQUIRED)\n"
                "add_executable(program program.cpp)\ntarget_link_libraries(program ndsharray::ndsharray)\n"
            )
        with open(os.path.join(folder, "program.cpp"), "w", encoding="utf-8") as source:
            source.write("#include <ndsharray/ndsharray.hpp>\nint main() { return ndsharray::tags().size() > 1000; }\n")
        place = os.path.dirname(self.installed("ndsharrayConfig.cmake"))
        run_tool(["cmake", "-S", folder, "-B", folder, f"-Dndsharray_DIR={place}"])
        run_tool(["cmake", "--build", folder])
        run([os.path.join(folder, "program")], env=self.program_environment)

    @unittest.skipUnless(shutil.which("cmake"), "no CMake")
    def test_cmake_takes_the_versions_that_a_program_can_run_with(self):
        place = os.path.dirname(self.installed("ndsharrayConfig.cmake"))
        version = run_tool(["meson", "introspect", "--projectinfo", os.environ["BUILD_ROOT"]])
        major, minor, patch = re.search(r'"version": "(\d+)\.(\d+)\.(\d+)"', version).groups()
        same = f"{major}.{minor}.{patch}"
        other = f"{major}.{int(minor) - 1}" if major == "0" else f"{int(major) - 1}"
        taken = ["", major, f"{major}.{minor}", same, f"{same} EXACT", f"{other}...{same}", f"{other}...<{major}.{int(minor) + 1}"]
        refused = [other, f"{major}.{int(minor) + 1}", f"{major}.{minor}.{int(patch) + 1}", f"{int(major) + 1}", f"{other}...<{same}"]
        folder = os.path.join(self.root, "versions")
        os.mkdir(folder)
        with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as lines:
            lines.write("cmake_minimum_required(VERSION 3.20)\nproject(versions NONE)\n")
            for wish in taken + refused:
                lines.write(f'set(ndsharray_DIR "{place}")\n')  # where it is refused, CMake takes this back
                lines.write(f"find_package(ndsharray {wish} QUIET)\nmessage(STATUS \"{wish}: ${{ndsharray_FOUND}}\")\n")
        self.assertEqual(
            re.findall(r"^-- (.*): (\d)$", run_tool(["cmake", "-S", folder, "-B", folder]), re.MULTILINE),
            [(wish, "1") for wish in taken] + [(wish, "0") for wish in refused],
        )

    def test_every_header_compiles_on_its_own(self):
        headers = os.path.dirname(self.installed("ndsharray.hpp"))
        compiler = shlex.split(os.environ["CXX"])
        for header in sorted(os.listdir(headers)):
            run_tool([*compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", *self.flags(), os.path.join(headers, header)])

    @unittest.skipUnless(os.path.exists(os.path.join(os.environ["BUILD_ROOT"], "gst")), "built without GStreamer")
    def test_links_between_installed_pages_lead_to_installed_pages_and_pictures(self):
        pages = glob.glob(f"{self.root}/usr/share/doc/ndsharray/**/*.md", recursive=True)
        self.assertGreater(len(pages), 8)
        nowhere = []
        for page in pages:
            with open(page, encoding="utf-8") as text:
                links = re.findall(r"\]\(([^)#]+)", text.read())
            for link in links:
                of_the_page = re.search(r"\.(md|svg|png)$", link) and "://" not in link
                if of_the_page and not os.path.exists(os.path.join(os.path.dirname(page), link)):
                    nowhere.append((os.path.relpath(page, self.root), link))
        self.assertEqual(nowhere, [])

    def test_gst_inspect_finds_the_installed_elements(self):
        environment = dict(
            self.program_environment,
            GST_PLUGIN_PATH=os.path.dirname(self.installed("libgstndsharray.so")),
            GST_REGISTRY=os.path.join(self.root, "registry.bin"),
        )
        for element in "ndshsink", "ndshsrc":
            self.assertIn("tag", run(["gst-inspect-1.0", element], env=environment))


if __name__ == "__main__":
    unittest.main()
