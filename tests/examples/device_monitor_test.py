# SPDX-License-Identifier: BSD-3-Clause
"""gst-device-monitor-1.0, called as gst/README.md says, and a program of its own find the tags."""

import os
import re
import signal
import unittest

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo  # noqa: E402

from programs import DEADLINE, ProgramTest

ROOT = os.environ["SOURCE_ROOT"]


def readme_commands():
    """The words of each gst-device-monitor-1.0 command in gst/README.md."""
    with open(os.path.join(ROOT, "gst", "README.md"), encoding="utf-8") as file:
        lines = re.findall(r"^gst-device-monitor-1.0 .*", file.read(), re.MULTILINE)
    return [line.split("#")[0].split() for line in lines]


def device_monitor():
    monitor = Gst.DeviceMonitor()
    monitor.add_filter("Video/Source", None)
    return monitor


def is_announced(monitor, tag):
    """Waits until a device of this tag appears; cameras may be announced as well."""
    bus = monitor.get_bus()
    while message := bus.timed_pop_filtered(DEADLINE * Gst.SECOND, Gst.MessageType.DEVICE_ADDED):
        properties = message.parse_device_added().get_properties()
        if properties and properties.get_string("ndsh.tag") == tag:
            return True
    return False


class DeviceMonitor(ProgramTest):
    @classmethod
    def setUpClass(cls):
        Gst.init(None)

    def setUp(self):
        super().setUp()
        self.lists, self.follows = readme_commands()
        outer = os.environ.get("NDSHARRAY_DIR")
        os.environ["NDSHARRAY_DIR"] = self.directory
        self.addCleanup(lambda: os.environ.pop("NDSHARRAY_DIR") and outer and os.environ.update(NDSHARRAY_DIR=outer))

    def write_frame(self, appsrc, caps):
        """One frame with these caps."""
        caps = Gst.Caps.from_string(caps + ",framerate=30/1")
        size = GstVideo.VideoInfo.new_from_caps(caps).size
        appsrc.emit("push-sample", Gst.Sample.new(Gst.Buffer.new_wrapped(bytes(size)), caps, None, None))

    def start_writer(self, tag, caps):
        return self.start("gst-launch-1.0", "--quiet", "videotestsrc", "is-live=true", "!", f"video/x-raw,{caps}", "!",
                          "ndshsink", f"tag={tag}")  # fmt: skip

    def start_follower(self):
        follower = self.start(*self.follows)
        self.assert_prints(follower, "Monitoring devices")
        return follower

    def test_lists_a_tag_with_caps_properties_and_a_launch_line(self):
        writer = self.start_writer("cam0", "format=RGB,width=320,height=240,framerate=30/1")
        follower = self.start_follower()
        self.assert_prints(follower, "cam0 (320x240 RGB, process ")
        output = self.output_of(self.start(*self.lists))
        for expected in (
            "video/x-raw, format=RGB, width=320, height=240, framerate=30/1",
            "ndsh.tag = cam0",
            "ndsh.shape = (240, 320, 3)",
            "ndsh.dtype = uint8",
            "ndsh.writer-pid = ",
            "ndsh.segment = ndsh.cam0.",
            "gst-launch-1.0 ndshsrc tag=cam0 ! ...",
        ):
            self.assertIn(expected, output)
        self.interrupt(writer)
        self.assert_nothing_left()

    def test_follows_a_tag_that_comes_changes_goes_and_dies(self):
        follower = self.start_follower()
        writer = self.start_writer("cam0", "format=RGB,width=320,height=240")
        self.assert_prints(follower, "Device found:")
        self.assert_prints(follower, "cam0 (320x240 RGB, process ")
        self.interrupt(writer)
        self.assert_prints(follower, "Device removed:")
        changing = Gst.parse_launch("appsrc name=in ! ndshsink sync=false tag=cam1")
        self.addCleanup(changing.set_state, Gst.State.NULL)
        changing.set_state(Gst.State.PLAYING)
        self.write_frame(changing.get_by_name("in"), "video/x-raw,width=64,height=48,format=NV12")
        self.assert_prints(follower, "cam1 (64x48 NV12, process ")
        self.write_frame(changing.get_by_name("in"), "video/x-raw,width=32,height=24,format=GRAY8")
        self.assert_prints(follower, "Device modified:")
        self.assert_prints(follower, "cam1 (32x24 GRAY8, process ")
        changing.set_state(Gst.State.NULL)
        self.assert_prints(follower, "Device removed:")
        killed = self.start_writer("cam2", "format=RGB,width=320,height=240")
        self.assert_prints(follower, "cam2 (320x240 RGB, process ")
        killed.send(signal.SIGKILL)
        self.assert_prints(follower, "Device removed:")

    def test_launch_line_that_it_prints_plays(self):
        writer = self.start_writer("cam0", "format=RGB,width=320,height=240")
        follower = self.start_follower()
        self.assert_prints(follower, "gst-launch-1.0 ndshsrc tag=cam0 ! ...")
        line = re.search(r"gst-launch-1.0 (ndshsrc .*) ! \.\.\.", follower.output()).group(1)
        self.output_of(self.start("gst-launch-1.0", *line.split(), "num-buffers=3", "!", "fakesink"))
        self.interrupt(writer)
        self.assert_nothing_left()

    def test_program_finds_and_plays_a_tag(self):
        writer = self.start_writer("cam0", "format=RGB,width=320,height=240")
        monitor = device_monitor()
        monitor.start()
        self.addCleanup(monitor.stop)
        self.assertTrue(is_announced(monitor, "cam0"))

        tags = {}
        for device in monitor.get_devices():
            properties = device.get_properties()
            if properties and properties.get_string("device.api") == "ndsh":
                tags[properties.get_string("ndsh.tag")] = device
        source = tags["cam0"].create_element(None)

        pipeline = Gst.Pipeline()
        sink = Gst.ElementFactory.make("fakesink", None)
        sink.set_property("num-buffers", 3)
        pipeline.add(source)
        pipeline.add(sink)
        self.assertTrue(source.link(sink))
        pipeline.set_state(Gst.State.PLAYING)
        ended = pipeline.get_bus().timed_pop_filtered(
            DEADLINE * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR
        )
        pipeline.set_state(Gst.State.NULL)
        self.assertEqual(ended.type, Gst.MessageType.EOS)
        self.interrupt(writer)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
