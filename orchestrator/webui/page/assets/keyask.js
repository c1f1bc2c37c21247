// The key of a server that wants one: asked for once, kept for this tab only.

import { byId } from "./dom.js";

const slot = "clipseek-key";

/** Keys for the client. Requests that are refused at the same time share one question. */
export class KeyAsker {
  #dialog = byId("key");
  #form = byId("key-form");
  #value = byId("key-value");
  #problem = byId("key-problem");
  #question = null;

  constructor() {
    byId("key-cancel").addEventListener("click", () => this.#dialog.close());
  }

  get() {
    return sessionStorage.getItem(slot) ?? "";
  }

  /** Asks for a key in place of the refused one; "" when the reader declines. */
  renew(refused) {
    this.#question ??= this.#askOnce(refused).finally(() => {
      this.#question = null;
    });
    return this.#question;
  }

  #askOnce(refused) {
    sessionStorage.removeItem(slot);
    this.#value.value = "";
    this.#problem.hidden = refused === "";
    this.#problem.textContent = refused === "" ? "" : "The server refused that key. Check it and try again.";
    return new Promise((resolve) => {
      const done = new AbortController();
      let key = "";
      this.#form.addEventListener("submit", (event) => {
        event.preventDefault();
        key = this.#value.value.trim();
        if (key) this.#dialog.close();
      }, { signal: done.signal });
      this.#dialog.addEventListener("close", () => {
        done.abort();
        if (key) sessionStorage.setItem(slot, key);
        resolve(key);
      }, { signal: done.signal });
      this.#dialog.showModal();
    });
  }
}
