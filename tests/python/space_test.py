# SPDX-License-Identifier: BSD-3-Clause
"""A small /dev/shm: a Writer takes fewer slots, leaves room to others, and says so."""

import os
import subprocess
import sys
import tempfile
import unittest

#: Run where a file system of 16 MiB is mounted at NDSHARRAY_DIR, which only this process sees.
PROGRAM = """
import warnings
import numpy as np
import ndsharray

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    large = ndsharray.Writer("large")
    for _ in range(3):
        large.write(np.zeros((720, 1280, 3), "u1"))
assert [str(warning.category.__name__) for warning in said] == ["RuntimeWarning"], said
assert "only 3 frames instead of 8" in str(said[0].message), said[0]

warnings.simplefilter("ignore")
others = [ndsharray.Writer(f"small-{i}") for i in range(3)]
for other in others:
    other.write(np.zeros((480, 640, 3), "u1"))
try:
    ndsharray.Writer("too-much").write(np.zeros((720, 1280, 3), "u1"))
except ndsharray.Error as error:
    assert 'memory is held by tag "large"' in str(error), error
else:
    raise AssertionError("there was room for a fifth")
large.write(np.zeros((720, 1280, 3), "u1"))
"""

ENTER = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=16m ndsh "$NDSHARRAY_DIR" && exec "$@"', "sh"]


class Space(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ndsharray-test-")
        self.addCleanup(folder.cleanup)
        self.environment = dict(os.environ, NDSHARRAY_DIR=folder.name)

    def enter(self, *command):
        return subprocess.run([*ENTER, *command], env=self.environment, capture_output=True, text=True, timeout=60)

    def test_large_frames_leave_room_to_other_tags(self):
        if os.geteuid() != 0 or self.enter("true").returncode != 0:
            self.skipTest("it takes root to mount a small file system")
        done = self.enter(sys.executable, "-c", PROGRAM)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
