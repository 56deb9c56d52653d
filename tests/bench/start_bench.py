#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Processor time of a start: three frames of 1080p RGB into each sink in turn, then the end, in a process of its own.

    tests/bench/start_bench.py BUILD [BUILD...]

Prints the median of each in milliseconds: of fakesink, shmsink, and ndshsink of each build folder. The first start of each,
which fills caches, does not count."""
import os
import resource
import statistics
import subprocess
import sys
import tempfile

CAPS = "video/x-raw,format=RGB,width=1920,height=1080,framerate=30/1"
ROUNDS = 22


def processor_time(sink, environment):
    # shmsink often fails when it is stopped, all frames written.
    may_fail = sink.startswith("shmsink")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["gst-launch-1.0", "--quiet", *f"videotestsrc num-buffers=3 pattern=black ! {CAPS} ! {sink}".split()],
                   env=environment, check=not may_fail, stderr=subprocess.DEVNULL if may_fail else None, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main(*builds):
    with tempfile.TemporaryDirectory() as folder:
        sinks = {"fakesink": ("fakesink sync=false", {}),
                 "shmsink": (f"shmsink socket-path={folder}/socket shm-size=50000000 wait-for-connection=false sync=false", {})}
        for number, build in enumerate(builds):
            sinks[f"ndshsink of {build}"] = (f"ndshsink sync=false tag=start-bench-{os.getpid()}", {
                "GST_PLUGIN_PATH": os.path.join(os.path.abspath(build), "gst"), "GST_REGISTRY": f"{folder}/registry{number}"})
        times = {name: [] for name in sinks}
        for _ in range(ROUNDS + 1):
            for name, (sink, variables) in sinks.items():
                times[name].append(processor_time(sink, {**os.environ, **variables}))
        for name, measured in times.items():
            print(f"{name}: {statistics.median(measured[1:]):.1f} ms")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
