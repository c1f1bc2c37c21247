// Files on their way to the service: what a drop or a choice holds, and sending it with progress.

/** The endings by which the page takes a file for an archive; the server looks at the content. */
const archives = /\.(zip|tar|tgz|tzst|tbz2|tar\.(gz|zst|bz2))$/i;

export function isArchive(name) {
  return archives.test(name ?? "");
}

/** Whether dropped files are to be added: several, or one that is no picture to search with. `items` is known while they are dragged. */
export function meansAdding(items) {
  const files = [...(items ?? [])].filter((item) => item.kind === "file");
  return files.length > 1 || (files.length === 1 && !files[0].type.startsWith("image/") && (files[0].webkitGetAsEntry?.()?.isDirectory || isArchive(files[0].getAsFile?.()?.name)));
}

/** Files by the names that they are sent under; a chosen folder's have it before them. */
export function named(files) {
  return [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
}

/** All files of a drop, those of folders too. It must be called within the event, before the first wait. */
export async function dropped(transfer) {
  const entries = [...(transfer?.items ?? [])].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
  if (!entries.length || entries.some((entry) => !entry)) return named(transfer?.files ?? []);
  const all = [];
  for (const entry of entries) await walk(entry, all);
  return all;
}

async function walk(entry, all) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    all.push({ file, name: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const each of some) await walk(each, all);
  }
}

/** How many bytes files have. */
export function bytesOf(files) {
  return files.reduce((sum, { file }) => sum + file.size, 0);
}

/**
 * Posts a form, as fetch would, and tells `progress(sent, total)` in bytes; fetch itself tells of no progress. Resolves to
 * a Response; rejects as fetch does, with an AbortError where the signal aborts.
 */
export function post(address, { headers, form, progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => progress?.(event.loaded, event.total));
    request.addEventListener("load", () => {
      const retryAfter = request.getResponseHeader("Retry-After");
      resolve(new Response(request.responseText, { status: request.status, headers: retryAfter ? { "Retry-After": retryAfter } : {} }));
    });
    request.addEventListener("error", () => reject(new TypeError("the connection broke off")));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}
