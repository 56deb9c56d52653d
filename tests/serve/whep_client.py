# SPDX-License-Identifier: BSD-3-Clause
"""A WHEP player on webrtcbin. It prints a line of JSON for each step of the connection, and for each picture that differs
from the one before: its width, height and how red its middle is. `whep_client.py URL` plays until its input ends, and leaves by DELETE;
`whep_client.py URL COUNT` connects so often, one after the other, until a picture comes;
`whep_client.py URL lies` plays with another certificate than it says."""
import json
import re
import sys
import threading
import time
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

FORMAT = ("application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=102,packetization-mode=(string)1,"
          "profile-level-id=(string)42e01f")
DECODER = "rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=RGB ! appsink name=sink sync=false"


class Player:
    def __init__(self, url, lies=False):
        self.url = url
        self.lies = lies  # of its certificate
        self.session = None
        self.last = None
        self.seen = threading.Event()
        self.began = time.monotonic()
        self.pipeline = Gst.Pipeline()
        self.webrtc = Gst.ElementFactory.make("webrtcbin")
        self.webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.webrtc.set_property("latency", 0)
        self.ice = self.webrtc.get_property("ice-agent")
        if urllib.parse.urlsplit(url).hostname == "127.0.0.1":
            # libnice sends what comes from another address out of the machine, where 127.0.0.1 is not.
            self.ice.emit("add-local-ip-address", "127.0.0.1")
        self.pipeline.add(self.webrtc)
        self.webrtc.connect("pad-added", self.pad_added)
        self.webrtc.connect("notify::ice-gathering-state", self.gathered)
        self.webrtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(FORMAT))
        self.pipeline.set_state(Gst.State.PLAYING)
        self.webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, promise):
        promise.wait()
        reply = promise.get_reply()  # which owns the offer
        self.webrtc.emit("set-local-description", reply.get_value("offer"), None)
        tell(offered=time.monotonic() - self.began)

    def gathered(self, *_):
        tell(gathering=self.webrtc.get_property("ice-gathering-state").value_nick, after=time.monotonic() - self.began)
        if self.webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            threading.Thread(target=self.post, daemon=True).start()

    def post(self):
        description = self.webrtc.get_property("local-description")
        offer = description.sdp.as_text()
        if self.lies:
            offer = re.sub("(sha-256 )(..)", lambda found: found[1] + ("00" if found[2] != "00" else "01"), offer)
        request = urllib.request.Request(self.url, offer.encode(), {"Content-Type": "application/sdp"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.session = urllib.parse.urljoin(self.url, answer.headers["Location"])
            _, sdp = GstSdp.SDPMessage.new_from_text(answer.read().decode())
        tell(answered=time.monotonic() - self.began)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.webrtc.emit("set-remote-description", description, None)

    def pad_added(self, _, pad):
        tell(connected=time.monotonic() - self.began)
        decoder = Gst.parse_bin_from_description(DECODER, True)
        sink = decoder.get_by_name("sink")
        sink.set_property("emit-signals", True)
        sink.connect("new-sample", self.sample)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def sample(self, sink):
        sample = sink.emit("pull-sample")
        structure = sample.get_caps().get_structure(0)
        width, height = structure.get_value("width"), structure.get_value("height")
        buffer = sample.get_buffer()
        # Rows are padded to four bytes.
        value = buffer.extract_dup((height // 2) * (3 * width + 3 & ~3) + 3 * (width // 2), 1)[0]
        if (width, height, value) != self.last:
            self.last = width, height, value
            self.seen.set()
            tell(width=width, height=height, value=value, after=time.monotonic() - self.began)
        return Gst.FlowReturn.OK

    def close(self):
        if self.session:
            urllib.request.urlopen(urllib.request.Request(self.session, method="DELETE"), timeout=20).close()
        self.pipeline.set_state(Gst.State.NULL)


def tell(**what):
    # In one piece: several threads tell.
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def play(url, lies):
    """Until the input ends."""
    loop = GLib.MainLoop()
    player = Player(url, lies)
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()
    player.close()


def connect(url, times):
    """Again and again, each time until there is a picture."""
    for _ in range(times):
        player = Player(url)
        player.seen.wait()
        player.close()


if __name__ == "__main__":
    Gst.init(None)
    if sys.argv[2:] and sys.argv[2] != "lies":
        connect(sys.argv[1], int(sys.argv[2]))
    else:
        play(sys.argv[1], "lies" in sys.argv)
