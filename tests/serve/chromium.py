# SPDX-License-Identifier: BSD-3-Clause
"""Headless Chromium, told what to do over its debugging protocol, through a pair of pipes."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATH = shutil.which("chromium") or shutil.which("chromium-browser")

#: A pixel of the large video, by parts of its width and height; null where there is none.
VIDEO = """(() => {
  const video = document.getElementById("video");
  if (video.hidden || !video.videoWidth) return null;
  const canvas = new OffscreenCanvas(1, 1);
  canvas.getContext("2d").drawImage(video, video.videoWidth * %f, video.videoHeight * %f, 1, 1, 0, 0, 1, 1);
  return [...canvas.getContext("2d").getImageData(0, 0, 1, 1).data];
})()"""


class Chromium:
    def __init__(self, deadline, prefix=(), hides_addresses=False):
        """Started through a prefix. It tells others its addresses, where it would hide them behind names for mDNS."""
        self.deadline = deadline
        self.profile = tempfile.mkdtemp(prefix="ndsh-chromium.")
        command_read, self.command = os.pipe()
        self.answer, answer_write = os.pipe()
        # Chromium wants them as 3 and 4.
        shell = f'exec "$@" 3<&{command_read} 4>&{answer_write}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "chromium", *prefix, PATH, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--remote-debugging-pipe", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync",
             *([] if hides_addresses else ["--disable-features=WebRtcHideLocalIpsWithMdns"]),
             "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=(command_read, answer_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, env=dict(os.environ, HOME=self.profile, LD_PRELOAD=""))
        os.close(command_read)
        os.close(answer_write)
        self.received = b""
        self.last = 0
        self.target = self.session = None
        self.errors = []  # of the page, and what its policy refused

    def close(self):
        try:
            self.call("Browser.close")
        except (AssertionError, OSError):
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        os.close(self.command)
        os.close(self.answer)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.command, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + self.deadline
        while True:
            answer = self.message(end)
            if answer.get("id") == self.last:
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("method") == "Runtime.exceptionThrown":
                self.errors.append(answer["params"])
            if answer.get("method") == "Log.entryAdded" and answer["params"]["entry"]["level"] == "error":
                self.errors.append(answer["params"])

    def message(self, end):
        while b"\0" not in self.received:
            ready, _, _ = select.select([self.answer], [], [], max(0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            piece = os.read(self.answer, 1 << 20)
            assert piece, "Chromium ended"
            self.received += piece
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def open(self, url, width=1280, height=800, dark=False):
        """The only page, as wide and as dark as that."""
        self.session = None
        if self.target:
            self.call("Target.closeTarget", targetId=self.target)
        self.target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.errors.clear()
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)

    def run(self, script):
        """What JavaScript makes of it; promises are waited for."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script):
        end = time.monotonic() + self.deadline
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"{script} did not come true"
            time.sleep(0.05)
        return value

    def play_over_whep(self, tag):
        """Opens the tag, and once more where a machine that is too busy made the page go over to JPEGs."""
        self.wait_for(f"""(() => {{
          const numbers = document.getElementById("viewer-numbers").textContent;
          const dialog = document.getElementById("viewer");
          if (numbers.endsWith("MJPEG")) dialog.close();
          if (!dialog.open) document.querySelector("[data-tag={tag}]")?.click();
          return numbers.endsWith("WHEP");
        }})()""")

    def wait_for_video(self, colours):
        """Until the video has the colours at their places."""
        end = time.monotonic() + self.deadline
        for (x, y), colour in colours.items():
            while (seen := self.run(VIDEO % (x, y))) is None or any(abs(a - b) > 12 for a, b in zip(seen, colour)):
                assert time.monotonic() < end, f"{colour} did not come into the video, but {seen}"
                time.sleep(0.05)

    def key(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}))

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
