# SPDX-License-Identifier: BSD-3-Clause
"""Snapshots of any array: exact where the format can be, and the value under a pixel always."""
import io
import subprocess
import unittest

import numpy as np

from serve import ServeTest, decode


class Snapshots(ServeTest):
    def setUp(self):
        super().setUp()
        self.serve()

    def snapshot(self, path):
        status, headers, body = self.get(path)
        self.assertEqual(status, 200, body[:200])
        return headers["Content-Type"], body

    def test_npy_is_the_array(self):
        random = np.random.default_rng(1)
        for i, dtype in enumerate(["u1", "<u2", ">i4", "<f2", "<f4", "<f8", "<c8", "?", "<i8"]):
            for shape in [(7, 5), (3, 4, 5), (2, 3, 4, 5), (6,)]:
                array = (random.random(shape) * 100).astype(dtype)
                writer = self.publish(f"tag{i}-{len(shape)}", array)
                type, body = self.snapshot(f"/{writer.tag}.npy")
                self.assertEqual(type, "application/octet-stream")
                loaded = np.load(io.BytesIO(body))
                np.testing.assert_array_equal(loaded, array)
                self.assertEqual(loaded.dtype.itemsize, array.dtype.itemsize)
                writer.close()

    def test_png_of_bytes_is_the_array(self):
        random = np.random.default_rng(2)
        grey = random.integers(0, 256, (8, 12), np.uint8)
        colour = random.integers(0, 256, (8, 12, 3), np.uint8)
        self.publish("grey", grey)
        self.publish("colour", colour)
        type, body = self.snapshot("/grey.png")
        self.assertEqual(type, "image/png")
        np.testing.assert_array_equal(decode(body, "GRAY8", grey.shape), grey)
        np.testing.assert_array_equal(decode(self.snapshot("/colour.png")[1], "RGB", colour.shape), colour)

    def test_png_keeps_sixteen_bits(self):
        thermal = np.random.default_rng(3).integers(0, 65536, (8, 12), np.uint16)
        self.publish("thermal", thermal)
        shown = decode(self.snapshot("/thermal.png")[1], "GRAY16_BE", thermal.shape, ">u2")
        np.testing.assert_array_equal(shown, thermal)

    def test_jpeg_is_near_the_array(self):
        colour = np.zeros((32, 48, 3), np.uint8)
        colour[:, :24] = (200, 40, 40)
        colour[:, 24:] = (20, 60, 180)
        self.publish("colour", colour)
        type, body = self.snapshot("/colour.jpg?quality=95")
        self.assertEqual(type, "image/jpeg")
        shown = decode(body, "RGB", colour.shape)
        for x in (8, 40):
            np.testing.assert_allclose(shown[16, x].astype(int), colour[16, x], atol=6)

    def test_any_array_has_a_picture(self):
        arrays = {
            "float": np.linspace(-1, 1, 96).reshape(8, 12),
            "bool": np.arange(96).reshape(8, 12) % 2 == 0,
            "complex": (np.arange(96) * 1j).reshape(8, 12).astype(np.complex64),
            "planes": np.zeros((3, 8, 12), np.uint8),
            "nan": np.full((8, 12), np.nan),
            "volume": np.zeros((5, 7, 8, 12), np.int16),
            "signed": np.arange(96, dtype=np.int64).reshape(8, 12),
        }
        for tag, array in arrays.items():
            self.publish(tag, array)
            channels = 3 if tag == "planes" else 1
            shown = decode(self.snapshot(f"/{tag}.png")[1], "RGB" if channels == 3 else "GRAY8",
                           (8, 12, 3) if channels == 3 else (8, 12))
            if tag == "bool":
                np.testing.assert_array_equal(shown, array * 255)
            if tag in ("float", "complex", "signed"):
                self.assertEqual((shown[0, 0], shown[-1, -1]), (0, 255), tag)

    def test_contrast_is_stretched_to_percentiles(self):
        thermal = np.full((8, 12), 30000, np.uint16)
        thermal[0, 0], thermal[7, 11] = 29000, 31000
        self.publish("thermal", thermal)
        shown = decode(self.snapshot("/thermal.png?low=0&high=100")[1], "GRAY8", thermal.shape)
        self.assertEqual((shown[0, 0], shown[4, 4], shown[7, 11]), (0, 128, 255))

    def test_colour_maps_are_applied(self):
        self.publish("ramp", np.arange(256, dtype=np.uint8).reshape(8, 32))
        ends = {"viridis": ((68, 1, 84), (253, 231, 37)), "inferno": ((0, 0, 4), (252, 255, 164))}
        for name, (first, last) in ends.items():
            shown = decode(self.snapshot(f"/ramp.png?map={name}")[1], "RGB", (8, 32, 3))
            np.testing.assert_allclose(shown[0, 0].astype(int), first, atol=3)
            np.testing.assert_allclose(shown[7, 31].astype(int), last, atol=3)

    def test_a_leading_axis_has_an_index(self):
        volume = np.stack([np.full((8, 12), value, np.uint8) for value in (10, 20, 30, 40, 50)])
        self.publish("volume", volume)
        shown = decode(self.snapshot("/volume.png?index=3")[1], "GRAY8", (8, 12))
        self.assertTrue((shown == 40).all())
        self.assertEqual(self.get("/volume.png?index=5")[0], 422)

    def test_a_mosaic_is_seen_in_colours(self):
        # GStreamer writes it; red is everywhere, and nothing else.
        mosaic = np.zeros((8, 12), np.uint8)
        mosaic[::2, ::2] = 200
        pipeline = subprocess.Popen(
            ["gst-launch-1.0", "-q", "fdsrc", "blocksize=96", "!",
             "video/x-bayer,format=rggb,width=12,height=8,framerate=30/1", "!", "ndshsink", "tag=mosaic", "sync=false"],
            stdin=subprocess.PIPE)
        self.addCleanup(pipeline.wait)
        self.addCleanup(pipeline.kill)
        self.addCleanup(pipeline.stdin.close)
        pipeline.stdin.write(mosaic.tobytes())
        pipeline.stdin.flush()
        self.wait_for(lambda: self.tags().get("mosaic", {}).get("published"), "the mosaic came")
        shown = decode(self.snapshot("/mosaic.jpg?quality=100&low=0&high=100")[1], "RGB", (4, 6, 3), stride=20)
        self.assertGreater(shown[..., 0].min(), 240)
        self.assertLess(shown[..., 1:].max(), 15)
        plain = decode(self.snapshot("/mosaic.png")[1], "GRAY8", (8, 12))
        np.testing.assert_array_equal(plain, mosaic)

    def test_the_value_under_a_pixel_is_exact(self):
        array = np.arange(8 * 12, dtype=np.float64).reshape(8, 12) / 7
        self.publish("float", array)
        found = self.get_json("/float/value?x=5&y=3")
        self.assertEqual(found, {"frame": 1, "index": [3, 5], "value": array[3, 5]})
        self.publish("big", np.full((4, 4), 2**63 - 1, np.int64))
        self.assertEqual(self.get_json("/big/value?x=0&y=0")["value"], 2**63 - 1)
        colour = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3)
        self.publish("colour", colour)
        self.assertEqual(self.get_json("/colour/value?x=5&y=3")["value"], colour[3, 5].tolist())
        self.publish("nan", np.full((2, 2), np.nan))
        self.assertEqual(self.get_json("/nan/value?x=0&y=0")["value"], "nan")
        self.assertEqual(self.get("/float/value?x=12&y=0")[0], 400)
        # More digits than a number of JSON may keep are text.
        third = np.longdouble(1) / 3
        self.publish("long", np.array([[0.5, third, np.inf, np.nan]], np.longdouble))
        values = [self.get_json(f"/long/value?x={x}&y=0")["value"] for x in range(4)]
        self.assertEqual((values[0], np.longdouble(values[1]), values[2:]), (0.5, third, ["inf", "nan"]))
        self.publish("wide", np.array([[third + 1j]], np.clongdouble))
        self.assertEqual(np.longdouble(self.get_json("/wide/value?x=0&y=0")["value"][0]), third)

    def test_what_cannot_be_shown_is_said(self):
        self.publish("empty", np.zeros((0, 4), np.uint8))
        status, _, body = self.get("/empty.png")
        self.assertEqual((status, body), (422, b"the array has no elements\n"))
        self.publish("grey", np.zeros((4, 4), np.uint8))
        for query in ("map=pink", "low=101", "low=nan", "width=0", "quality=x", "index=1,", "index=" + "1," * 40,
                      "fps=-1", "x=%zz"):
            status, _, body = self.get(f"/grey.png?{query}")
            self.assertIn(status, (400, 200 if query == "index=1," else 400), query)


if __name__ == "__main__":
    unittest.main()
