# SPDX-License-Identifier: BSD-3-Clause
"""32 and 64 bit exchange every kind of frame. `.ci/i386` builds the programs of 32 bit, and runs this."""
import os
import sys
import unittest

from follow_test import Comparison

sys.path.insert(0, os.path.join(os.environ["SOURCE_ROOT"], "examples"))
import mirror_peer  # noqa: E402  (it is an example, and no module that is installed)

OTHER = {name: os.path.join(os.environ["OTHER_PROGRAMS"], name) for name in ("ndsh-share", "ndsh-mirror", "everything")}


class WordSize(Comparison):
    def test_programs_are_of_32_bit(self):
        self.there.programs = OTHER
        share = self.there.share("cam0")
        with open(f"/proc/{share.process.pid}/maps", encoding="ascii") as file:
            self.assertLess(max(int(line.split("-")[0], 16) for line in file if "[vsyscall]" not in line), 1 << 32)

    def test_64_bit_has_each_frame_of_32_bit_with_all_that_it_holds(self):
        self.there.programs = OTHER
        self.compare_everything()

    def test_32_bit_has_each_frame_of_64_bit_with_all_that_it_holds(self):
        self.here.programs = OTHER
        self.compare_everything()

    def test_32_bit_is_decompressed_by_64_bit(self):
        self.there.programs = OTHER
        self.compare_everything("--compress", "zstd")

    def test_64_bit_is_decompressed_by_32_bit(self):
        self.here.programs = OTHER
        self.compare_everything("--compress", "zstd")

    def test_python_peer_reads_arrays_of_32_bit(self):
        self.there.programs = OTHER
        self.there.program("writer = ndsharray.Writer('cam0')", "writer.write(np.full((700, 500), 300, np.uint16))")
        peer = self.here.start(sys.executable, mirror_peer.__file__, self.there.share("cam0").address, "cam0", "1")
        self.assertEqual(peer.line(), "frame 1: uint16 (700, 500), mean 300.0")


if __name__ == "__main__":
    unittest.main()
