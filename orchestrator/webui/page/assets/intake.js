// Pictures from the reader: chosen, taken, dropped or pasted anywhere on the page.

import { byId } from "./dom.js";
import { formatBytes } from "./format.js";
import { meansAdding } from "./transfer.js";

/** Why a file cannot be a query, as a sentence, or "". The server has the last word on what is a picture. */
export function refusal(file, mostBytes) {
  const name = file.name || "The picture";
  if (file.size === 0) return `${name} is empty.`;
  if (mostBytes > 0 && file.size > mostBytes) return `${name} is ${formatBytes(file.size)}; the server takes at most ${formatBytes(mostBytes)}. Choose a smaller picture.`;
  if (file.type && !file.type.startsWith("image/")) return `${name} is not a picture. Choose a JPEG, PNG or WebP file.`;
  return "";
}

/** The first file of a drop or paste, null where there is none. */
export function firstFile(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}

/**
 * Wires the ways in; `take(file)` gets each picture to search with, `add(transfer)` a drop of several files, a folder or
 * an archive. Nothing is taken while a dialog is open.
 */
export function watchIntake(take, add) {
  const file = byId("file");
  const camera = byId("camera");
  const cover = byId("drop");
  const busy = () => document.querySelector("dialog[open]") !== null;

  byId("choose").addEventListener("click", () => file.click());
  byId("shoot").addEventListener("click", () => camera.click());
  for (const input of [file, camera]) {
    input.addEventListener("change", () => {
      if (input.files[0]) take(input.files[0]);
      input.value = "";
    });
  }

  // Entering a child fires enter before leave, so the depth tells when the pointer has left the page.
  let depth = 0;
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const end = () => {
    depth = 0;
    cover.hidden = true;
  };
  addEventListener("dragenter", (event) => {
    if (!carries(event) || busy()) return;
    event.preventDefault();
    depth++;
    cover.hidden = false;
    byId("drop-text").textContent = event.dataTransfer.items?.length > 1 ? "Drop the pictures to add them" : "Drop a picture to search with it, a folder or archive to add it";
  });
  addEventListener("dragover", (event) => {
    if (carries(event)) event.preventDefault();
  });
  addEventListener("dragleave", (event) => {
    if (carries(event) && --depth <= 0) end();
  });
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    end();
    if (meansAdding(event.dataTransfer.items) && !busy()) {
      add(event.dataTransfer);
      return;
    }
    const dropped = firstFile(event.dataTransfer);
    if (dropped && !busy()) take(dropped);
  });
  addEventListener("paste", (event) => {
    const pasted = firstFile(event.clipboardData);
    if (!pasted || busy()) return;
    event.preventDefault();
    take(pasted);
  });
}
