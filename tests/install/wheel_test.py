# SPDX-License-Identifier: BSD-3-Clause
"""A wheel asks for nothing that it does not bring, and works where it is installed. Run by `.ci/pip`."""

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import unittest
import uuid
import zipfile

# What every Linux with glibc has, and nothing else: what auditwheel allows.
OF_EVERY_LINUX = re.compile(r"(libc|libm|libstdc\+\+|libgcc_s|libpthread|librt|libdl|ld-linux[-\w]*)\.so\.\d")


def run(*command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if result.returncode != 0:
        raise AssertionError(f"{command}: {result.returncode}: {result.stderr}")
    return result.stdout


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.wheel = zipfile.ZipFile(os.environ["WHEEL"])
        cls.addClassCleanup(cls.wheel.close)
        folder = tempfile.TemporaryDirectory(prefix="wheel.")
        cls.addClassCleanup(folder.cleanup)
        cls.wheel.extractall(folder.name)
        paths = [os.path.join(folder.name, name) for name in cls.wheel.namelist()]
        cls.binaries = []
        for path in paths:
            with open(path, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    cls.binaries.append(path)

    def test_has_the_module_the_core_and_ndsh(self):
        names = {os.path.basename(path) for path in self.binaries}
        module = "_core" + sysconfig.get_config_var("EXT_SUFFIX")
        self.assertEqual(names, {module, "libndsharray-python.so", "ndsh"})
        self.assertIn("ndsharray/py.typed", self.wheel.namelist())
        self.assertIn("ndsharray/__init__.pyi", self.wheel.namelist())

    def test_asks_for_nothing_foreign(self):
        own = {os.path.basename(path) for path in self.binaries}
        for path in self.binaries:
            needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", "--wide", path))
            foreign = [name for name in needed if name not in own and not OF_EVERY_LINUX.fullmatch(name)]
            self.assertEqual(foreign, [], path)

    def test_finds_its_own_library_beside_it(self):
        for path in self.binaries:
            if path.endswith(".so") and "libndsharray" in path:
                continue
            dynamic = run("readelf", "--dynamic", "--wide", path)
            (places,) = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic)
            self.assertIn("$ORIGIN", places.split(":"), path)
            self.assertTrue(all(place.startswith("$ORIGIN") for place in places.split(":")), path)

    def test_needs_only_numpy(self):
        (name,) = (name for name in self.wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = self.wheel.read(name).decode()
        self.assertEqual(re.findall(r"^Requires-Dist: *([\w-]+)", metadata, re.MULTILINE), ["numpy"])


class Installed(unittest.TestCase):
    def setUp(self):
        self.tag = f"wheel-{uuid.uuid4().hex[:8]}"

    def test_three_lines_pass_an_array_between_processes(self):
        writer = subprocess.Popen(
            [sys.executable, "-c", f"import ndsharray, numpy; w = ndsharray.Writer('{self.tag}'); w.write(numpy.arange(6)); input()"],
            stdin=subprocess.PIPE,
        )
        try:
            read = f"import ndsharray; print(ndsharray.Reader('{self.tag}').read(timeout=20).array.sum())"
            self.assertEqual(run(sys.executable, "-c", read), "15\n")
        finally:
            writer.communicate(b"\n", timeout=20)

    def test_the_core_is_the_one_of_the_wheel(self):
        maps = run(sys.executable, "-c", "import ndsharray; print(open('/proc/self/maps').read())")
        self.assertEqual({os.path.basename(line) for line in maps.split() if "libndsharray" in line}, {"libndsharray-python.so"})

    def test_it_and_its_commands_have_one_version(self):
        version = run(sys.executable, "-c", "import ndsharray; print(ndsharray.__version__)")
        self.assertEqual(run(sys.executable, "-m", "ndsharray", "--version"), f"ndsh {version}")
        command = os.path.join(os.path.dirname(sys.executable), "ndsh")
        self.assertEqual(run(command, "--version"), f"ndsh {version}")


if __name__ == "__main__":
    unittest.main()
