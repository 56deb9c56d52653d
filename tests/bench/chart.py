#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws a chart of a benchmark's results: chart.py RESULTS.json CHART.svg"""

import json
import pathlib
import sys
from html import escape

COLORS = {
    "ndsh": "#2f6db5",
    "shm": "#d98c3f",
    "unixfd": "#8a7bbd",
    "futex": "#9aa0a6",
    "memcpy": "#c3c7cb",
}
NAMES = {
    "ndsh": "ndshsink / ndshsrc",
    "shm": "shmsink / shmsrc",
    "unixfd": "unixfdsink / unixfdsrc",
    "futex": "floor: bare futex wake",
    "memcpy": "memcpy of one frame",
}
PANEL_WIDTH = 450
LABEL_WIDTH = 128
BAR_WIDTH = 230
BAR_HEIGHT = 13
GROUP_GAP = 9
HEAD = 62
PANEL_HEAD = 40


def paced(prefix=""):
    return [
        (f"vga-paced{prefix}", "640x480 GRAY8"),
        (f"1080p-paced{prefix}", "1080p RGB"),
        (f"4k-paced{prefix}", "4K NV12"),
    ]


def unpaced(suffix=""):
    return [
        (f"vga-unpaced{suffix}", "640x480 GRAY8"),
        (f"1080p-unpaced{suffix}", "1080p RGB"),
        (f"4k-unpaced{suffix}", "4K NV12"),
    ]


class Results:
    def __init__(self, results):
        self._rows = {
            (row["workload"], row["contender"]): row
            for row in results
            if row["rounds"] > 0 and not row["has_stalled"]
        }

    def number(self, workload, contender, field):
        row = self._rows.get((workload, contender))
        return row[field] if row else None

    def cpu_above_baseline(self, workload, contender):
        both = [self.cpu(workload, name) for name in (contender, "baseline")]
        return None if None in both else max(0, both[0] - both[1])

    def cpu(self, workload, contender):
        row = self._rows.get((workload, contender))
        return row and row["producer_cpu"] + row["consumer_cpu"]


def panels(results):
    readers = [("1080p-paced-4-readers", "1080p, 4 readers"), ("1080p-paced-16-readers", "1080p, 16 readers")]
    latency = lambda workload, contender: results.number(workload, contender, "latency_p50")
    frames = lambda workload, contender: results.number(workload, contender, "arrived_per_second")
    return [
        ("Latency, median, at 60 frames/s", "µs, less is better", paced() + readers, latency,
         ["ndsh", "shm", "unixfd", "futex", "memcpy"], False),
        ("CPU per frame above the same pipelines without sharing", "µs, both processes, less is better",
         paced() + readers, results.cpu_above_baseline, ["ndsh", "shm", "unixfd"], False),
        ("Lossless, as fast as possible, stamp only", "frames/s, more is better; each format has its own scale",
         unpaced(), frames, ["ndsh", "shm", "unixfd"], True),
        ("Lossless, as fast as possible, every byte written and read",
         "frames/s, more is better; each format has its own scale",
         unpaced("-every-byte"), frames, ["ndsh", "shm", "unixfd"], True),
    ]


def text(x, y, words, size=11, anchor="start", weight="normal", fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}" fill="{fill}">{escape(words)}</text>')


def number(value):
    return f"{value:,.0f}".replace(",", "\u202f") if value >= 100 else f"{value:.1f}"


def draw_panel(x, y, panel):
    """The panel's elements and the y below it."""
    title, unit, workloads, value_of, contenders, own_scales = panel
    drawn = [text(x, y + 14, title, 13, weight="bold"), text(x, y + 29, unit, fill="#666")]
    groups = []
    for workload, label in workloads:
        values = [(name, value_of(workload, name)) for name in contenders]
        values = [(name, value) for name, value in values if value is not None]
        if values:
            groups.append((label, values))
    # A memcpy is no transport: it may be longer than all the others, and is cut off.
    scale_of = lambda values: max([value for name, value in values if name != "memcpy"] + [1e-9])
    common = max([scale_of(values) for _, values in groups] + [1e-9])
    y += PANEL_HEAD
    for label, values in groups:
        drawn.append(text(x + LABEL_WIDTH - 8, y + len(values) * BAR_HEIGHT / 2 + 4, label, anchor="end"))
        scale = scale_of(values) if own_scales else common
        for name, value in values:
            width = max(1, BAR_WIDTH * min(1, value / scale))
            drawn.append(f'<rect x="{x + LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT - 2}" '
                         f'fill="{COLORS[name]}"/>')
            words = number(value) + (" …" if value > scale else "")
            drawn.append(text(x + LABEL_WIDTH + width + 5, y + BAR_HEIGHT - 4, words, 10))
            y += BAR_HEIGHT
        y += GROUP_GAP
    return drawn, y


def draw_legend(x, y, contenders):
    drawn = []
    for name in contenders:
        drawn.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLORS[name]}"/>')
        drawn.append(text(x + 15, y, NAMES[name]))
        x += 32 + 6.2 * len(NAMES[name])
    return drawn


def draw(report):
    results = Results(report["results"])
    present = {row["contender"] for row in report["results"] if row["rounds"] > 0}
    words = report["surroundings"]
    drawn = [text(16, 24, "Frames between processes: " + words["gstreamer"] + ", " + words["system"], 15,
                  weight="bold")]
    drawn += draw_legend(16, 46, [name for name in COLORS if name in present])
    below = [HEAD, HEAD]
    for place, panel in enumerate(panels(results)):
        column = place % 2
        row_top = max(below) if column == 0 else row_top
        elements, bottom = draw_panel(16 + column * (PANEL_WIDTH + 16), row_top, panel)
        drawn += elements
        below[column] = bottom + 14
    height = max(below) + 18
    drawn.append(text(16, height - 10, f'{words["processor"]}, {words["kernel"]}, {words["compiler"]}', 10,
                      fill="#666"))
    width = 2 * PANEL_WIDTH + 48
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" '
            f'height="{height:.0f}" font-family="Helvetica, Arial, sans-serif">\n'
            f'<rect width="{width}" height="{height:.0f}" fill="#fff"/>\n' + "\n".join(drawn) + "\n</svg>\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    results, chart = map(pathlib.Path, sys.argv[1:])
    if not results.exists():
        sys.exit(f"{results} is not there: run the benchmark first (meson test --benchmark)")
    chart.parent.mkdir(parents=True, exist_ok=True)
    chart.write_text(draw(json.loads(results.read_text())))


if __name__ == "__main__":
    main()
