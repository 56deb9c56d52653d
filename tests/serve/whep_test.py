# SPDX-License-Identifier: BSD-3-Clause
"""WHEP: what is answered to whom over HTTP, and to what harm is meant with."""
import http.client
import os
import re
import select
import signal
import time
import unittest

import numpy as np

from serve import DEADLINE, ServeTest

MIB = 1 << 20

#: How long a viewer may be silent (gst/serve/whep_session.hpp), and some.
DROPPED_WITHIN = 15 + 10

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}

#: As Chromium offers, shortened, with sound and data beside the video.
OFFER = """v=0
o=- 8311478914861927380 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=extmap-allow-mixed
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:8MJt
a=ice-pwd:5wEBw6EH3/gy0PAoHWNpG+oT
a=ice-options:trickle
a=fingerprint:sha-256 B8:EA:33:67:45:D4:E1:4E:31:23:62:4D:68:87:DD:AF:C7:89:A7:10:98:EB:2B:B4:79:E5:C1:4C:9D:BD:89:50
a=setup:actpass
a=mid:0
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:0 PCMU/8000
m=video 9 UDP/TLS/RTP/SAVPF 96 104 108 114
c=IN IP4 0.0.0.0
a=ice-ufrag:8MJt
a=ice-pwd:5wEBw6EH3/gy0PAoHWNpG+oT
a=fingerprint:sha-256 B8:EA:33:67:45:D4:E1:4E:31:23:62:4D:68:87:DD:AF:C7:89:A7:10:98:EB:2B:B4:79:E5:C1:4C:9D:BD:89:50
a=setup:actpass
a=mid:1
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=recvonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtpmap:104 H264/90000
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:114 H264/90000
a=fmtp:114 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f
a=rtpmap:108 H264/90000
a=rtcp-fb:108 ccm fir
a=rtcp-fb:108 nack
a=rtcp-fb:108 nack pli
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:2
a=sctp-port:5000
""".replace("\n", "\r\n")

VIDEO_LINES = OFFER[OFFER.index("m=video"):OFFER.index("m=application")]


def without(name):
    return re.sub(rf"a={name}[^\r]*\r\n", "", OFFER)


#: Offers, and the statuses that are an answer to them.
OFFERS = [
    ("", {400}),
    ("\0" * 1000, {400}),
    ("".join(map(chr, range(256))) * 50, {400}),
    ("v=0", {400}),
    ("v=0\r\n" * 3000, {400}),
    ("m=video\r\n" + OFFER, {400}),
    (OFFER.replace("v=0", "v=1"), {400}),
    (OFFER.replace("\r\n", "\0\r\n"), {400}),
    (OFFER.replace(VIDEO_LINES, ""), {400}),
    (OFFER.replace("m=video 9", "m=video 99999999999999999999"), {400}),
    (OFFER.replace("m=video 9", "m=video -1"), {400}),
    (OFFER.replace("m=video 9", "m=video 0"), {400}),
    (OFFER.replace("m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 RTP/AVP"), {400}),
    (OFFER.replace("m=video", "m=%n%n%s"), {400}),
    (OFFER.replace("a=recvonly", "a=sendonly"), {400}),
    (OFFER.replace("a=recvonly", "a=inactive"), {400}),
    (OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 100, {400}),
    (OFFER + "a=" + "x" * 5000 + "\r\n", {400}),
    (OFFER + "a=x\r\n" * 5000, {400}),
    (OFFER.replace("a=mid:1", "a=mid:" + "1" * 500), {400}),
    (OFFER.replace("a=mid:1", "a=mid:1 2"), {400}),
    (OFFER.replace("a=mid:1", "a=mid:<script>"), {400}),
    (without("ice-ufrag"), {400}),
    (without("ice-pwd"), {400}),
    (without("fingerprint"), {400}),
    (without("setup"), {400}),
    (without("rtcp-mux"), {400}),
    (OFFER.replace("8MJt", "8"), {400}),
    (OFFER.replace("8MJt", "8" * 300), {400}),
    (OFFER.replace("8MJt", "8M Jt;!"), {400}),
    (OFFER.replace("actpass", "holdconn"), {400}),
    (OFFER.replace("sha-256 B8", "sha-256 \"B8"), {400}),
    (OFFER.replace("H264", "H265").replace("VP8", "VP9"), {406}),
    (OFFER.replace("packetization-mode=1", "packetization-mode=0").replace("VP8", "VP9"), {406}),
    (OFFER.replace("108", "4294967404").replace("114", "-1").replace("VP8", "VP9"), {406}),
    (OFFER.replace("profile-level-id=42e01f", "profile-level-id=%s%n").replace("4d001f", "x").replace("VP8", "VP9"), {406}),
    (OFFER.replace("a=mid:1\r\n", "a=mid:1\r\n" + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 100), {400}),
    (OFFER.replace("a=mid:1\r\n", "a=mid:1\r\n" + "a=candidate:" + "9" * 900 + "\r\n"), {201}),
    (OFFER.replace("a=mid:1\r\n", "a=mid:1\r\n" + "a=candidate:1 1 udp 1 x.local 9 typ host\r\n"), {201}),
    (OFFER.replace("a=mid:1\r\n", "a=mid:1\r\n" + "a=candidate:1 1 udp 99999999999 ::1 99999 typ ../../x\r\n"), {201}),
    (OFFER.replace("a=group:BUNDLE 0 1 2\r\n", "a=group:BUNDLE 1 7 7 7\r\n"), {201}),
    (OFFER.replace("a=group:BUNDLE 0 1 2\r\n", ""), {201}),
    (OFFER.replace("\r\n", "\n"), {201}),
    (OFFER, {201}),
]

FRAGMENTS = [
    ("", 204),
    ("a=ice-ufrag:8MJt\r\na=ice-pwd:5wEBw6EH3/gy0PAoHWNpG+oT\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\n"
     "a=candidate:1 1 udp 2113937151 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n", 204),
    ("a=ice-ufrag:8MJt\r\na=candidate:1 1 udp 1 nobody.local 9 typ host\r\n", 204),
    ("a=candidate:%n%n%n%n%s%s%s\r\n", 204),
    ("a=ice-ufrag:new1\r\na=ice-pwd:5wEBw6EH3/gy0PAoHWNpG+oT\r\n", 422),
    ("\0\1\2", 400),
    ("a=x\r\n" * 5000, 400),
    ("a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n" * 100, 400),
]


class WhepTest(ServeTest):
    def setUp(self):
        super().setUp()
        self.serve()

    def viewers(self):
        return self.metric('ndsharray_serve_viewers{protocol="whep"}')


class Requests(WhepTest):
    def setUp(self):
        super().setUp()
        self.publish("cam0", np.full((96, 128, 3), 40, np.uint8))

    def post(self, offer=OFFER, tag="cam0"):
        status, headers, body = self.get(f"/{tag}/whep", SDP, "POST", offer.encode("latin-1"))
        return status, headers, body.decode()

    def join(self):
        """(location, headers, answer) of a session."""
        status, headers, answer = self.post()
        self.assertEqual(status, 201, answer)
        return headers["Location"], headers, answer

    def test_a_session_is_made_and_ended_as_the_draft_says(self):
        location, headers, answer = self.join()
        self.assertRegex(location, r"^/cam0/whep/[0-9a-f]{32}$")
        self.assertRegex(headers["ETag"], r'^"[^"]+"$')
        self.assertEqual(headers["Content-Type"], "application/sdp")
        self.assertIsNone(headers["Link"])
        self.assertEqual(self.viewers(), 1)
        self.assertEqual(self.get(location, method="DELETE")[0], 200)
        self.assertEqual(self.viewers(), 0)
        self.wait_for(lambda: self.tags()["cam0"]["readers"] == 0, "nobody reads")
        for method in ("DELETE", "PATCH", "OPTIONS"):
            self.assertEqual(self.get(location, FRAGMENT, method)[0], 404)

    def test_the_answer_has_the_video_and_declines_the_rest(self):
        _, _, answer = self.join()
        media = re.findall(r"m=(\w+) (\d+) \S+ (.*)\r\n", answer)
        self.assertEqual([(kind, port != "0") for kind, port, _ in media],
                         [("audio", True), ("video", True), ("application", False)])
        # The first medium of the bundle states its transport, and is not sent.
        audio, video = answer.split("m=")[1:3]
        self.assertIn("a=inactive\r\n", audio)
        self.assertIn("a=sendonly\r\n", video)
        for attribute in ("ice-ufrag", "ice-pwd", "fingerprint", "setup", "candidate"):
            self.assertIn(f"a={attribute}:", audio)
            self.assertIn(f"a={attribute}:", video)
        self.assertIn("a=group:BUNDLE 0 1\r\n", answer)
        self.assertEqual(media[1][2], "108")
        self.assertRegex(video, r"a=fmtp:108 .*profile-level-id=42e01f")
        self.assertIn("a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n", video)

    def test_the_answer_has_the_codec_of_the_encoder(self):
        self.stop()
        self.serve("--encoder", "vp8enc")
        _, _, answer = self.join()
        self.assertRegex(answer, r"m=video 9 UDP/TLS/RTP/SAVPF 96\r\n")
        self.assertIn("a=rtpmap:96 VP8/90000\r\n", answer)
        self.assertEqual(self.post(OFFER.replace("VP8", "VP9"))[0], 406)

    def test_only_the_address_that_it_listens_on_is_told(self):
        _, _, answer = self.join()
        addresses = set(re.findall(r"a=candidate:\S+ \d+ \S+ \d+ (\S+) \d+ typ (\S+)", answer))
        self.assertEqual(addresses, {("127.0.0.1", "host")})
        bound = [line.split()[1].split(":")[0] for line in self.udp_sockets()]
        self.assertEqual(set(bound), {"0100007F"}, "all are of 127.0.0.1")

    def test_ice_servers_are_told_where_there_are_some(self):
        self.stop()
        self.serve("--ice-server", "stun:stun.example:3478", "--ice-server", "turn:cam:se:cret@turn.example:3478")
        links = ['<stun:stun.example:3478>; rel="ice-server"',
                 '<turn:turn.example:3478>; rel="ice-server"; username="cam"; credential="se:cret"; '
                 'credential-type="password"']
        status, headers, _ = self.get("/cam0/whep", method="OPTIONS")
        self.assertEqual((status, headers.get_all("Link")), (204, links))
        self.assertEqual(self.join()[1].get_all("Link"), links)

    def test_methods_are_told_and_others_refused(self):
        location = self.join()[0]
        for path, methods in (("/cam0/whep", {"OPTIONS", "POST"}), (location, {"OPTIONS", "PATCH", "DELETE"})):
            status, headers, _ = self.get(path, method="OPTIONS")
            self.assertEqual(status, 204)
            self.assertEqual(set(headers["Allow"].split(", ")), methods)
            for method in {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"} - methods:
                self.assertEqual(self.get(path, method=method)[0], 405, (path, method))

    def test_what_is_no_offer_for_a_live_tag_is_refused(self):
        self.assertEqual(self.post(tag="none")[0], 404)
        self.assertEqual(self.get("/cam0/whep", {}, "POST", OFFER.encode())[0], 415)
        self.assertEqual(self.get("/cam0/whep", {"Content-Type": "text/plain"}, "POST", OFFER.encode())[0], 415)
        self.assertEqual(self.get("/cam0/whep", SDP, "POST", b"x" * 70_000)[0], 413)
        self.assertEqual(self.viewers(), 0)

    def test_a_tag_is_looked_at_in_a_worker_while_others_are_answered(self):
        self.publish("large", np.random.default_rng(1).integers(0, 256, (2000, 2000, 3), np.uint8))
        asked = []
        # As many pictures that take seconds as there are workers (gst/serve/answers.cpp).
        for method, path, body in [("GET", "/large.png", None)] * 3 + [("POST", "/cam0/whep", OFFER)]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=4 * DEADLINE)
            self.addCleanup(connection.close)
            connection.request(method, path, body, SDP if body else {})
            asked.append(connection)
        self.assertIn("large", self.tags())
        answered, _, _ = select.select([connection.sock for connection in asked], [], [], 0)
        self.assertEqual(answered, [])
        self.assertEqual([connection.getresponse().status for connection in asked], [200, 200, 200, 201])

    def test_pages_of_other_hosts_are_refused(self):
        location = self.join()[0]
        for path, method in (("/cam0/whep", "POST"), ("/cam0/whep", "OPTIONS"), (location, "PATCH"), (location, "DELETE")):
            for foreign in ({"Origin": "http://evil.example"}, {"Host": "evil.example"},
                            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}):
                self.assertEqual(self.get(path, {**SDP, **foreign}, method, OFFER.encode())[0], 403, (path, method))
        self.assertEqual(self.viewers(), 1)

    def test_hostile_offers_are_refused_and_the_server_goes_on(self):
        for offer, statuses in OFFERS:
            with self.subTest(offer[-80:]):
                status, headers, body = self.post(offer)
                self.assertIn(status, statuses, body)
                if status == 201:
                    self.assertEqual(self.get(headers["Location"], method="DELETE")[0], 200)
        self.assertEqual(self.viewers(), 0)
        self.assertEqual(self.get("/cam0.jpg")[0], 200)
        self.assert_memory_below(150 * MIB)

    def test_candidates_come_later_for_the_session_that_is_meant(self):
        location, headers, _ = self.join()
        match = {**FRAGMENT, "If-Match": headers["ETag"]}
        for fragment, status in FRAGMENTS:
            with self.subTest(fragment[:60]):
                self.assertEqual(self.get(location, match, "PATCH", fragment.encode())[0], status)
        self.assertEqual(self.get(location, FRAGMENT, "PATCH", b"")[0], 428)
        self.assertEqual(self.get(location, {**FRAGMENT, "If-Match": '"other"'}, "PATCH", b"")[0], 412)
        self.assertEqual(self.get(location, {**SDP, "If-Match": headers["ETag"]}, "PATCH", b"")[0], 415)
        for other in (location[:-1], location + "0", location.replace("cam0", "cam1"), "/cam0/whep/"):
            self.assertEqual(self.get(other, match, "PATCH", b"")[0], 404, other)
        self.assertEqual(self.viewers(), 1)

    def test_viewers_who_never_connect_have_a_bound_and_go(self):
        self.join()
        threads = self.count("task")
        for _ in range(31):
            self.join()
        status, headers, _ = self.post()
        self.assertEqual(status, 503)
        self.assertIsNotNone(headers["Retry-After"])
        self.assert_memory_below(250 * MIB)
        self.wait_for(lambda: self.viewers() == 0, "they are dropped", within=DROPPED_WITHIN)
        self.wait_for(lambda: self.tags()["cam0"]["readers"] == 0, "nobody reads")
        self.wait_for(lambda: self.count("task") <= threads, "the threads are gone")

    def test_sessions_that_end_leave_no_promise(self):
        self.stop()
        log = os.path.join(self.directory, "live objects")
        self.prefix = ["env", "GST_TRACERS=leaks(filters=\"GstPromise,GstWebRTCBin\")", "GST_LEAKS_TRACER_SIG=1",
                       "GST_DEBUG=GST_TRACER:7", "GST_DEBUG_NO_COLOR=1", f"GST_DEBUG_FILE={log}"]
        self.serve()
        for _ in range(10):
            self.assertEqual(self.get(self.join()[0], method="DELETE")[0], 200)
        self.join()

        def live_objects():
            """What the tracer writes when it gets the signal. One session is there; when it is written for the
            second time, all that was there at the first signal is written."""
            with open(log, encoding="utf-8") as file:
                file.seek(0, os.SEEK_END)
                written = ""
                for times in (1, 2):
                    self.server.send_signal(signal.SIGUSR1)
                    end = time.monotonic() + DEADLINE
                    while written.count("(string)GstWebRTCBin,") < times:
                        self.assertLess(time.monotonic(), end, "nothing is written")
                        written += file.read()
            return written

        self.wait_for(lambda: "(string)GstPromise," not in live_objects(), "the promises are gone")


if __name__ == "__main__":
    unittest.main()
