# SPDX-License-Identifier: BSD-3-Clause
"""Who may look: pages of other hosts, other machines, passwords."""
import base64
import http.client
import os
import ssl
import subprocess
import unittest

import numpy as np

from serve import DEADLINE, SERVE, ServeTest


class Access(ServeTest):
    def test_a_page_of_another_host_is_refused(self):
        self.publish("cam0", np.zeros((4, 4), np.uint8))
        self.serve()
        own = f"127.0.0.1:{self.port}"
        self.assertEqual(self.get("/api/tags", {"Origin": f"http://{own}"})[0], 200)
        self.assertEqual(self.get("/api/tags", {"Host": f"localhost:{self.port}"})[0], 200)
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Host": "127.evil.example."},
                        {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}):
            for path in ("/", "/api/tags", "/cam0.jpg", "/cam0/mjpeg", "/metrics"):
                self.assertEqual(self.get(path, headers)[0], 403, (headers, path))

    def test_browsers_are_told_what_the_page_may(self):
        self.serve()
        headers = self.get("/")[1]
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(headers["Cross-Origin-Opener-Policy"], "same-origin")
        self.assertIsNone(headers["Access-Control-Allow-Origin"])

    def test_other_machines_are_let_in_only_on_purpose(self):
        self.assertIn("--open", self.refusal_of("--listen", "0.0.0.0"))
        self.assertIn("--cert", self.refusal_of("--listen", "0.0.0.0", "--user", "cam:secret"))
        self.assertIn("NAME:PASSWORD", self.refusal_of("--user", "cam"))
        self.assertIn("no IP address", self.refusal_of("--listen", "example.org"))
        self.serve("--listen", "0.0.0.0", "--open")
        self.assertIn("everybody", self.server.stdout.readline())
        self.assertEqual(self.get("/api/tags", {"Host": "cam.example"})[0], 200)

    def test_a_password_is_asked_for_everything(self):
        self.publish("cam0", np.zeros((4, 4), np.uint8))
        self.serve("--user", "cam:se:cret")
        for path in ("/", "/api/tags", "/api/events", "/metrics", "/cam0.jpg", "/cam0/mjpeg", "/~/page.js", "/none"):
            self.assertEqual(self.get(path)[0], 401, path)
            for secret in (b"cam:wrong", b"cam:", b"cam:se:cret ", b"other:se:cret", b"", b":", b"\xff\xfe:\x00"):
                self.assertEqual(self.get(path, self.credentials(secret))[0], 401, (path, secret))
        status, headers, _ = self.get("/")
        self.assertTrue(headers["WWW-Authenticate"].startswith("Basic "))
        self.assertEqual(self.get("/cam0.jpg", self.credentials(b"cam:se:cret"))[0], 200)

    def test_who_has_the_password_is_held_to_the_same_rules(self):
        self.publish("cam0", np.zeros((4, 4), np.uint8))
        self.serve("--user", "cam:secret")
        known = self.credentials(b"cam:secret")
        for headers in ({}, known):
            policy = self.get("/", headers)[1]["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy or "", headers)
        for foreign in ({"Origin": "http://evil.example"}, {"Host": "evil.example"},
                        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}):
            for path, method in (("/cam0.npy", "GET"), ("/api/tags", "GET"), ("/cam0/whep", "POST")):
                self.assertEqual(self.get(path, {**known, **foreign}, method)[0], 403, (path, foreign))
        self.assertEqual(self.get("/cam0/whep", known, "POST", b"x" * 70_000)[0], 413)
        self.assertEqual(self.get("/cam0/whep", known, "POST", iter([b"x"]))[0], 411)

    def test_who_asks_again_is_not_cut_off(self):
        self.publish("cam0", np.zeros((4, 4), np.uint8))
        self.serve("--user", "cam:secret")
        # It asks on another connection where it was told that the first one ends.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        self.addCleanup(connection.close)
        for _ in range(3):
            for headers, post, get in (({}, 401, 401), (self.credentials(b"cam:secret"), 415, 200)):
                for method, path, status in (("POST", "/cam0/whep", post), ("GET", "/cam0.jpg", get)):
                    connection.request(method, path, b"x" * 500 if method == "POST" else None, headers)
                    answer = connection.getresponse()
                    self.assertEqual((answer.status, len(answer.read()) > 0), (status, status != 401), (method, path))

    def test_tls_is_served(self):
        secret = os.path.join(self.directory, "user.txt")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("cam:secret\n")
        certificate, key = (os.path.join(self.directory, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-out", certificate, "-keyout", key],
                       check=True, capture_output=True, timeout=DEADLINE)
        self.serve("--listen", "0.0.0.0", "--user-file", secret, "--cert", certificate, "--key", key)
        self.assertTrue(self.address.startswith("https://"))
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = False
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE, context=context)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/tags", headers=self.credentials(b"cam:secret"))
        answer = connection.getresponse()
        self.assertEqual(answer.headers["Cross-Origin-Opener-Policy"], "same-origin")
        self.assertEqual((answer.status, answer.read()), (200, b"[]\n"))

    def test_a_port_that_is_taken_is_said(self):
        self.serve()
        ended = subprocess.run([SERVE, "--no-rtsp", "--http", str(self.port)], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"cannot listen on 127.0.0.1 port {self.port}", ended.stderr)

    @staticmethod
    def credentials(secret):
        return {"Authorization": "Basic " + base64.b64encode(secret).decode()}


if __name__ == "__main__":
    unittest.main()
