// SPDX-License-Identifier: BSD-3-Clause
// One tag, large: moving, with its latency and rate, the value under the pointer, and how the array is looked at.
import { parts } from "./mjpeg.js";
import { element, rateText, shapeText } from "./text.js";

const dialog = document.getElementById("viewer");
const canvas = document.getElementById("canvas");
const pixel = document.getElementById("pixel");
const numbers = document.getElementById("viewer-numbers");
const stage = document.getElementById("stage");
const indices = document.getElementById("indices");
const choices = ["low", "high", "map", "bayer", "channels"].map(name => document.getElementById(name));

let tag = null;
let info = null;
let stream = null;
let arrivals = [];

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

async function draw({ headers, blob }) {
  const picture = await createImageBitmap(blob);
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  canvas.dataset.frame = headers.get("x-frame");
  const now = performance.now();
  arrivals = [...arrivals.filter(time => now - time < 2000), now];
  const shown = arrivals.length > 1 ? (arrivals.length - 1) * 1000 / (now - arrivals[0]) : 0;
  const latency = (Number(headers.get("x-age-us")) / 1000).toFixed(1);
  const written = info ? ` of ${rateText(info.rate)}, ${shapeText(info)}` : "";
  numbers.textContent = `${latency} ms, ${rateText(shown)}${written}`;
}

async function play() {
  stream?.abort();
  const mine = stream = new AbortController();
  arrivals = [];
  while (!mine.signal.aborted) {
    try {
      for await (const part of parts(url("/mjpeg"), mine.signal)) await draw(part);
    } catch (error) {
      if (mine.signal.aborted) return;
      numbers.textContent = error.message;
    }
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
}

// Where the canvas has its picture, which keeps its form within it.
function place(event) {
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const x = Math.floor((event.clientX - box.left - (box.width - canvas.width * scale) / 2) / scale);
  const y = Math.floor((event.clientY - box.top - (box.height - canvas.height * scale) / 2) / scale);
  return x >= 0 && y >= 0 && x < canvas.width && y < canvas.height ? { x, y } : null;
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
    const bayer = document.getElementById("bayer").value;
    const folded = bayer === "auto" ? info?.caps.startsWith("video/x-bayer") : bayer !== "none";
    const fold = folded ? 2 : 1;
    try {
      const answer = await fetch(url("/value", { x: x * fold, y: y * fold }));
      const found = answer.ok ? await answer.json() : null;
      pixel.textContent = found
        ? `x ${x * fold}  y ${y * fold}  ${found.index ? `[${found.index.join(", ")}]` : found.format} = ${JSON.stringify(found.value)}`
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
  for (const [name, address] of [...rtsp, ["MJPEG", `${host}/${tag}/mjpeg`], ["JPEG", `${host}/${tag}.jpg`],
                                 ["PNG", `${host}/${tag}.png`], ["NumPy", `${host}/${tag}.npy`]]) {
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
dialog.addEventListener("keydown", event => {
  if (event.key === "f" && event.target.tagName !== "INPUT" && event.target.tagName !== "SELECT") fullScreen();
});
stage.addEventListener("pointermove", showValue);
stage.addEventListener("pointerleave", () => { wanted = null; pixel.textContent = ""; });
document.getElementById("full").addEventListener("click", fullScreen);
document.getElementById("close").addEventListener("click", () => dialog.close());
for (const choice of choices) choice.addEventListener("change", play);
