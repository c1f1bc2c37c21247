// One search at a time: the next one cancels the one in flight, busy servers are asked again, further pages are
// added, and answers already seen come back at once when the reader goes back. Knows nothing of the document.

export const pageSize = 16;

const mostTries = 6;
const mostRemembered = 20;
// Waiting times where the server names none: 2, 4, 8 ... seconds.
const firstWait = 2;
const longestWait = 30;

/** Seconds before try number `tries` (from 1), by the server's word where it gave one. */
export function waitBefore(tries, retryAfter) {
  const wanted = retryAfter ?? firstWait * 2 ** (tries - 1);
  return Math.min(Math.max(1, wanted), longestWait);
}

/** The hits of a further page behind those already there, none twice. */
export function joined(hits, further) {
  const seen = new Set(hits.map((hit) => hit.id));
  return [...hits, ...further.filter((hit) => !seen.has(hit.id))];
}

const nothing = { phase: "idle", hits: [], weak: false, prompts: false, note: "", took: null, complete: true, problem: null, seconds: 0 };

/**
 * `ask({limit, offset}, signal)` is given with each search and resolves to the service's answer. `changed(state)` gets
 * every new state; its phase is idle, loading (no page yet), more (a further page), waiting (`seconds` to the next try),
 * shown or failed (`problem`). `sleep(ms, signal)` rejects when the signal aborts.
 */
export class Search {
  #changed;
  #sleep;
  #ask = null;
  #key = "";
  #flight = null;
  #hurry = null;
  #remembered = new Map();
  state = nothing;

  constructor({ changed, sleep }) {
    this.#changed = changed;
    this.#sleep = sleep;
  }

  /** Starts a search; `key` names it for going back. */
  run(key, ask) {
    this.#abort();
    this.#key = key;
    this.#ask = ask;
    const known = this.#remembered.get(key);
    if (known) {
      this.#set(known);
      return Promise.resolve();
    }
    this.#set({ ...nothing, phase: "loading" });
    return this.#page();
  }

  /** Adds the next page. */
  more() {
    if (this.state.phase !== "shown" || this.state.complete) return Promise.resolve();
    this.#set({ ...this.state, phase: "more" });
    return this.#page();
  }

  /** Tries again at once, during a countdown or after a failure. */
  again() {
    if (this.state.phase === "waiting") {
      this.#hurry?.();
      return Promise.resolve();
    }
    if (this.state.phase !== "failed") return Promise.resolve();
    this.#set({ ...this.state, phase: this.state.hits.length ? "more" : "loading", problem: null });
    return this.#page();
  }

  /** Ends what is in flight and shows nothing. */
  clear() {
    this.#abort();
    this.#key = "";
    this.#set(nothing);
  }

  /** Forgets the answers, because the collection has changed. */
  forget() {
    this.#remembered.clear();
  }

  #abort() {
    this.#flight?.abort();
    this.#flight = null;
  }

  #set(state) {
    this.state = state;
    this.#changed(state);
  }

  async #page() {
    const flight = new AbortController();
    this.#flight = flight;
    const { hits } = this.state;
    for (let tries = 1; ; tries++) {
      try {
        const answer = await this.#ask({ limit: pageSize, offset: hits.length }, flight.signal);
        if (!flight.signal.aborted) this.#show(hits, answer);
        return;
      } catch (error) {
        if (flight.signal.aborted) return;
        if (!error?.passing || tries >= mostTries) {
          this.#set({ ...this.state, phase: "failed", problem: error, seconds: 0 });
          return;
        }
        if (!(await this.#countdown(error, waitBefore(tries, error.retryAfter), flight.signal))) return;
        this.#set({ ...this.state, phase: hits.length ? "more" : "loading", seconds: 0 });
      }
    }
  }

  #show(before, answer) {
    const page = answer.hits ?? [];
    const shown = {
      phase: "shown",
      hits: joined(before, page),
      weak: before.length ? this.state.weak : Boolean(answer.weak),
      prompts: Boolean(answer.prompts),
      note: answer.language_note ?? "",
      took: answer.took_ms ?? null,
      complete: page.length < pageSize,
      problem: null,
      seconds: 0,
    };
    this.#remembered.delete(this.#key);
    this.#remembered.set(this.#key, shown);
    if (this.#remembered.size > mostRemembered) this.#remembered.delete(this.#remembered.keys().next().value);
    this.#set(shown);
  }

  /** Counts down; false when the search was cancelled meanwhile. */
  async #countdown(problem, seconds, signal) {
    let hurried = false;
    const hurry = new Promise((resolve) => {
      this.#hurry = () => {
        hurried = true;
        resolve();
      };
    });
    for (let left = seconds; left > 0 && !hurried; left--) {
      this.#set({ ...this.state, phase: "waiting", problem, seconds: left });
      await Promise.race([hurry, this.#sleep(1000, signal).catch(() => {})]);
      if (signal.aborted) return false;
    }
    this.#hurry = null;
    return true;
  }
}
