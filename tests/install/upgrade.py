#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Upgrades the packages while a writer and a reader run. Run by debian_test.py in a system that has the older ones in /older, and the
new ones in /debs."""

import os
import re
import signal
import subprocess
import sys
import time

DEADLINE = 60

# Tells each frame of two tags: one that is there, and one that only the new packages write.
READ = """
import threading, ndsharray
def read(tag):
    for frame in ndsharray.Reader(tag):
        print(tag, frame.number, flush=True)
for tag in "old", "new":
    threading.Thread(target=read, args=(tag,)).start()
"""

PIPELINE = ["gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "!", "video/x-raw,format=RGB,width=320,height=240", "!", "ndshsink"]


def wait_for(what, condition):
    deadline = time.monotonic() + DEADLINE
    while not (found := condition()):
        if time.monotonic() > deadline:
            sys.exit(f"in {DEADLINE} s not seen: {what}")
        time.sleep(0.05)
    return found


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=600).stdout


def last_frame(tag):
    with open("/frames", encoding="utf-8") as frames:
        numbers = re.findall(rf"^{tag} (\d+)$", frames.read(), re.MULTILINE)
    return int(numbers[-1]) if numbers else 0


def goes_on(tag):
    before = last_frame(tag)
    return wait_for(f"30 frames of {tag} after {before}", lambda: last_frame(tag) >= before + 30)


def library_of(process):
    with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
        return {line.split(None, 5)[5].strip() for line in maps if "libndsharray.so" in line}


def version():
    return run("dpkg-query", "--show", "--showformat=${Version}", "libndsharray0")


with open("/frames", "a", encoding="utf-8") as frames:
    reader = subprocess.Popen([sys.executable, "-c", READ], stdout=frames)
writer = subprocess.Popen([*PIPELINE, "tag=old"])
processes = [reader, writer]
try:
    goes_on("old")
    before, at = version(), last_frame("old")
    run("sh", "-c", "DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends /debs/*.deb")
    after, then = version(), last_frame("old")
    print(f"upgraded {before} to {after} between the frames {at} and {then}")
    assert run("dpkg", "--compare-versions", before, "lt", after) == ""
    goes_on("old")
    for process in processes:
        assert all("(deleted)" in path for path in library_of(process)), library_of(process)

    # What is new reads the old writer,
    assert "old" in run("ndsh", "list", "--names").split()
    run("ndsh", "save", "old", "/saved.npy", "--count", "30")
    run("gst-launch-1.0", "-q", "ndshsrc", "tag=old", "num-buffers=30", "!", "fakesink")
    read = "import ndsharray; r = ndsharray.Reader('old'); print(sum(r.read(timeout=20).array.shape == (240, 320, 3) for _ in range(30)))"
    assert run(sys.executable, "-c", read) == "30\n"
    # the old reader reads a new writer,
    new = subprocess.Popen([*PIPELINE, "tag=new"])
    processes.append(new)
    goes_on("new")
    assert not any("(deleted)" in path for path in library_of(new))
    # and a new writer takes over the tag of the old one, which crashed.
    writer.kill()
    writer.wait()
    taken_over = last_frame("old")
    with open("/frames", "a", encoding="utf-8") as frames:
        print("old 0", file=frames, flush=True)
    processes.append(subprocess.Popen([*PIPELINE, "tag=old"]))
    goes_on("old")
    print(f"the reader of {before} went on from frame {taken_over} of the old writer with a new one")
    assert reader.poll() is None
finally:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT if process is not reader else signal.SIGKILL)
        process.wait()
left = [name for name in os.listdir("/dev/shm") if name.startswith("ndsh.")]
assert left == [], left
