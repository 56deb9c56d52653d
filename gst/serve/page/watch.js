// SPDX-License-Identifier: BSD-3-Clause
// The moving picture of a tag, over WHEP or as moving JPEGs, with its latency and rate.
import { parts } from "./mjpeg.js";
import { durationText, rateText } from "./text.js";
import { play as playWhep } from "./whep.js";

const canvas = document.getElementById("canvas");
const video = document.getElementById("video");
const numbers = document.getElementById("viewer-numbers");

// Without a picture for so long there is none over WHEP.
const patience = 5000;

let arrivals = [];
let step = 1;

function show(element) {
  canvas.hidden = element !== canvas;
  video.hidden = element !== video;
  arrivals = [];
}

function count(latency, protocol, written) {
  const now = performance.now();
  arrivals = [...arrivals.filter(time => now - time < 2000), now];
  const shown = arrivals.length > 1 ? (arrivals.length - 1) * 1000 / (now - arrivals[0]) : 0;
  numbers.textContent = `${durationText(latency)}, ${rateText(shown)}${written()}, ${protocol}`;
}

async function draw({ headers, blob }, written) {
  const picture = await createImageBitmap(blob);
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  canvas.dataset.frame = headers.get("x-frame");
  step = Number(headers.get("x-step"));
  count(Number(headers.get("x-age-us")) / 1e6, "MJPEG", written);
}

export async function watchJpegs(url, signal, written) {
  show(canvas);
  for await (const part of parts(url, signal)) await draw(part, written);
}

// In seconds: the age of what the server sends, half of the way there and back, and from a frame's first packet to its
// picture, on average since `last`, which is kept up.
async function latencyOf(tag, peer, last) {
  const { sent } = await (await fetch(`/${tag}/latency`)).json();
  let seconds = sent;
  for (const entry of (await peer.getStats()).values()) {
    if (entry.type === "candidate-pair" && entry.nominated) seconds += (entry.currentRoundTripTime ?? 0) / 2;
    if (entry.type !== "inbound-rtp" || !(entry.framesDecoded > last.frames)) continue;
    seconds += (entry.totalProcessingDelay - last.delay) / (entry.framesDecoded - last.frames);
    last.frames = entry.framesDecoded;
    last.delay = entry.totalProcessingDelay;
  }
  return seconds;
}

// Throws where there is no picture in time, and when there is none any more.
export async function watchWhep(tag, signal, written) {
  show(video);
  const stopped = new AbortController();
  const both = AbortSignal.any([signal, stopped.signal]);
  let begun = false;
  let latency = null;
  const late = setTimeout(() => { if (!begun) stopped.abort(); }, patience);
  let timer = null;
  const shown = () => {
    begun = true;
    count(latency, "WHEP", written);
    if (!both.aborted) video.requestVideoFrameCallback(shown);
  };
  try {
    await playWhep(`/${tag}/whep`, video, both, peer => {
      video.requestVideoFrameCallback?.(shown);
      const last = { frames: 0, delay: 0 };
      const ask = async () => { latency = await latencyOf(tag, peer, last); };
      timer = setInterval(() => ask().catch(() => {}), 1000);
    });
  } finally {
    clearTimeout(late);
    clearInterval(timer);
  }
}

// The picture that is seen: its element, its size, and how far its pixels are apart in the array.
export function picture() {
  return video.hidden ? { element: canvas, width: canvas.width, height: canvas.height, step }
                      : { element: video, width: video.videoWidth, height: video.videoHeight, step: 1 };
}
