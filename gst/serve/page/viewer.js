// SPDX-License-Identifier: BSD-3-Clause
// One tag, large: moving, with its latency and rate, the value under the pointer, and how the array is looked at.
import { element, rateText, shapeText } from "./text.js";
import { picture, watchJpegs, watchWhep } from "./watch.js";

const dialog = document.getElementById("viewer");
const pixel = document.getElementById("pixel");
const numbers = document.getElementById("viewer-numbers");
const stage = document.getElementById("stage");
const indices = document.getElementById("indices");
const choices = ["low", "high", "map", "bayer", "channels"].map(name => document.getElementById(name));

let tag = null;
let info = null;
let stream = null;
const withoutWhep = new Set();  // tags that did not come over WHEP since they were opened

function query() {
  const query = new URLSearchParams();
  for (const choice of choices) {
    const usual = { low: "", high: "", map: "gray", bayer: "auto", channels: "auto" }[choice.id];
    if (choice.value !== usual) query.set(choice.id, choice.value);
  }
  const chosen = [...indices.querySelectorAll("input")].map(input => input.value || "0");
  if (chosen.length > 0) query.set("index", chosen.join(","));
  return query;
}

function url(what, more = {}) {
  const all = query();
  for (const [key, value] of Object.entries(more)) all.set(key, value);
  const text = all.toString();
  return `/${tag}${what}${text ? `?${text}` : ""}`;
}

// The size that the frame has itself, where that is known: it may be sent smaller, or between bars.
function frameSize() {
  const [, width] = info?.caps?.match(/width=\(int\)(\d+)/) ?? [];
  const [, height] = info?.caps?.match(/height=\(int\)(\d+)/) ?? [];
  if (width && height) return { width: Number(width), height: Number(height) };
  return info?.video && !info.caps ? { width: info.shape[1], height: info.shape[0] } : null;
}

// Encoded video is of the picture as it is: any choice is made in JPEGs.
function takesWhep() {
  return !withoutWhep.has(tag) && info?.video && frameSize() !== null && query().toString() === ""
    && "RTCPeerConnection" in window && "requestVideoFrameCallback" in HTMLVideoElement.prototype;
}

function written() {
  return info ? ` of ${rateText(info.rate)}, ${shapeText(info)}` : "";
}

async function play() {
  stream?.abort();
  const mine = stream = new AbortController();
  while (!mine.signal.aborted) {
    const overWhep = takesWhep();
    try {
      if (overWhep) await watchWhep(tag, mine.signal, written);
      else await watchJpegs(url("/mjpeg"), mine.signal, written);
    } catch (error) {
      if (mine.signal.aborted) return;
      numbers.textContent = error.message;
      if (overWhep) withoutWhep.add(tag);
    }
    await new Promise(resolve => setTimeout(resolve, overWhep ? 0 : 1000));
  }
}

// Where the pointer is in the frame, whose picture keeps its form within its element, and so does the frame
// within the picture.
function place(event) {
  const { element, width, height } = picture();
  const box = element.getBoundingClientRect();
  const frame = element.id === "video" ? frameSize() : { width, height };
  if (!frame || !width) return null;
  const scale = Math.min(box.width / width, box.height / height) * Math.min(width / frame.width, height / frame.height);
  const x = Math.floor((event.clientX - box.left - (box.width - frame.width * scale) / 2) / scale);
  const y = Math.floor((event.clientY - box.top - (box.height - frame.height * scale) / 2) / scale);
  if (x < 0 || y < 0 || x >= frame.width || y >= frame.height) return null;
  // A picture of a mosaic has a pixel for four elements.
  const bayer = document.getElementById("bayer").value;
  const isMosaic = bayer === "auto" ? info?.caps.startsWith("video/x-bayer") : bayer !== "none";
  const fold = isMosaic && element.id === "canvas" ? 2 : 1;
  return { x: x * fold, y: y * fold };
}

let asking = false;
let wanted = null;

async function showValue(event) {
  wanted = place(event);
  if (asking) return;
  asking = true;
  while (wanted) {
    const { x, y } = wanted;
    wanted = null;
    try {
      const answer = await fetch(url("/value", { x, y }));
      const found = answer.ok ? await answer.json() : null;
      pixel.textContent = found
        ? `x ${x}  y ${y}  ${found.index ? `[${found.index.join(", ")}]` : found.format} = ${JSON.stringify(found.value)}`
        : "";
    } catch {
      pixel.textContent = "";
    }
  }
  asking = false;
}

function makeIndices() {
  indices.replaceChildren();
  (info?.leading ?? []).forEach((size, axis) => {
    const label = element("label", `axis ${axis} `);
    const input = element("input", "", { type: "number", min: 0, max: size - 1, value: 0 });
    input.addEventListener("change", play);
    label.append(input);
    indices.append(label);
  });
}

function makeLinks() {
  const links = document.getElementById("links");
  links.replaceChildren();
  const host = `${location.protocol}//${location.host}`;
  const rtsp = info?.rtsp ? [["RTSP", info.rtsp]] : [];
  for (const [name, address] of [...rtsp, ["WHEP", `${host}/${tag}/whep`], ["MJPEG", `${host}/${tag}/mjpeg`],
                                 ["JPEG", `${host}/${tag}.jpg`], ["PNG", `${host}/${tag}.png`],
                                 ["NumPy", `${host}/${tag}.npy`]]) {
    const button = element("button", `Copy ${name} link`, { type: "button", title: address });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(address);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = `Copy ${name} link`; }, 1000);
    });
    links.append(button);
  }
}

export function open(name, tags) {
  tag = name;
  info = tags.get(name) ?? null;
  document.getElementById("viewer-tag").textContent = name;
  pixel.textContent = "";
  withoutWhep.clear();
  makeIndices();
  makeLinks();
  if (!dialog.open) dialog.showModal();
  stage.focus();
  play();
}

export function update(tags) {
  if (tag === null) return;
  const before = JSON.stringify(info?.leading);
  info = tags.get(tag) ?? info;
  if (JSON.stringify(info?.leading) !== before) makeIndices();
}

export function pause() {
  stream?.abort();
}

export function resume() {
  if (tag !== null) play();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else stage.requestFullscreen();
}

dialog.addEventListener("close", () => {
  stream?.abort();
  tag = null;
  if (location.hash) history.replaceState(null, "", location.pathname);
});
addEventListener("pagehide", pause);
dialog.addEventListener("keydown", event => {
  if (event.key === "f" && event.target.tagName !== "INPUT" && event.target.tagName !== "SELECT") fullScreen();
});
stage.addEventListener("pointermove", showValue);
stage.addEventListener("pointerleave", () => { wanted = null; pixel.textContent = ""; });
document.getElementById("full").addEventListener("click", fullScreen);
document.getElementById("close").addEventListener("click", () => dialog.close());
for (const choice of choices) choice.addEventListener("change", play);
