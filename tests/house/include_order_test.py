# SPDX-License-Identifier: BSD-3-Clause
"""A room uses the rooms below it and never one above: reads the includes of core/src and gst, and fails where one
goes up. HOUSE is the picture in core/README.md and gst/README.md as lists, from top to bottom."""
import os
import re
import sys
import unittest

ROOT = os.environ["SOURCE_ROOT"]

HOUSE = {
    "core/src": ["discovery", "writer", "reader", "v1", "protocol", "frame", "process", "platform", "array", "testing"],
    # serve is a program on the elements; the elements' rooms follow a frame from the sink's pad to the source's. pch is no
    # room: what a compiler reads before the files of all of them, and so uses none.
    "gst": ["serve", "sink", "source", "devices", "metadata", "memory", "video", "time", "pch"],
}
# Neither writer and reader nor sink and source know one another, although one stands above the other in the list.
STRANGERS = [("core/src", "writer", "reader"), ("gst", "sink", "source"), ("gst", "serve", "sink")]
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def sources(base):
    for folder, _, names in os.walk(os.path.join(ROOT, base)):
        for name in names:
            if name.endswith((".cpp", ".hpp", ".h", ".c")):
                path = os.path.join(folder, name)
                yield os.path.relpath(path, os.path.join(ROOT, base)), path


def includes(path):
    with open(path, encoding="utf-8") as file:
        return INCLUDE.findall(file.read())


def faults(base, rooms, files):
    """Of (file, its includes), those that go up, with a sentence each."""
    found = []
    for file, included in files:
        room = file.split(os.sep)[0] if os.sep in file else None
        if room is not None and room not in rooms:
            found.append(f"{base}/{file}: {room} is no room; HOUSE in this test has them")
            continue
        for target in included:
            other = target.split("/")[0] if "/" in target else None
            if target.startswith(".."):
                found.append(f"{base}/{file} includes {target} by the way up; write it from {base}")
            if other not in rooms or room is None:
                continue
            if rooms.index(other) < rooms.index(room) or (base, room, other) in STRANGERS:
                found.append(f"{base}/{file} includes {target}: {other} stands above {room} or beside it")
    return found


class IncludeOrder(unittest.TestCase):
    def test_no_room_uses_one_above_it(self):
        for base, rooms in HOUSE.items():
            files = [(file, includes(path)) for file, path in sources(base)]
            self.assertGreater(len(files), 20, f"no sources found in {base}")
            self.assertEqual(faults(base, rooms, files), [])

    def test_core_knows_neither_glib_nor_the_elements(self):
        for base in ["core/src", "core/include"]:
            for file, path in sources(base):
                for target in includes(path):
                    self.assertNotRegex(target, r"^(glib|gst|gio)", f"{base}/{file}")

    def test_elements_use_the_public_headers_of_core_only(self):
        for file, path in sources("gst"):
            for target in includes(path):
                room = target.split("/")[0] if "/" in target else None
                self.assertTrue(room in HOUSE["gst"] or room not in HOUSE["core/src"], f"gst/{file} includes {target}")

    def test_an_include_that_goes_up_is_found(self):
        rooms = HOUSE["core/src"]
        for file, target in [("protocol/slots.cpp", "writer/segments.hpp"), ("platform/file.cpp", "frame/copy.hpp"),
                             ("writer/writer.cpp", "reader/reader.hpp"), ("reader/reader.cpp", "../v1/reader.hpp"),
                             ("attic/old.cpp", "array/array.hpp")]:
            self.assertEqual(len(faults("core/src", rooms, [(file, [target])])), 1, (file, target))
        self.assertEqual(faults("core/src", rooms, [("writer/writer.cpp", ["protocol/slots.hpp", "vector"])]), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
