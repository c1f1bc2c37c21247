// The service's API as the page uses it: one place for keys, errors and waiting times.

import { post } from "./transfer.js";

const base = "/v1";

/** Why a request gave no answer. `detail` is a sentence for the reader; `status` is 0 where no server answered. */
export class Problem extends Error {
  constructor({ status = 0, kind = "", detail = "", title = "", retryAfter = null }) {
    super(detail || title);
    this.name = "Problem";
    this.status = status;
    this.kind = kind;
    this.detail = detail || title || "The server gave an answer this page does not understand.";
    this.retryAfter = retryAfter;
  }

  /** No server answered. */
  get unreachable() {
    return this.status === 0;
  }

  /** The same request may succeed a little later. */
  get passing() {
    return this.unreachable || this.status === 429 || this.status === 503;
  }
}

/** Seconds to wait by a Retry-After header (seconds or a date), null where it says nothing. */
export function retryAfterSeconds(header, now = Date.now()) {
  const text = (header ?? "").trim();
  if (text === "") return null;
  if (/^\d+$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

/** The problem a refused answer describes. A body that is not problem details is never shown. */
export async function problemOf(response) {
  const status = response.status;
  const retryAfter = retryAfterSeconds(response.headers.get("Retry-After"));
  const told = await response.json().catch(() => null);
  if (told && typeof told === "object" && typeof (told.detail ?? told.title) === "string") {
    return new Problem({ status, kind: String(told.kind ?? ""), detail: told.detail, title: told.title, retryAfter });
  }
  return new Problem({ status, retryAfter, detail: `The server answered with status ${status} and no explanation.` });
}

/**
 * A client. `ask` is the browser's fetch; `keys` has `get()`, the key or "", and `renew(refused)`, which asks the
 * reader for one and resolves to it, or to "" when the reader declines. `transfer` posts a form with progress.
 */
export class Client {
  #ask;
  #keys;
  #post;

  constructor({ ask, keys, transfer = post }) {
    this.#ask = ask;
    this.#keys = keys;
    this.#post = transfer;
  }

  /** Whether requests carry a key, so that pictures cannot be loaded by their address alone. */
  get keyed() {
    return this.#keys.get() !== "";
  }

  info(signal) {
    return this.#json(`${base}/info`, { signal });
  }

  async collections(signal) {
    return (await this.#json(`${base}/collections`, { signal })).collections ?? [];
  }

  collection(name, signal) {
    return this.#json(this.#path(name), { signal });
  }

  /** How far the search structure of a collection is. */
  building(collection, signal) {
    return this.#json(`${this.#path(collection)}/index`, { signal });
  }

  /** Whether every part of the service answers: {ready, parts}, where a part is "ok" or what it lacks. Asks for no key. */
  async ready(signal) {
    const response = await this.#once("/readyz", { signal }, "");
    return this.#read(response);
  }

  picture(collection, id, signal) {
    return this.#json(`${this.#path(collection)}/pictures/${encodeURIComponent(id)}`, { signal });
  }

  /** Searches by text, by a picture of the collection (`like`), or both. */
  search(collection, { text, prompts, like, filter, partition, limit, offset }, signal) {
    const body = { limit, offset };
    if (text) body.text = text;
    if (prompts !== undefined) body.prompts = prompts;
    if (like) body.like = like;
    if (filter) body.filter = filter;
    if (partition) body.partition = partition;
    return this.#json(`${this.#path(collection)}/search`, { method: "POST", body, signal });
  }

  /** Searches by a picture of the reader's, with or without text. */
  searchUpload(collection, { image, text, prompts, filter, partition, limit, offset }, signal) {
    const form = new FormData();
    if (text) form.set("text", text);
    if (prompts !== undefined) form.set("prompts", String(prompts));
    if (filter) form.set("filter", filter);
    if (partition) form.set("partition", partition);
    form.set("limit", String(limit));
    form.set("offset", String(offset));
    form.set("image", image, image.name || "picture");
    return this.#json(`${this.#path(collection)}/search/upload`, { method: "POST", form, signal });
  }

  ingest(collection, { path, partition }, signal) {
    const body = partition ? { path, partition } : { path };
    return this.#json(`${this.#path(collection)}/ingest`, { method: "POST", body, signal });
  }

  /** Sends files, each {file, name}, to be added; resolves to a job. `progress(sent, total)` is in bytes. */
  upload(collection, { files, partition }, { progress, signal } = {}) {
    const form = new FormData();
    for (const { file, name } of files) form.append("file", file, name);
    const query = partition ? `?partition=${encodeURIComponent(partition)}` : "";
    return this.#json(`${this.#path(collection)}/upload${query}`, { method: "POST", form, signal, progress });
  }

  async jobs(signal) {
    return (await this.#json(`${base}/jobs`, { signal })).jobs ?? [];
  }

  job(id, signal) {
    return this.#json(`${base}/jobs/${encodeURIComponent(id)}`, { signal });
  }

  cancelJob(id, signal) {
    return this.#json(`${base}/jobs/${encodeURIComponent(id)}/cancel`, { method: "POST", signal });
  }

  /** The bytes behind an address of the service, fetched with the key. */
  async bytes(address, signal) {
    const response = await this.#send(address, { signal });
    return response.blob();
  }

  #path(collection) {
    return `${base}/collections/${encodeURIComponent(collection)}`;
  }

  async #json(address, options) {
    return this.#read(await this.#send(address, options));
  }

  async #read(response) {
    try {
      return await response.json();
    } catch (error) {
      if (error?.name === "AbortError") throw error;
      throw new Problem({ status: response.status });
    }
  }

  /** Sends until the server accepts the key or the reader declines to give one. */
  async #send(address, options) {
    for (;;) {
      const key = this.#keys.get();
      const response = await this.#once(address, options, key);
      if (response.ok) return response;
      const problem = await problemOf(response);
      if (problem.status !== 401) throw problem;
      // Another request may have got a new key meanwhile: then just repeat.
      if (this.#keys.get() === key && !(await this.#keys.renew(key))) throw problem;
      options.signal?.throwIfAborted();
    }
  }

  async #once(address, { method = "GET", body, form, signal, progress }, key) {
    const headers = { Accept: "application/json" };
    if (key) headers.Authorization = `Bearer ${key}`;
    if (body) headers["Content-Type"] = "application/json";
    try {
      if (progress) return await this.#post(address, { headers, form, progress, signal });
      return await this.#ask(address, { method, headers, signal, body: body ? JSON.stringify(body) : form });
    } catch (error) {
      if (error?.name === "AbortError") throw error;
      if (progress) throw new Problem({ detail: "The connection broke off. Is clipseek still running, and are the files still there?" });
      throw new Problem({ detail: "The server does not answer. Is clipseek still running?" });
    }
  }
}
