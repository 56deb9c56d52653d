// SPDX-License-Identifier: BSD-3-Clause
// Numbers for people, and elements with text in them. Text is never read as HTML.
export function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export function shapeText(tag) {
  return tag.shape === null ? "nothing yet" : `(${tag.shape.join(", ")}) ${tag.dtype}`;
}

export function durationText(seconds) {
  if (seconds === null) return "-";
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

export function rateText(rate) {
  return `${rate.toFixed(1)} /s`;
}
