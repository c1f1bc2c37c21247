// The start page: examples to begin with, made from pictures that are there.

import { byId, element } from "./dom.js";
import { altText, caption, countOf, labelWords } from "./format.js";
import { exampleFilters, examplePhrases, labelsOf, samples, speaks, withoutLabels } from "./suggest.js";

const stripLength = 16;
const mostChips = 6;
const probeLimit = 48;
const probeText = "a photo";
const mostProbes = 4;

/** Pictures of different labels: what is nearest to any photo, then what is nearest among the other labels. Each comes once, also one without a label. */
export async function probe(search) {
  const found = [];
  const known = new Set();
  for (let round = 0; round < mostProbes; round++) {
    const labels = labelsOf(found);
    const filter = labels.length ? withoutLabels(labels) : "";
    const { hits = [] } = await search({ text: probeText, filter, limit: probeLimit, offset: 0 });
    found.push(...hits.filter((hit) => !known.has(hit.id)));
    hits.forEach((hit) => known.add(hit.id));
    if (hits.length < probeLimit || labelsOf(found).length >= stripLength || labelsOf(hits).length === 0) break;
  }
  return found;
}

/** Pictures of a collection to show first, found by words, or by a grey picture where the model takes none. */
export async function sampled(client, collection, { partition, words }) {
  if (words) return probe((wanted) => client.search(collection, { ...wanted, partition }));
  const image = await greyPicture();
  return probe((wanted) => client.searchUpload(collection, { ...wanted, text: "", image, partition }));
}

function greyPicture() {
  const canvas = element("canvas", { width: 32, height: 32 });
  const paint = canvas.getContext("2d");
  paint.fillStyle = "gray";
  paint.fillRect(0, 0, 32, 32);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Columns that put `count` samples into one or two full rows where they can be. */
export function stripColumns(count) {
  return count <= 8 ? Math.max(4, count) : Math.ceil(count / 2);
}

export class Start {
  #section = byId("start");
  #chips = byId("chips");
  #title = byId("start-title");
  #strip = byId("strip");
  #loader;
  #ask;
  #like;

  /** `ask(text)` searches for words, `like(hit)` for more of a picture's kind. */
  constructor({ loader, ask, like }) {
    this.#loader = loader;
    this.#ask = ask;
    this.#like = like;
  }

  set hidden(yes) {
    this.#section.hidden = yes;
  }

  /** Shows what to try in a collection of `count` pictures, of which `hits` are known. `words` is whether the model takes any. Returns example filters. */
  fill({ count, hits, languages, words }) {
    const labels = labelsOf(hits);
    const strip = samples(hits, stripLength);
    const inStrip = new Set(strip.map((hit) => hit.fields?.label));
    const further = labels.filter((label) => !inStrip.has(label)).map(labelWords);
    const phrases = words ? [...examplePhrases(labels, languages), ...further].slice(0, mostChips) : [];
    this.#chips.replaceChildren(...phrases.map((text) =>
      element("li", {}, element("button", { class: "chip", type: "button", lang: /\p{Script=Han}/u.test(text) ? "zh" : null, on: { click: () => this.#ask(text) } }, text))));
    this.#title.textContent = strip.length ? `Among ${countOf(count, "picture")} here` : "";
    this.#strip.style.setProperty("--columns", stripColumns(strip.length));
    this.#strip.replaceChildren(...strip.map((hit, nth) => this.#sample(hit, nth, words)));
    return exampleFilters(hits);
  }

  #sample(hit, nth, words) {
    const named = words && speaks(hit.fields?.label);
    const img = element("img", { alt: altText(hit), width: 160, height: 160, draggable: "false", decoding: "async" });
    this.#loader.lazily(img, hit.thumbnail);
    return element("li", { css: { "--nth": nth } },
      element("button", {
        class: "sample",
        type: "button",
        title: named ? `Search for ${caption(hit)}` : "More like this",
        on: { click: () => (named ? this.#ask(caption(hit)) : this.#like(hit)) },
      }, element("span", { class: "sample-frame" }, img), element("span", { class: "sample-name" }, caption(hit))));
  }
}
