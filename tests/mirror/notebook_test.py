# SPDX-License-Identifier: BSD-3-Clause
"""The notebook of examples/ between two network namespaces, with the commands and addresses of its page."""
import os
import re
import unittest

from machines import DEADLINE, Network, needs_namespaces

ROOT = os.environ["SOURCE_ROOT"]


def blocks():
    """The lines for the machine with the cameras, and those for the other one."""
    with open(os.path.join(ROOT, "examples", "README.md"), encoding="utf-8") as file:
        section = file.read().split("\n## On another machine\n", 1)[1].split("\n## ", 1)[0]
    return [block.splitlines() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)]


def cells():
    with open(os.path.join(ROOT, "examples", "far_notebook.py"), encoding="utf-8") as file:
        return re.split(r"^# %%.*$", file.read(), flags=re.MULTILINE)


class Notebook(unittest.TestCase):
    def test_each_cell_is_a_piece_that_can_run_alone(self):
        self.assertGreater(len(cells()), 8)
        for cell in cells():
            compile(cell, "cell", "exec")


@needs_namespaces
class FarNotebook(unittest.TestCase):
    def test_reads_both_cameras_and_publishes_what_is_hot(self):
        there, here = Network.between(self, "10.0.0.7")
        on_there, on_here = blocks()
        for line in on_there:
            there.type(line)
        *mirrors, notebook = [here.type(line) for line in on_here]
        eye = here.program("reader = ndsharray.Reader('hot')",
                           "is_hot = lambda picture: picture[..., 0] > picture[..., 1] + np.uint8(64)",
                           "is_ball = lambda picture: picture[..., 1] > 100",
                           "pictures = [reader.read(60).copy() for i in range(20)]")
        self.assertEqual(notebook.process.wait(DEADLINE), 0, notebook.lines)
        # The ball, which is white, is hot: at least most of it, as the two cameras are not exactly at the same moment.
        for ball, hot, both in eye.run("[(int(is_ball(p).sum()), int(is_hot(p).sum()), int((is_ball(p) & is_hot(p)).sum()))"
                                       " for p in pictures]"):
            self.assertGreater(ball, 500)
            self.assertLess(hot, 720 * 1280 // 8)
            self.assertGreater(both, ball * 0.8)
        self.assertGreater(eye.run("len({np.argwhere(is_hot(p)).mean(axis=0).tobytes() for p in pictures})"), 5, "it moves")
        for pattern in (r"^10\.0\.0\.7\.cam0: uint8 \(720, 1280, 3\), attributes caps, mirror\.route$",
                        r"^10\.0\.0\.7\.thermal: uint16 \(120, 160\), attributes caps, mirror\.route$",
                        r"^10\.0\.0\.7\.cam0: [\d.]+ frames/s, \d+ missed, age p50 [\d.]+, p95 [\d.]+ ms, mean",
                        r"^hot: \d+ frames; the camera's frame was p50 [\d.]+, p95 [\d.]+ ms old when it was read, p50"):
            notebook.says(pattern)


if __name__ == "__main__":
    unittest.main()
