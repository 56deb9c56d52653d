// SPDX-License-Identifier: BSD-3-Clause
// One tag, large: moving, with its latency and rate, the value under the pointer, and how the array is looked at.
import { element, rateText, shapeText } from "./text.js";
import { picture, watchJpegs, watchWhep } from "./watch.js";

const dialog = document.getElementById("viewer");
const pixel = document.getElementById("pixel");
const numbers = document.getElementById("viewer-numbers");
const stage = document.getElementById("stage");
const mark = document.getElementById("mark");
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

// Where the frame is on the screen: its picture keeps its form within its element, and so does the frame within the picture.
function area() {
  const { element, width, height, step } = picture();
  const frame = element.id === "video" ? frameSize() : { width, height };
  if (!frame || !width) return null;
  const box = element.getBoundingClientRect();
  const scale = Math.min(box.width / width, box.height / height) * Math.min(width / frame.width, height / frame.height);
  const left = box.left + (box.width - frame.width * scale) / 2;
  const top = box.top + (box.height - frame.height * scale) / 2;
  return { ...frame, step, scale, left, top };
}

let place = null;  // in the picture, of what is told
let asking = false;
let ask = () => {};

// The value as the server writes it: numbers of JavaScript are not as exact.
function describe({ x, y }, text) {
  const { index, format } = JSON.parse(text);
  const value = text.slice(text.indexOf('"value":') + '"value":'.length, text.lastIndexOf("}"));
  return `x ${x}  y ${y}  ${index ? `[${index.join(", ")}]` : format} = ${value}`;
}

// As long as there is a place: when it changes, and now and then, since the frame changes.
async function tellValue() {
  if (asking) return ask();
  asking = true;
  while (place !== null) {
    const told = place;
    const step = area()?.step ?? 1;
    const at = { x: told.x * step, y: told.y * step };
    let text = "";
    try {
      const answer = document.hidden ? null : await fetch(url("/value", at));
      if (answer?.ok) text = describe(at, await answer.text());
    } catch {
      // The server is gone; the list tells of it.
    }
    if (place !== null) pixel.textContent = text;
    if (place !== told) continue;
    await new Promise(resolve => { ask = resolve; setTimeout(resolve, 500); });
  }
  asking = false;
}

function forget() {
  place = null;
  mark.hidden = true;
  pixel.textContent = "";
  ask();
}

// Without a pointer a mark shows the place.
function tellOf({ x, y }, isMarked) {
  const seen = area();
  if (!seen || x < 0 || y < 0 || x >= seen.width || y >= seen.height) return forget();
  const box = stage.getBoundingClientRect();
  mark.style.left = `${seen.left - box.left + (x + 0.5) * seen.scale}px`;
  mark.style.top = `${seen.top - box.top + (y + 0.5) * seen.scale}px`;
  mark.hidden = !isMarked;
  place = { x, y };
  tellValue();
}

function point(event) {
  const seen = area();
  if (!seen) return;
  const x = Math.floor((event.clientX - seen.left) / seen.scale);
  const y = Math.floor((event.clientY - seen.top) / seen.scale);
  tellOf({ x, y }, event.pointerType !== "mouse");
}

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function move(event) {
  const seen = area();
  if (!(event.key in arrows) || !seen) return;
  event.preventDefault();
  const [x, y] = arrows[event.key].map(step => step * (event.shiftKey ? 10 : 1));
  const from = place ?? { x: Math.floor(seen.width / 2), y: Math.floor(seen.height / 2) };
  const within = (at, size) => Math.min(Math.max(at, 0), size - 1);
  tellOf(place === null ? from : { x: within(from.x + x, seen.width), y: within(from.y + y, seen.height) }, true);
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

// Browsers have no navigator.clipboard for pages that came from another machine without TLS.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const focused = document.activeElement;
  const field = element("textarea", text, { readonly: "", class: "copied" });
  dialog.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return isCopied;
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
      // Where it cannot be copied it is there to be read.
      button.textContent = await copy(address) ? "Copied" : address;
      if (button.textContent !== address) setTimeout(() => { button.textContent = `Copy ${name} link`; }, 1000);
    });
    links.append(button);
  }
}

export function open(name, tags) {
  tag = name;
  info = tags.get(name) ?? null;
  document.getElementById("viewer-tag").textContent = name;
  numbers.textContent = "";
  forget();
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
  if (dialog.open) return;  // again, before this event came
  stream?.abort();
  forget();
  tag = null;
  if (location.hash) history.replaceState(null, "", location.pathname);
});
addEventListener("pagehide", pause);
dialog.addEventListener("keydown", event => {
  if (event.key === "f" && !event.ctrlKey && !event.metaKey && event.target.tagName !== "INPUT" && event.target.tagName !== "SELECT") fullScreen();
});
stage.addEventListener("pointerdown", point);
stage.addEventListener("pointermove", point);
stage.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") forget(); });  // a finger that is lifted leaves, too
stage.addEventListener("keydown", move);
document.getElementById("full").addEventListener("click", fullScreen);
document.getElementById("close").addEventListener("click", () => dialog.close());
for (const choice of choices) choice.addEventListener("change", play);
