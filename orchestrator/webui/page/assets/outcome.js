// What the page says about a search: the line above the pictures, and the notice where something is off.

import { byId, element } from "./dom.js";
import { countOf, formatCount, formatMilliseconds, quoted, sentence } from "./format.js";
import { codeLine } from "./notice.js";

/** "16 of 240 pictures, the nearest first · 3.3 ms"; "" where there is nothing to count. A total of 0 is not known. */
export function statusLine({ shown, total, filtered, milliseconds, prompts }) {
  if (!shown) return "";
  const counted = total > 0 ? `${formatCount(shown)} of ${countOf(total, "picture")}` : countOf(shown, "picture");
  const order = filtered ? "the nearest that pass the filter" : "the nearest first";
  return `${counted}, ${order}${milliseconds ? ` · ${formatMilliseconds(milliseconds)}` : ""}${prompts ? " · with templates" : ""}`;
}

/** Whether a refusal is about the filter, so that its field can be marked. */
export function blamesFilter({ phase, problem }) {
  return phase === "failed" && problem?.kind === "invalid" && /filter/i.test(problem.detail);
}

/** Shows what is off behind the searches ({text, wrong, share}), in a line that goes away by itself. */
export function showStanding({ text, wrong, share }) {
  const box = byId("standing");
  box.hidden = text === "";
  box.dataset.tone = wrong ? "wrong" : "quiet";
  const line = byId("standing-line");
  line.ariaLive = wrong ? "polite" : "off"; // figures that grow are not read out
  line.textContent = text;
  const bar = byId("standing-bar");
  bar.hidden = share === null;
  bar.value = share ?? 0;
}

export class Outcome {
  #line = byId("status");
  #notice;
  #again;
  #withoutFilter;

  /** `again()` repeats the search, `withoutFilter()` repeats it with no filter. */
  constructor({ notice, again, withoutFilter }) {
    this.#notice = notice;
    this.#again = again;
    this.#withoutFilter = withoutFilter;
  }

  searching() {
    this.#notice.hide();
    this.#line.textContent = "Searching …";
  }

  /** Shows a state of the search; `asked` is {q, filter}, `total` the pictures of the collection. */
  show(state, asked, total) {
    this.count(state, asked, total);
    const { phase, hits, weak, note, problem, seconds } = state;
    if (phase === "waiting") {
      this.#notice.show({
        title: problem.detail,
        tone: "wrong",
        body: [`Trying again in ${seconds} s.`],
        actions: [{ text: "Try now", act: this.#again }],
      });
    } else if (phase === "failed") {
      const mayHelp = problem.passing || problem.status >= 500;
      this.#notice.show({ title: problem.detail ?? "The page made a mistake", tone: "wrong", actions: mayHelp ? [{ text: "Try again", act: this.#again }] : [] });
    } else if (phase === "shown" && !hits.length) {
      this.#nothing(asked);
    } else if (phase === "shown" && weak) {
      this.#notice.show({ title: `Nothing here looks much like ${asked.q ? quoted(asked.q) : "that picture"}`, body: ["These are the nearest.", ...(note ? [`${sentence(note)}.`] : [])] });
    } else if (phase === "shown" && note) {
      this.#notice.show({ title: sentence(note) });
    } else {
      this.#notice.hide();
    }
  }

  /** Writes the line above the pictures. */
  count({ phase, hits, took, prompts }, asked, total) {
    const shown = phase === "shown" ? hits.length : 0;
    this.#line.textContent = statusLine({ shown, total, filtered: Boolean(asked.filter), milliseconds: took?.total, prompts });
    this.#line.title = shown && took ? Object.entries(took).map(([part, ms]) => `${part} ${formatMilliseconds(ms)}`).join(", ") : "";
  }

  /** Says how pictures get into a collection; `add` opens the panel that does it, where there is one. */
  empty({ collection, partition }, add) {
    this.#line.textContent = "";
    this.#notice.show({
      title: "There are no pictures here yet",
      body: ["Drop pictures, a folder or an archive on this page, or have clipseek read a folder of the server's where it is:", codeLine(`clipseek ingest ~/Pictures${collection ? ` --collection ${collection}` : ""}${partition ? ` --partition ${partition}` : ""}`)],
      actions: add ? [{ text: "Add pictures", act: add }] : [],
    });
  }

  #nothing({ filter }) {
    if (!filter) {
      this.#notice.show({ title: "Nothing found", body: ["Try other words, or a picture."] });
      return;
    }
    this.#notice.show({
      title: "No picture passes the filter",
      body: [element("p", {}, element("code", {}, filter))],
      actions: [{ text: "Search without it", act: this.#withoutFilter }],
    });
  }
}
