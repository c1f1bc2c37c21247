// One picture large, with what is known about it. Left and right lead through the hits, Escape closes.

import { byId, copyText, element, selectText } from "./dom.js";
import { altText, fileName, formatBytes, formatCount, formatScore, formatTime, labelWords } from "./format.js";

// A finger that moves at least this many CSS pixels sideways turns the page.
const swipePixels = 48;

/** The facts shown first, as [name, text]; what is not known is left out. */
export function mainFacts(hit) {
  const fields = hit.fields ?? {};
  const size = fields.width && fields.height ? `${formatCount(fields.width)} × ${formatCount(fields.height)} px` : "";
  const file = [fields.format ? String(fields.format).toUpperCase() : "", formatBytes(fields.bytes)].filter(Boolean).join(", ");
  const rows = [
    ["Label", labelWords(fields.label)],
    ["Score", formatScore(hit.score, 4)],
    ["Size", size],
    ["File", file],
    ["Taken", formatTime(fields.taken_at)],
    ["Added", formatTime(fields.ingested_at)],
    ["Path", hit.path ?? ""],
  ];
  return rows.filter(([, text]) => text !== "");
}

/** Every field as the collection has it, sorted by name, the id first. */
export function allFields(hit) {
  const rows = Object.entries(hit.fields ?? {}).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  return [["id", hit.id], ...rows];
}

export class Viewer {
  #dialog = byId("viewer");
  #picture = byId("viewer-picture");
  #note = byId("viewer-note");
  #said = byId("viewer-said");
  #loader;
  #closed;
  #step;
  #like;
  #hit = null;
  #loading = null;
  #source = "";

  /** `closed()` is told when the reader closes it, `step(-1 or 1)` asks for a neighbour, `like(hit)` for its kind. */
  constructor({ loader, closed, step, like }) {
    this.#loader = loader;
    this.#closed = closed;
    this.#step = step;
    this.#like = like;
    byId("viewer-close").addEventListener("click", () => this.#closed());
    byId("viewer-back").addEventListener("click", () => this.#step(-1));
    byId("viewer-next").addEventListener("click", () => this.#step(1));
    byId("viewer-like").addEventListener("click", () => this.#like(this.#hit));
    byId("viewer-copy").addEventListener("click", () => this.#copy());
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#closed();
    });
    // The browser may close a dialog by itself (a second Escape, the back gesture).
    this.#dialog.addEventListener("close", () => {
      if (this.#hit) this.#closed();
    });
    this.#watchSwipe(byId("stage"));
  }

  get shown() {
    return this.#hit;
  }

  /** Shows a hit; `place` says where it stands ("3 of 16"), `before` and `after` whether there are neighbours. */
  show(hit, { place, before, after }) {
    byId("viewer-place").textContent = place;
    byId("viewer-back").disabled = !before;
    byId("viewer-next").disabled = !after;
    if (this.#hit?.id !== hit.id) this.#fill(hit);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  hide() {
    this.#hit = null;
    this.#loading?.abort();
    this.#letGo();
    this.#picture.removeAttribute("src");
    if (this.#dialog.open) this.#dialog.close();
  }

  #fill(hit) {
    this.#hit = hit;
    const { width, height } = hit.fields ?? {};
    byId("viewer-name").textContent = fileName(hit.path) || hit.id;
    byId("viewer-facts").replaceChildren(...rowsOf(mainFacts(hit)));
    byId("viewer-fields").replaceChildren(...rowsOf(allFields(hit)));
    byId("viewer-copy").textContent = "Copy path";
    this.#note.hidden = true;
    this.#said.textContent = "";
    this.#picture.alt = altText(hit);
    this.#picture.width = width || 640;
    this.#picture.height = height || 640;
    this.#picture.style.setProperty("--ratio", (width || 1) / (height || 1));
    this.#original(hit);
  }

  /** The thumbnail is there at once; the original takes its place when it is decoded. */
  async #original(hit) {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    this.#letGo();
    const link = byId("viewer-original");
    link.href = hit.original;
    this.#picture.classList.add("soft");
    this.#loader.now(this.#picture, hit.thumbnail);
    try {
      const source = await this.#loader.decoded(hit.original, loading.signal);
      if (loading.signal.aborted) return this.#loader.release(source);
      this.#source = source;
      this.#picture.src = source;
      if (source.startsWith("blob:")) link.href = source;
    } catch {
      if (loading.signal.aborted) return;
      this.#note.textContent = "This browser cannot show the original, so this is its preview.";
      this.#note.hidden = false;
    }
    this.#picture.classList.remove("soft");
  }

  #letGo() {
    this.#loader.release(this.#source);
    this.#source = "";
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.#step(step);
  }

  async #copy() {
    const button = byId("viewer-copy");
    if (await copyText(this.#hit.path)) {
      button.textContent = "Copied";
      this.#said.textContent = "The path is on the clipboard.";
      return;
    }
    selectText(byId("viewer-facts").querySelector(".path"));
    button.textContent = "Selected, now copy";
  }

  #watchSwipe(stage) {
    let from = null;
    stage.addEventListener("touchstart", (event) => {
      from = event.touches.length === 1 ? { x: event.touches[0].clientX, y: event.touches[0].clientY } : null;
    }, { passive: true });
    stage.addEventListener("touchend", (event) => {
      if (!from || event.changedTouches.length !== 1) return;
      const { clientX, clientY } = event.changedTouches[0];
      const [dx, dy] = [clientX - from.x, clientY - from.y];
      from = null;
      // Zoomed in, a finger moves the picture, not the page.
      if ((visualViewport?.scale ?? 1) > 1.01 || Math.abs(dx) < swipePixels || Math.abs(dx) < 2 * Math.abs(dy)) return;
      this.#step(dx < 0 ? 1 : -1);
    }, { passive: true });
  }
}

function rowsOf(facts) {
  return facts.flatMap(([name, text]) => [element("dt", {}, name), element("dd", { class: name === "Path" ? "path" : null }, text)]);
}
