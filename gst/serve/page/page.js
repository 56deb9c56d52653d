// SPDX-License-Identifier: BSD-3-Clause
// The list of tags, as the server tells it.
import { Card } from "./card.js";
import * as viewer from "./viewer.js";

const cards = new Map();
const root = document.getElementById("cards");
const state = document.getElementById("state");
let tags = new Map();

function open(tag) {
  history.replaceState(null, "", `#${tag}`);
  viewer.open(tag, tags);
}

function show(list) {
  tags = new Map(list.map(info => [info.tag, info]));
  for (const [tag, card] of cards) {
    if (tags.has(tag)) continue;
    card.remove();
    cards.delete(tag);
  }
  let before = null;
  for (const info of list) {
    if (!cards.has(info.tag)) {
      const card = new Card(info.tag, open);
      cards.set(info.tag, card);
      root.insertBefore(card.root, before ? before.nextSibling : root.firstChild);
    }
    before = cards.get(info.tag).root;
    cards.get(info.tag).update(info);
  }
  document.getElementById("empty").hidden = list.length > 0;
  state.textContent = `${list.length} ${list.length === 1 ? "tag" : "tags"}`;
  viewer.update(tags);
}

let events = null;
let first = true;

function follow() {
  events = new EventSource("/api/events");
  events.addEventListener("message", event => {
    show(JSON.parse(event.data));
    const wanted = location.hash.slice(1);
    if (first && tags.has(wanted)) viewer.open(wanted, tags);
    first = false;
  });
  events.addEventListener("error", () => { state.textContent = "the server does not answer"; });
}

// A browser has six connections to a host, for all its pages: one that nobody sees holds none.
document.addEventListener("visibilitychange", () => {
  events?.close();
  events = null;
  if (document.hidden) {
    viewer.pause();
  } else {
    follow();
    viewer.resume();
  }
});
if (!document.hidden) follow();
