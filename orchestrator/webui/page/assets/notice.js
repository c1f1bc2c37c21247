// The one place where the page says that something is off, or that there is nothing to show.

import { byId, copyText, element, selectText } from "./dom.js";
import { sentence } from "./format.js";

/** A line of code with a button that copies it. */
export function codeLine(text) {
  const code = element("code", {}, text);
  const button = element("button", { class: "plain", type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    if (await copyText(text)) button.textContent = "Copied";
    else selectText(code);
  });
  return element("p", { class: "code-line" }, code, button);
}

export class Notice {
  #box = byId("notice");
  #shown = "";

  /**
   * Shows a title, sentences or nodes, and buttons ({text, act}). `tone` is "quiet" (something to know) or "wrong". The
   * title is announced by screen readers when it changes, so a countdown belongs into the body.
   */
  show({ title, body = [], actions = [], tone = "quiet" }) {
    const focused = this.#box.contains(document.activeElement) ? document.activeElement.textContent : "";
    const parts = body.map((part) => (typeof part === "string" ? element("p", {}, part) : part));
    const buttons = actions.map(({ text, act }) => element("button", { class: "plain", type: "button", on: { click: act } }, text));
    const heading = this.#shown === title ? this.#box.firstChild : element("h2", { role: tone === "wrong" ? "alert" : "status" }, sentence(title));
    this.#box.replaceChildren(heading, ...parts, buttons.length ? element("p", { class: "actions" }, ...buttons) : "");
    this.#box.dataset.tone = tone;
    this.#box.hidden = false;
    this.#shown = title;
    // A countdown rewrites the box each second; the button that had the focus keeps it.
    if (focused) buttons.find((button) => button.textContent === focused)?.focus();
  }

  hide() {
    this.#shown = "";
    this.#box.hidden = true;
    this.#box.replaceChildren();
  }
}
