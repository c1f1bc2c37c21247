// Sending files from the reader's machine: choosing, dropping, and a row for each upload until it is a job.

import { byId, element } from "./dom.js";
import { countOf, formatBytes, sentence } from "./format.js";
import { bytesOf, dropped, isArchive, named } from "./transfer.js";

/** What an upload is called. */
export function uploadTitle(files) {
  return files.length === 1 ? files[0].name : countOf(files.length, "file");
}

/** Why files are not sent, as a sentence, or "". The server has the last word on what is a picture. */
export function uploadRefusal(files, mostBytes) {
  if (!files.length) return "There are no files in it.";
  const bytes = bytesOf(files);
  if (mostBytes > 0 && bytes > mostBytes) return `${uploadTitle(files)}: ${formatBytes(bytes)} are more than the ${formatBytes(mostBytes)} that the server takes at once. Add them in parts.`;
  return "";
}

export class Uploads {
  #list = byId("uploads");
  #zone = byId("add-drop");
  #send;
  #job;
  #most = 0;

  /** `send(files, {progress, signal})` resolves to a job, which `job(job)` is then told of. */
  constructor({ send, job, dialog }) {
    this.#send = send;
    this.#job = job;
    for (const [button, input] of [["add-files", "add-files-input"], ["add-folder", "add-folder-input"]]) {
      const field = byId(input);
      byId(button).addEventListener("click", () => field.click());
      field.addEventListener("change", () => {
        const files = named(field.files);
        field.value = "";
        if (files.length) this.take(files);
      });
    }
    dialog.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.#zone.classList.add("over");
    });
    dialog.addEventListener("dragleave", (event) => {
      if (!dialog.contains(event.relatedTarget)) this.#zone.classList.remove("over");
    });
    dialog.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#zone.classList.remove("over");
      this.takeDrop(event.dataTransfer);
    });
  }

  /** The most bytes of one upload. */
  set most(bytes) {
    this.#most = bytes;
  }

  async takeDrop(transfer) {
    const row = this.#row("Looking at the files", []);
    try {
      const files = await dropped(transfer);
      row.item.remove();
      await this.take(files);
    } catch {
      this.#fail(row, "The files cannot be read. Has one been moved?");
    }
  }

  /** Sends files; what comes of it is seen in their row, and then in that of the job. */
  async take(files) {
    const stop = new AbortController();
    const row = this.#row(uploadTitle(files), files, () => stop.abort());
    const why = uploadRefusal(files, this.#most);
    if (why) {
      this.#fail(row, why);
      return;
    }
    row.line.textContent = "Sending";
    const leaving = (event) => event.preventDefault();
    addEventListener("beforeunload", leaving);
    try {
      const job = await this.#send(files, {
        signal: stop.signal,
        progress: (sent, total) => {
          row.bar.value = total > 0 ? sent / total : 0;
          row.line.textContent = sent < total ? `Sent ${formatBytes(sent)} of ${formatBytes(total)}` : "Sent. The server is storing it";
        },
      });
      const focused = row.item.contains(document.activeElement);
      row.item.remove();
      this.#job(job);
      if (focused) byId("add-files").focus();
    } catch (error) {
      this.#fail(row, error?.name === "AbortError" ? "Stopped. Nothing of it was kept." : sentence(error.detail ?? "It cannot be sent."));
    } finally {
      removeEventListener("beforeunload", leaving);
    }
  }

  #row(title, files, stop) {
    const line = element("p", { class: "job-line", "aria-live": "polite" });
    const bar = element("progress", { max: "1", "aria-label": `Sending ${title}` });
    const button = element("button", { class: "plain", type: "button", hidden: !stop, on: { click: () => stop?.() } }, "Stop");
    const kind = files.length === 1 && isArchive(files[0].name) ? "archive" : "files";
    const item = element("li", { class: "job", "data-kind": kind },
      element("div", { class: "job-head" }, element("p", { class: "job-path code" }, title), button), bar, line);
    const row = { item, line, bar, button };
    button.addEventListener("click", () => {
      if (item.dataset.state === "failed") item.remove();
    });
    this.#list.prepend(item);
    return row;
  }

  #fail(row, why) {
    row.item.dataset.state = "failed";
    row.bar.hidden = true;
    row.line.textContent = why;
    row.button.hidden = false;
    row.button.textContent = "Clear";
  }
}
