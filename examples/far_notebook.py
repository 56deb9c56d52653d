#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# %% [markdown]
# # Two cameras of another machine, as arrays
#
# 10.0.0.7 shares a camera and a thermal camera, and `ndsh mirror` makes tags of them here (README.md has the commands).
# This notebook reads both, computes statistics, marks in the camera's picture what is hot, and publishes the result as a
# tag of its own.
#
# Jupyter (with jupytext), VS Code and Spyder open this file as cells. `python3 far_notebook.py` runs all of them.

# %%
import itertools
import time
from typing import Any, List

import numpy as np
import numpy.typing as npt

import ndsharray

CAMERA, THERMAL, RESULT = "10.0.0.7.cam0", "10.0.0.7.thermal", "hot"
FRAMES = 60  # for each cell; run a cell again for more

# %% [markdown]
# ## Frames are arrays
#
# A reader waits for its tag. The array is shared memory of this machine, read in place.

# %%
camera = ndsharray.Reader(CAMERA, timeout=20)
thermal = ndsharray.Reader(THERMAL, timeout=20)


def newest(reader: ndsharray.Reader) -> ndsharray.Frame:
    frame = reader.read()
    if frame is None:
        raise SystemExit(f"no frame of {reader.tag}: {reader.status}")
    return frame


for reader in (camera, thermal):
    frame = newest(reader)
    print(f"{frame.tag}: {frame.array.dtype} {frame.array.shape}, attributes {', '.join(frame.attributes)}")

# %% [markdown]
# ## Statistics, rate and age
#
# The age of a frame is the time since its publication over there. `ndsh mirror` estimates how far the clocks of the two
# machines are apart, and prints how uncertain that is. The age is right within this uncertainty.


# %%
def percentiles(values: List[float]) -> str:
    return "p50 {:.1f}, p95 {:.1f}".format(*np.percentile(values, [50, 95]))


def look_at(reader: ndsharray.Reader, frames: int) -> None:
    """Prints what `frames` frames are like, and when they come."""
    newest(reader)  # what came since the last cell does not count as missed
    means, ages, missed = [], [], 0
    begun = time.monotonic()
    for frame in itertools.islice(reader, frames):
        ages.append(frame.age_ms)
        means.append(float(frame.array.mean()))
        missed += frame.missed
    rate = len(means) / (time.monotonic() - begun)
    print(f"{reader.tag}: {rate:.1f} frames/s, {missed} missed, age {percentiles(ages)} ms, mean {percentiles(means)}")


for reader in (camera, thermal):
    look_at(reader, FRAMES)

# %% [markdown]
# ## An overlay
#
# Hot is what is nearer to the hottest pixel than to the median. The thermal picture has fewer pixels than the camera's:
# each covers several of those.


# %%
def hot_pixels(heat: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.bool_]:
    """Which pixels of a picture of this size are hot."""
    limit = (float(np.median(heat)) + float(heat.max())) / 2
    rows = np.arange(height) * heat.shape[0] // height
    columns = np.arange(width) * heat.shape[1] // width
    hot: npt.NDArray[np.bool_] = heat[rows[:, np.newaxis], columns] > limit
    return hot


def mark(picture: npt.NDArray[np.uint8], hot: npt.NDArray[np.bool_], result: npt.NDArray[np.uint8]) -> None:
    """Fills `result` with the RGB picture, and makes hot pixels reddish."""
    result[:] = picture
    result[hot] = result[hot] // 2 + np.array([128, 0, 0], np.uint8)


picture, heat = newest(camera).array, newest(thermal).array
hot = hot_pixels(heat, *picture.shape[:2])
print(f"hot: {hot.mean():.1%} of the picture")

# %% [markdown]
# ## The result is a tag, too
#
# `result` is shared memory: nothing is copied when it is published. `like` passes the times of the camera's frame on.
# `gst-launch-1.0 ndshsrc tag=hot ! videoconvert ! autovideosink` shows it in a window, `ndsh serve` in a browser.

# %%
writer = ndsharray.Writer(RESULT, attributes={"caps": newest(camera).attributes["caps"]})

# %%
ages_read, ages_published = [], []
heat = newest(thermal).array
for frame in itertools.islice(camera, FRAMES):
    ages_read.append(frame.age_ms)
    hotter = thermal.read(0)  # the newest, if there is a new one
    heat = heat if hotter is None else hotter.array
    result = writer.acquire(frame.array.shape, frame.array.dtype)
    if result is not None:
        mark(frame.array, hot_pixels(heat, *frame.array.shape[:2]), result)
        writer.publish(result, like=frame)
        ages_published.append(frame.age_ms)
print(f"{RESULT}: {len(ages_published)} frames; the camera's frame was {percentiles(ages_read)} ms old when it was read, "
      f"{percentiles(ages_published)} ms when the result was published")

# %%
writer.close()
