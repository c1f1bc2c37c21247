// Adding pictures: files of the reader's, or a folder of the server's, with progress.

import { byId, element } from "./dom.js";
import { countOf, fileName, formatCount, formatSeconds, sentence } from "./format.js";
import { Uploads } from "./upload.js";

const pollMilliseconds = 700;
const pollAfterFailure = 3000;

/** Whether a job may still change. */
export function runs(job) {
  return job.state === "queued" || job.state === "running";
}

/** How far a job is, 0 to 1; null while it is still looking for pictures. */
export function progress(job) {
  if (!(job.found > 0)) return null;
  const treated = (job.indexed ?? 0) + (job.unchanged ?? 0) + (job.failed ?? 0);
  return Math.min(1, treated / job.found);
}

/** A job in one sentence. */
export function jobLine(job) {
  const told = treated(job, `${countOf(job.indexed ?? 0, "picture")} added`);
  switch (job.state) {
    case "queued": return "Waiting for its turn";
    case "running": {
      if (!(job.found > 0)) return job.waiting ? `Waiting: ${job.waiting}` : "Looking for pictures";
      const pace = job.pictures_per_second > 0 ? `, ${formatCount(Math.round(job.pictures_per_second))} a second` : "";
      const left = job.seconds_left > 0 ? `, ${formatSeconds(job.seconds_left)} left` : "";
      const told = treated(job, `${formatCount(job.indexed ?? 0)} of ${countOf(job.found, "picture")} added`);
      return job.waiting ? `${told}. Waiting: ${job.waiting}` : `${told}${pace}${left}`;
    }
    case "done": return job.found === 0 ? `Done: ${treated(job, "no pictures in it")}` : `Done in ${formatSeconds(job.seconds ?? 0)}: ${told}`;
    case "paused": return `Paused: ${told}`;
    case "canceled": return `Stopped: ${told}`;
    default: return job.error ? `Failed: ${job.error}` : `Failed: ${told}`;
  }
}

function treated(job, added) {
  const counts = [added];
  if (job.unchanged) counts.push(`${formatCount(job.unchanged)} there already`);
  if (job.failed) counts.push(`${formatCount(job.failed)} not readable`);
  if (job.removed) counts.push(`${formatCount(job.removed)} removed, whose files are gone`);
  return counts.join(", ");
}

/** What a job left that it was asked to remove, and why, in a sentence; "" where there is nothing to say. */
export function jobNotice(job) {
  return job.notice ? `${sentence(job.notice).replace(/[.]$/, "")}.` : "";
}

export class IngestPanel {
  #dialog = byId("add");
  #path = byId("add-path");
  #problem = byId("add-problem");
  #list = byId("jobs");
  #client;
  #place;
  #grown;
  #roots = [];
  #jobs = new Map();
  #rows = new Map();
  #timer = 0;
  #uploads;

  /** `place()` is where pictures go, {collection, partition}; `grown(job)` is told when a job has ended. */
  constructor({ client, place, grown }) {
    this.#client = client;
    this.#place = place;
    this.#grown = grown;
    this.#uploads = new Uploads({
      dialog: this.#dialog,
      send: (files, options) => {
        const { collection, partition } = this.#place();
        return this.#client.upload(collection, { files, partition }, options);
      },
      job: (job) => {
        this.#know(job, true);
        this.#watch();
      },
    });
    byId("add-open").addEventListener("click", () => this.open());
    byId("add-close").addEventListener("click", () => this.#dialog.close());
    byId("add-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
  }

  /** Offers the folders, if there are any, and uploads of at most so many bytes. Jobs that run already are shown in the bar. */
  async offer(roots, mostBytes) {
    this.#roots = roots;
    this.#uploads.most = mostBytes;
    byId("add-open").hidden = false;
    byId("add-form").hidden = roots.length === 0;
    await this.#refresh();
    if (!roots.length) return;
    byId("add-roots").replaceChildren(...roots.map((root) => element("option", { value: root })));
    byId("add-hint").textContent = `${roots.length === 1 ? roots[0] : `One of ${roots.join(", ")}`}, or a folder in it. Pictures are read where they are; each folder's name becomes the label of its pictures.`;
    this.#path.value = roots[0];
  }

  /** Adds what was dropped on the page. */
  takeDrop(transfer) {
    this.#uploads.takeDrop(transfer); // at once: a drop is readable only within its event
    this.open();
  }

  async open() {
    const { partition } = this.#place();
    byId("add-title").textContent = partition ? `Add pictures to ${partition}` : "Add pictures";
    this.#dialog.showModal();
    (this.#roots.length ? this.#path : byId("add-files")).focus();
    await this.#refresh();
  }

  async #refresh() {
    try {
      for (const job of [...await this.#client.jobs()].reverse()) this.#know(job); // they come newest first, and the last that is drawn is on top
      this.#watch();
    } catch (error) {
      this.#tell(sentence(error.detail));
    }
  }

  async #start() {
    this.#tell("");
    byId("add-go").disabled = true;
    try {
      const { collection, partition } = this.#place();
      this.#know(await this.#client.ingest(collection, { path: this.#path.value.trim(), partition }), true);
      this.#watch();
    } catch (error) {
      this.#tell(sentence(error.detail));
    } finally {
      byId("add-go").disabled = false;
    }
  }

  async #cancel(id) {
    try {
      this.#know(await this.#client.cancelJob(id));
    } catch (error) {
      this.#tell(sentence(error.detail));
    }
  }

  #tell(text) {
    this.#problem.textContent = text;
    this.#problem.hidden = text === "";
  }

  #watch(delay = pollMilliseconds) {
    clearTimeout(this.#timer);
    if ([...this.#jobs.values()].some(runs)) this.#timer = setTimeout(() => this.#poll(), delay);
  }

  async #poll() {
    const going = [...this.#jobs.values()].filter(runs);
    try {
      for (const job of await Promise.all(going.map((each) => this.#client.job(each.id)))) this.#know(job);
      this.#tell("");
      this.#watch();
    } catch (error) {
      this.#tell(sentence(error.detail));
      // A job the server no longer knows will not come back.
      if (error.status === 404) going.forEach((job) => this.#jobs.delete(job.id));
      this.#watch(pollAfterFailure);
    }
  }

  #know(job, fresh = false) {
    const before = this.#jobs.get(job.id);
    this.#jobs.set(job.id, job);
    this.#draw(job);
    this.#drawBar();
    if (!runs(job) && (fresh || (before && runs(before)))) this.#grown(job);
  }

  #drawBar() {
    const going = [...this.#jobs.values()].filter(runs);
    const text = byId("add-open-text");
    if (!going.length) {
      text.textContent = "Add pictures";
      return;
    }
    const done = going.map(progress).filter((share) => share !== null);
    const mean = done.length ? done.reduce((sum, share) => sum + share, 0) / done.length : null;
    text.textContent = mean === null ? "Adding …" : `Adding, ${Math.floor(mean * 100)} %`;
  }

  /** Rows are made once and then only changed, so that an open list of failures and the focus stay. */
  #draw(job) {
    let row = this.#rows.get(job.id);
    if (!row) {
      row = jobRow(job, () => this.#cancel(job.id));
      this.#rows.set(job.id, row);
      this.#list.prepend(row.item);
    }
    row.line.textContent = jobLine(job);
    row.notice.textContent = jobNotice(job);
    row.notice.hidden = row.notice.textContent === "";
    row.item.dataset.state = job.state;
    row.stop.hidden = !runs(job);
    row.bar.hidden = !runs(job);
    const share = progress(job);
    if (share === null) row.bar.removeAttribute("value");
    else row.bar.value = share;
    drawFailures(row, job);
  }
}

function jobRow(job, cancel) {
  const line = element("p", { class: "job-line", "aria-live": "polite" });
  const notice = element("p", { class: "job-notice", "aria-live": "polite", hidden: true });
  const bar = element("progress", { max: "1", "aria-label": `Progress of ${fileName(job.path)}` });
  const stop = element("button", { class: "plain", type: "button", on: { click: cancel } }, "Stop");
  const summary = element("summary");
  const failures = element("ul", { class: "failures" });
  const details = element("details", { hidden: true }, summary, failures);
  const item = element("li", { class: "job" },
    element("div", { class: "job-head" }, element("p", { class: "job-path code", title: job.path }, job.path), stop), bar, line, notice, details);
  return { item, line, notice, bar, stop, summary, failures, details };
}

function drawFailures(row, job) {
  const failures = job.failures ?? [];
  row.details.hidden = failures.length === 0;
  if (failures.length === row.failures.childElementCount) return;
  const all = job.failed ?? failures.length;
  row.summary.textContent = all > failures.length ? `${countOf(all, "file")} not added, ${formatCount(failures.length)} of them listed` : `${countOf(all, "file")} not added`;
  row.failures.replaceChildren(...failures.map(({ path, reason }) => element("li", {}, element("span", { class: "code" }, path), element("span", {}, reason))));
}
