// The pictures found, as tiles. A tile is square, as the model sees pictures: it is given their middle.

import { byId, element, icon } from "./dom.js";
import { altText, caption, fileName, formatScore } from "./format.js";
import { pageSize } from "./search.js";

/** Index of the tile an arrow key leads to, or -1 where there is none. */
export function neighbour(key, index, count, columns) {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  const to = index + (step ?? NaN);
  return to >= 0 && to < count ? to : -1;
}

/**
 * Where likely matches end: the index of the first hit below the model's `matchScore`, or -1. Only text has such a
 * score, and where even the first hit is below it there is nothing to separate.
 */
export function likelyEnd(hits, matchScore) {
  if (!(matchScore > 0) || !hits.length || hits[0].score < matchScore) return -1;
  return hits.findIndex((hit) => hit.score < matchScore);
}

export class Grid {
  #list = byId("results");
  #loader;
  #open;
  #like;
  #shown = [];
  #divided = false;

  /** `open(hit)` shows a picture large, `like(hit)` searches for more of its kind. */
  constructor({ loader, open, like }) {
    this.#loader = loader;
    this.#open = open;
    this.#like = like;
    this.#list.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Shows the hits; tiles that are there already stay as they are when only further ones come. */
  show(hits, { matchScore = 0 } = {}) {
    this.#list.removeAttribute("aria-busy");
    const grows = this.#shown.length > 0 && this.#shown.every((hit, at) => hit.id === hits[at]?.id && hit.score === hits[at]?.score);
    if (!grows) this.clear();
    this.#list.querySelectorAll(".blank").forEach((tile) => tile.remove());
    const end = likelyEnd(hits, matchScore);
    const fresh = document.createDocumentFragment();
    hits.slice(this.#shown.length).forEach((hit, nth) => {
      const at = this.#shown.length + nth;
      if (at === end && !this.#divided) {
        fresh.append(element("li", { class: "divider" }, "Less alike from here"));
        this.#divided = true;
      }
      fresh.append(this.#tile(hit, hits[0].score, nth));
    });
    this.#list.append(fresh);
    this.#shown = hits;
  }

  /** Shows empty tiles in place of the hits, or after them. */
  blank(after = false) {
    if (!after) this.clear();
    if (this.#list.querySelector(".blank")) return;
    this.#list.setAttribute("aria-busy", "true");
    const tiles = Array.from({ length: pageSize }, (_, nth) =>
      element("li", { class: "tile blank", "aria-hidden": "true", css: { "--nth": nth } }, element("div", { class: "frame" }), element("div", { class: "caption" })));
    this.#list.append(...tiles);
  }

  /** `stale`: the tiles are those of the question before; `weak`: none is much like it. */
  mark({ stale = false, weak = false }) {
    this.#list.classList.toggle("stale", stale);
    this.#list.classList.toggle("weak", weak);
  }

  clear() {
    this.#list.replaceChildren();
    this.#list.removeAttribute("aria-busy");
    this.#shown = [];
    this.#divided = false;
  }

  /** Puts the focus on the tile of a hit, where it is there. */
  focus(id) {
    this.#list.querySelector(`[data-id="${CSS.escape(id)}"] .frame`)?.focus();
  }

  #tile(hit, best, nth) {
    const { width, height } = hit.fields ?? {};
    const img = element("img", { alt: altText(hit), draggable: "false", decoding: "async", width: width || 320, height: height || 320 });
    this.#loader.lazily(img, hit.thumbnail);
    const share = best > 0 ? Math.max(0, Math.min(1, hit.score / best)) : 0;
    return element("li", { class: "tile", "data-id": hit.id, css: { "--share": share, "--nth": nth } },
      element("button", { class: "frame", type: "button", title: hit.path, on: { click: () => this.#open(hit) } }, img),
      element("button", { class: "like", type: "button", title: "More like this", "aria-label": `More like ${fileName(hit.path) || caption(hit)}`, on: { click: () => this.#like(hit) } }, icon("like")),
      element("div", { class: "caption" },
        element("span", { class: "caption-name" }, caption(hit)),
        element("span", { class: "score", title: `Similarity ${formatScore(hit.score, 4)} (1 is the same direction)` }, formatScore(hit.score))));
  }

  #walk(event) {
    const frames = [...this.#list.querySelectorAll(".frame")];
    const at = frames.indexOf(document.activeElement);
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const columns = getComputedStyle(this.#list).gridTemplateColumns.split(" ").length;
    const to = neighbour(event.key, at, frames.length, columns);
    if (to < 0) return;
    event.preventDefault();
    frames[to].focus();
  }
}
