// The search field with its picture and its filter.

import { byId, element } from "./dom.js";
import { wordless } from "./suggest.js";

const mostRows = 5;

export class SearchForm {
  #form = byId("search");
  #query = byId("query");
  #filter = byId("filter");
  #row = byId("filter-row");
  #toggle = byId("filter-toggle");
  #asked = byId("asked");
  #picture = byId("asked-picture");
  #name = byId("asked-name");
  #examples = byId("filter-examples");
  #choose = byId("choose");
  #emptyHint = this.#query.placeholder;
  #besideHint = "and, in words (optional)";

  /** `submit({q, filter})` starts a search, `dropPicture()` takes the picture out of it. */
  constructor({ submit, dropPicture }) {
    const send = () => submit({ q: this.#query.value.trim(), filter: this.filter });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    this.#query.addEventListener("keydown", (event) => {
      // While an input method composes (Chinese), Enter picks a word and must not search; 229 is how Safari says so.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      send();
    });
    this.#query.addEventListener("input", () => this.#fit());
    this.#filter.addEventListener("input", () => this.#markFilter());
    this.#toggle.addEventListener("click", () => this.#showFilter(this.#row.hidden, true));
    byId("asked-remove").addEventListener("click", dropPicture);
    addEventListener("resize", () => this.#fit());
  }

  /** Shows a state of the address. */
  set({ q, filter }) {
    this.#query.value = q;
    // A filter that came from elsewhere is shown; one that the reader has folded away stays so.
    if (filter && filter !== this.filter) this.#showFilter(true, false);
    this.#filter.value = filter;
    this.#markFilter();
    this.#fit();
  }

  /** Takes no words: the model that is called `title` has no text tower. */
  takeNoWords(title) {
    this.#query.disabled = true;
    this.#emptyHint = "Drop, paste or choose a picture";
    this.#besideHint = "";
    this.#query.placeholder = this.#asked.hidden ? this.#emptyHint : this.#besideHint;
    byId("headline").replaceChildren("Show a picture. ", element("em", {}, "See its\u00a0like."));
    const why = byId("wordless");
    why.textContent = wordless(title);
    why.hidden = false;
    this.#fit();
  }

  /** What is written but perhaps not yet searched. */
  get text() {
    return this.#query.value.trim();
  }

  get filter() {
    return this.#filter.value.trim();
  }

  /** Shows the picture that is part of the question; `show(img)` fills it. */
  setPicture(name, show) {
    this.#asked.hidden = false;
    this.#name.textContent = name;
    show(this.#picture);
    this.#query.placeholder = this.#besideHint;
    this.#fit();
  }

  clearPicture() {
    this.#asked.hidden = true;
    this.#picture.removeAttribute("src");
    this.#query.placeholder = this.#emptyHint;
    this.#fit();
  }

  /** What the empty field suggests. */
  set hint(text) {
    const shown = this.#query.placeholder === this.#emptyHint;
    this.#emptyHint = text;
    if (shown) this.#query.placeholder = text;
  }

  focus() {
    (this.#query.disabled ? this.#choose : this.#query).focus();
  }

  /** Marks the filter as the part that was wrong. */
  set filterWrong(yes) {
    if (yes) this.#filter.setAttribute("aria-invalid", "true");
    else this.#filter.removeAttribute("aria-invalid");
  }

  get hasExamples() {
    return this.#examples.childElementCount > 0;
  }

  setExamples(filters) {
    this.#examples.replaceChildren(...filters.map((filter) =>
      element("li", {}, element("button", { class: "chip code", type: "button", on: { click: () => this.#useFilter(filter) } }, filter))));
  }

  #useFilter(filter) {
    this.#filter.value = filter;
    this.#markFilter();
    this.#filter.focus();
  }

  #showFilter(open, focus) {
    this.#row.hidden = !open;
    this.#toggle.setAttribute("aria-expanded", String(open));
    if (open && focus) this.#filter.focus();
    this.#markFilter();
  }

  #markFilter() {
    this.filterWrong = false;
    this.#toggle.classList.toggle("on", this.filter !== "");
  }

  /** The field grows with its text, up to a few lines. */
  #fit() {
    const field = this.#query;
    field.style.height = "auto";
    const style = getComputedStyle(field);
    const padding = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
    const most = parseFloat(style.lineHeight) * mostRows + padding;
    field.style.height = `${Math.min(field.scrollHeight, most)}px`;
    field.style.overflowY = field.scrollHeight > most ? "auto" : "hidden";
  }
}
