// SPDX-License-Identifier: BSD-3-Clause
// One tag on the page: its thumbnail and its numbers.
import { durationText, element, rateText, shapeText } from "./text.js";

const milliseconds = 700;
const usual = ["pixel-aspect-ratio=1/1", "interlace-mode=progressive", "multiview-mode=mono"];
const rows = ["array", "caps", "rate", "readers", "age"];

export class Card {
  constructor(tag, open) {
    this.tag = tag;
    this.root = element("button", "", { class: "card", type: "button", "data-tag": tag });
    this.image = element("img", "", { alt: `picture of ${tag}`, width: 320, height: 180 });
    this.values = new Map();
    const list = element("dl");
    for (const row of rows) {
      const value = element("dd");
      this.values.set(row, value);
      list.append(element("dt", row), value);
    }
    this.root.append(this.image, element("h2", tag), list);
    this.root.addEventListener("click", () => open(this.tag));
    this.visible = false;
    this.observer = new IntersectionObserver(entries => {
      this.visible = entries.at(-1).isIntersecting;
      if (this.visible) this.refresh();
    });
    this.observer.observe(this.root);
  }

  update(info) {
    this.info = info;
    const caps = info.caps.replace(/\(\w+\)/g, "").split(", ").filter(field => !usual.includes(field)).join(", ");
    const texts = [shapeText(info), caps || "none", rateText(info.rate), info.readers ?? "?", durationText(info.age)];
    rows.forEach((row, i) => { this.values.get(row).textContent = texts[i]; });
    this.root.classList.toggle("late", info.age !== null && info.age > 5);
    this.refresh();
  }

  // Only what is seen is asked for, one picture at a time, and only where there is a new one.
  async refresh() {
    const now = performance.now();
    const news = this.info && this.info.published !== this.shown;
    if (this.busy || !this.visible || document.hidden || !news || now < (this.next ?? 0)) return;
    this.busy = true;
    this.next = now + milliseconds;
    this.shown = this.info.published;
    try {
      const answer = await fetch(`/${this.tag}.jpg?width=480&quality=75`);
      if (answer.ok) {
        const url = URL.createObjectURL(await answer.blob());
        this.image.src = url;
        if (this.url) URL.revokeObjectURL(this.url);
        this.url = url;
      }
    } catch {
      // The server is gone; the list tells of it.
    }
    this.busy = false;
  }

  remove() {
    this.observer.disconnect();
    if (this.url) URL.revokeObjectURL(this.url);
    this.root.remove();
  }
}
