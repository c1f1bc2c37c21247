// What stands behind the searches, while something is off with it: a part of the service that does not answer, or a
// search structure that does not cover all pictures. Asks on until all is well. Knows nothing of the document.

import { formatCount, sentence } from "./format.js";

const pollMilliseconds = 2000;

const well = { text: "", wrong: false, share: null };

/** What the service lacks, by the answer of /readyz; "" where it lacks nothing. */
export function missingLine({ ready, parts = {} }) {
  if (ready) return "";
  const missing = Object.values(parts).filter((state) => state !== "ok").map(sentence);
  return `${missing.join(". ") || "The service is not ready"}. Trying again.`;
}

/** How far a search structure is: what to say (`text`, "" where all is well), whether it is `wrong`, and the `share` that is built. */
export function buildingLine({ state, total = 0, covered = 0, reason = "" }) {
  switch (state) {
    case "running":
      return { text: `Index: ${formatCount(covered)} of ${formatCount(total)} built`, wrong: false, share: total > 0 ? Math.min(1, covered / total) : 0 };
    case "failed":
      return { text: `The index cannot be built: ${reason}`, wrong: true, share: null };
    case "none":
      return { text: "There is no index and none is being built; clipseek collection build makes one", wrong: true, share: null };
    default:
      return well;
  }
}

export class Standing {
  #client;
  #sleep;
  #changed;
  #back;
  #looking = false;
  #missing = "";
  #building = {};
  #flight = null;

  /**
   * `changed({text, wrong, share})` is told what to say, `back()` that every part answers again after one did not.
   * `sleep(ms, signal)` rejects when the signal aborts.
   */
  constructor({ client, sleep, changed, back }) {
    this.#client = client;
    this.#sleep = sleep;
    this.#changed = changed;
    this.#back = back;
  }

  /** Looks whether every part answers, and goes on looking while one does not. */
  async look() {
    if (this.#looking) return;
    this.#looking = true;
    let waited = false;
    for (; ; waited = true) {
      const told = await this.#client.ready().catch((problem) => ({ ready: false, parts: { service: problem.detail } }));
      this.#missing = missingLine(told);
      this.#tell();
      if (told.ready) break;
      await this.#sleep(pollMilliseconds);
    }
    this.#looking = false;
    if (waited) this.#back();
  }

  /** Follows the search structure of a collection, which is now at `building`; undefined where it has none to follow. */
  async follow(collection, building = {}) {
    this.#flight?.abort();
    const flight = new AbortController();
    this.#flight = flight;
    this.#building = building;
    this.#tell();
    while (this.#building.state === "running") {
      try {
        await this.#sleep(pollMilliseconds, flight.signal);
        const told = await this.#client.building(collection, flight.signal);
        if (flight.signal.aborted) return;
        this.#building = told;
      } catch (error) {
        if (flight.signal.aborted) return;
        if (!error?.passing) this.#building = {}; // the collection is gone, or the key; what asks for them says so
      }
      this.#tell();
    }
  }

  #tell() {
    this.#changed(this.#missing ? { text: this.#missing, wrong: true, share: null } : buildingLine(this.#building));
  }
}
