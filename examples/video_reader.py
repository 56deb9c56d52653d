#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads the video under a tag into a Python program: video_reader.py TAG [FRAMES]

Prints the mean brightness of each frame. Needs Debian's python3-gi and gir1.2-gst-plugins-base-1.0.
"""

import sys
from typing import Optional

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo  # noqa: E402


def mean_brightness(buffer: Gst.Buffer, info: GstVideo.VideoInfo) -> float:
    """Mean of a GRAY8 picture; its rows may be padded."""
    mapped, memory = buffer.map(Gst.MapFlags.READ)
    if not mapped:
        raise RuntimeError("the frame cannot be mapped")
    pixels, stride = memory.data, info.stride[0]
    total = sum(sum(pixels[y * stride : y * stride + info.width]) for y in range(info.height))
    buffer.unmap(memory)
    return float(total / (info.width * info.height))


def read(pipeline: Gst.Pipeline, frames: Optional[int]) -> int:
    """Prints frames until `frames` have arrived or the stream ends; returns how many arrived."""
    sink, bus = pipeline.get_by_name("sink"), pipeline.get_bus()
    arrived = 0
    while arrived != frames and not sink.get_property("eos"):
        if message := bus.pop_filtered(Gst.MessageType.ERROR):
            raise RuntimeError(message.parse_error()[0].message)
        sample = sink.emit("try-pull-sample", 200 * Gst.MSECOND)
        if sample is None:
            continue
        arrived += 1
        buffer = sample.get_buffer()
        info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
        print(
            f"{info.width}x{info.height} at {buffer.pts / Gst.SECOND:.3f} s, "
            f"mean {mean_brightness(buffer, info):.1f}",
            flush=True,
        )
    return arrived


def main() -> int:
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: video_reader.py TAG [FRAMES]")
    Gst.init(None)
    pipeline = Gst.parse_launch(
        "ndshsrc name=source ! videoconvert ! video/x-raw,format=GRAY8 "
        "! appsink name=sink sync=false max-buffers=1"
    )
    pipeline.get_by_name("source").set_property("tag", sys.argv[1])
    pipeline.set_state(Gst.State.PLAYING)
    print(f"waiting for {sys.argv[1]}", flush=True)
    try:
        return 0 if read(pipeline, int(sys.argv[2]) if len(sys.argv) == 3 else None) else 1
    except KeyboardInterrupt:
        return 0
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, gi.repository.GLib.Error) as error:
        sys.exit(f"{error}")
