# SPDX-License-Identifier: BSD-3-Clause
"""What the library exports is its API, and what the packages say of it."""

import os
import re
import struct
import subprocess
import unittest

LIBRARY = os.environ["LIBRARY"]
PACKAGING = os.path.join(os.environ["SOURCE_ROOT"], ".ci", "packaging", "debian")


def run(*command, **arguments):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=30, **arguments).stdout


def exported():
    """Names as C++ has them."""
    names = [line.split()[2] for line in run("nm", "--dynamic", "--defined-only", LIBRARY).splitlines() if line.split()[1] != "A"]
    return set(run("c++filt", input="\n".join(name.split("@")[0] for name in names)).splitlines())


def promised():
    """What the symbols file has for a machine of this kind."""
    with open(os.path.join(PACKAGING, "libndsharray0.symbols"), encoding="utf-8") as file:
        lines = re.findall(r'^ \((\S+)\)"(.*)@NDSHARRAY_0" \S+$', file.read(), re.MULTILINE)
    other = f"arch-bits={96 - 8 * struct.calcsize('P')}"
    return {name for tags, name in lines if other not in tags.split("|")}


class Exports(unittest.TestCase):
    def test_only_the_api_is_exported(self):
        for name in exported():
            self.assertRegex(name, r"^((typeinfo|typeinfo name|vtable) for )?ndsharray::")
            self.assertNotIn("::Implementation::", name)

    def test_the_symbols_file_has_each_and_no_more(self):
        advice = "put a line for it, with the version that brings it, into .ci/packaging/debian/libndsharray0.symbols"
        self.assertEqual(sorted(exported() - promised()), [], advice)
        advice = "programs that use it will not start: see Versions in core/README.md"
        self.assertEqual(sorted(promised() - exported()), [], advice)


if __name__ == "__main__":
    unittest.main()
