# SPDX-License-Identifier: BSD-3-Clause
"""The pages say what the elements and the examples say, wherever a page stands."""

import os
import re
import textwrap
import unittest

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

ROOT = os.environ["SOURCE_ROOT"]
SKIPPED = {"build", "subprojects"}


def pages():
    """Every page of the sources, by its path from the root."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(("build", ".")) and name not in SKIPPED]
        for name in names:
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def anchor_of(heading):
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def unindented(text):
    """The text with the same indentation everywhere, to compare excerpts."""
    return "\n".join(line.strip() for line in textwrap.dedent(text).strip().splitlines())


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        Gst.init(None)
        cls.pages = {path: read(path) for path in pages()}

    def test_the_first_page_is_short(self):
        self.assertLessEqual(len(self.pages["README.md"].splitlines()), 150)

    def table_under(self, heading):
        """Names in the first column of the table below a heading of the elements' page."""
        section = self.pages["gst/README.md"].split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
        return set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))

    def test_property_tables_name_every_property_of_the_elements(self):
        for element in "ndshsink", "ndshsrc":
            instance = Gst.ElementFactory.make(element, None)
            self.assertIsNotNone(instance, f"no element {element}")
            own = {p.name for p in instance.list_properties() if p.owner_type == instance.__gtype__}
            self.assertEqual(self.table_under(f"### `{element}`"), own)

    def test_code_is_taken_from_the_examples(self):
        for page, least in ("README.md", 2), ("gst/README.md", 4), ("core/README.md", 2), ("core/python/README.md", 5):
            excerpts = re.findall(r"<!-- from (\S+) -->\n```\w+\n(.*?)```", self.pages[page], re.DOTALL)
            self.assertGreaterEqual(len(excerpts), least, page)
        for page, text in self.pages.items():
            for path, excerpt in re.findall(r"<!-- from (\S+) -->\n```\w+\n(.*?)```", text, re.DOTALL):
                with self.subTest(page=page, path=path):
                    self.assertIn(unindented(excerpt), unindented(read(path)))

    def test_links_lead_to_files(self):
        for page, text in self.pages.items():
            for link, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", text):
                if "://" in link:
                    continue
                target = os.path.normpath(os.path.join(os.path.dirname(page), link)) if link else page
                self.assertTrue(os.path.exists(os.path.join(ROOT, target)), f"{page} links to {link}")
                if anchor and target in self.pages:
                    headings = re.findall(r"^#+ (.*)$", self.pages[target], re.MULTILINE)
                    self.assertIn(anchor, [anchor_of(heading) for heading in headings], f"{page} links to {target}")

    def test_no_page_is_out_of_reach_of_the_first(self):
        seen, ways = set(), ["README.md"]
        while ways:
            page = ways.pop()
            if page in seen or page not in self.pages:
                continue
            seen.add(page)
            for link in re.findall(r"\]\(([^)#\s]+)", self.pages[page]):
                ways.append(os.path.normpath(os.path.join(os.path.dirname(page), link)))
        self.assertEqual(set(self.pages) - seen, set())

    def test_launch_lines_use_properties_that_exist(self):
        for line in re.findall(r"^gst-launch-1.0 .*", "\n".join(self.pages.values()), re.MULTILINE):
            for stage in line.split(" ! "):
                words = stage.split()
                for element in "ndshsink", "ndshsrc":
                    if element in words:
                        instance = Gst.ElementFactory.make(element, None)
                        for name in re.findall(r"([a-z-]+)=", stage[stage.index(element) :]):
                            self.assertIsNotNone(instance.find_property(name), f"{name} in: {line}")


if __name__ == "__main__":
    unittest.main()
