# SPDX-License-Identifier: BSD-3-Clause
"""README.md says what the elements and the examples say."""

import os
import re
import textwrap
import unittest

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

ROOT = os.environ["SOURCE_ROOT"]


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def unindented(text):
    """The text with the same indentation everywhere, to compare excerpts."""
    return "\n".join(line.strip() for line in textwrap.dedent(text).strip().splitlines())


class Readme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        Gst.init(None)
        cls.text = read("README.md")

    def table_under(self, heading):
        """Names in the first column of the table below a heading."""
        section = self.text.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
        return set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))

    def test_property_tables_name_every_property_of_the_elements(self):
        for element in "ndshsink", "ndshsrc":
            instance = Gst.ElementFactory.make(element, None)
            self.assertIsNotNone(instance, f"no element {element}")
            own = {p.name for p in instance.list_properties() if p.owner_type == instance.__gtype__}
            self.assertEqual(self.table_under(f"### `{element}`"), own)

    def test_code_is_taken_from_the_examples(self):
        excerpts = re.findall(r"<!-- from (\S+) -->\n```\w+\n(.*?)```", self.text, re.DOTALL)
        self.assertGreaterEqual(len(excerpts), 4)
        for path, excerpt in excerpts:
            with self.subTest(path=path):
                self.assertIn(unindented(excerpt), unindented(read(path)))

    def test_links_lead_to_files(self):
        for path in ["README.md", "examples/README.md"]:
            for link in re.findall(r"\]\(([^)#]+)[^)]*\)", read(path)):
                if "://" not in link:
                    target = os.path.join(ROOT, os.path.dirname(path), link)
                    self.assertTrue(os.path.exists(target), f"{path} links to {link}")

    def test_launch_lines_use_properties_that_exist(self):
        for line in re.findall(r"^gst-launch-1.0 .*", self.text, re.MULTILINE):
            for stage in line.split(" ! "):
                words = stage.split()
                for element in "ndshsink", "ndshsrc":
                    if element in words:
                        instance = Gst.ElementFactory.make(element, None)
                        for name in re.findall(r"([a-z-]+)=", stage[stage.index(element) :]):
                            self.assertIsNotNone(instance.find_property(name), f"{name} in: {line}")


if __name__ == "__main__":
    unittest.main()
