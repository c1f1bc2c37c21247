// The page put together: the address is the truth, everything else follows it.

import { asksSomething, readAddress, searchKey, writeAddress } from "./address.js";
import { Client } from "./api.js";
import { byId, sleep } from "./dom.js";
import { caption, fileName } from "./format.js";
import { Grid } from "./grid.js";
import { IngestPanel } from "./ingest.js";
import { refusal, watchIntake } from "./intake.js";
import { KeyAsker } from "./keyask.js";
import { PictureLoader } from "./loader.js";
import { Notice } from "./notice.js";
import { Outcome, blamesFilter, showStanding } from "./outcome.js";
import { Place, countIn } from "./place.js";
import { Search } from "./search.js";
import { SearchForm } from "./searchform.js";
import { Standing } from "./standing.js";
import { Start, sampled } from "./start.js";
import { exampleFilters } from "./suggest.js";
import { Viewer } from "./viewer.js";
import { Wording, fieldHint } from "./wording.js";

// An answer usually takes milliseconds; only a slower one is worth empty tiles, which would flicker otherwise.
const patienceMilliseconds = 180;
const serverRetryMilliseconds = 3000;

class Page {
  client = new Client({ ask: (...request) => fetch(...request), keys: new KeyAsker() });
  loader = new PictureLoader(this.client);
  notice = new Notice();
  outcome = new Outcome({ notice: this.notice, again: () => this.search.again(), withoutFilter: () => this.go({ filter: "" }) });
  search = new Search({ changed: (state) => this.draw(state), sleep });
  grid = new Grid({ loader: this.loader, open: (hit) => this.openPicture(hit), like: (hit) => this.moreLike(hit) });
  form = new SearchForm({ submit: (asked) => this.submit(asked), dropPicture: () => this.dropPicture() });
  viewer = new Viewer({ loader: this.loader, closed: () => this.closePicture(), step: (by) => this.stepPicture(by), like: (hit) => this.moreLike(hit) });
  start = new Start({ loader: this.loader, ask: (q) => this.submit({ q, filter: this.form.filter }), like: (hit) => this.moreLike(hit) });
  panel = new IngestPanel({ client: this.client, place: () => ({ collection: this.collection, partition: this.state.partition }), grown: () => this.collectionGrew() });
  place = new Place({ choose: (place) => this.choosePlace(place) });
  wording = new Wording({ choose: (prompts) => this.go({ prompts, view: "" }) });
  standing = new Standing({ client: this.client, sleep, changed: showStanding, back: () => this.cameBack() });

  state = readAddress(location.search);
  info = null;
  count = 0;
  shownKey = "";
  filledFor = "";
  returnTo = "";
  suspected = null;
  known = new Map(); // hits by id, so that a picture need not be asked for again
  uploads = new Map(); // pictures of the reader's by number; an address cannot carry them
  patience = 0;

  get collection() {
    return this.state.collection || this.info?.collection || "";
  }

  /** A model of pictures alone takes no words. */
  get takesWords() {
    return this.info?.model?.text !== false;
  }

  async begin() {
    history.scrollRestoration = "manual";
    addEventListener("popstate", () => this.follow(true));
    byId("home").addEventListener("click", (event) => this.goHome(event));
    byId("more").addEventListener("click", () => this.search.more());
    watchIntake((file) => this.takePicture(file), (transfer) => this.panel.takeDrop(transfer));
    addEventListener("keydown", (event) => this.shortcut(event));
    await this.follow(false); // shows what is asked for while the server is being reached
    await this.connect();
  }

  /** Reads what the server is; asks again until there is one. */
  async connect() {
    while (!this.info) {
      try {
        this.info = await this.client.info();
      } catch (error) {
        const comesBack = Boolean(error.passing);
        this.notice.show({
          title: error.detail,
          tone: "wrong",
          body: comesBack ? ["This page tries again every few seconds."] : [],
          actions: comesBack ? [] : [{ text: "Try again", act: () => this.connect() }],
        });
        if (!comesBack) return;
        await sleep(serverRetryMilliseconds);
      }
    }
    this.notice.hide();
    this.wording.offer(this.info);
    this.form.hint = fieldHint(this.info.model?.languages);
    this.standing.look();
    this.panel.offer(this.info.roots ?? [], this.info.max_bulk_upload_bytes ?? 0);
    if (!this.takesWords) this.form.takeNoWords(this.info.model.name);
    this.offerCollections();
    await this.follow(false);
  }

  async offerCollections() {
    this.place.offerCollections(await this.client.collections().catch(() => []));
    this.showPlace();
  }

  showPlace() {
    this.place.set({ collection: this.collection, partition: this.state.partition });
  }

  /** Goes to another state. */
  go(change, { replace = false } = {}) {
    const next = { ...this.state, ...change };
    history.replaceState({ ...history.state, y: scrollY }, "");
    const told = { upload: next.upload ?? 0, opened: Boolean(next.view) && (replace ? Boolean(history.state?.opened) : true) };
    history[replace ? "replaceState" : "pushState"](told, "", writeAddress(next) || location.pathname);
    this.follow(false);
  }

  /** Shows what the address says. */
  async follow(back) {
    this.state = { ...readAddress(location.search), upload: history.state?.upload ?? 0 };
    this.form.set(this.state);
    this.wording.set(this.state);
    this.showPlace();
    const asks = asksSomething(this.state);
    document.body.dataset.view = asks ? "results" : "start";
    document.title = asks ? `${this.title()} · clipseek` : "clipseek";
    if (!this.info) return;
    const key = searchKey(this.state);
    const same = key === this.shownKey;
    this.shownKey = key;
    if (!same) {
      this.askedPicture();
      this.start.hidden = asks;
      if (asks) this.runSearch(key);
      else await this.showStart();
      if (!this.state.view) scrollTo({ top: back ? history.state?.y ?? 0 : 0, behavior: "instant" });
    }
    this.followView();
  }

  title() {
    if (this.state.q) return this.state.q;
    return this.state.upload ? "your picture" : "more like this";
  }

  submit({ q, filter }) {
    if (!q && !this.state.like && !this.state.upload) {
      this.form.focus();
      if (!this.takesWords) this.notice.show({ title: "Give a picture to look for", body: ["Drop one anywhere on this page, paste it, or choose a file."] });
      else if (filter) this.notice.show({ title: "Say what to look for", body: ["A filter narrows what words or a picture find; it does not search by itself."] });
      return;
    }
    const next = { ...this.state, q, filter, view: "" };
    if (searchKey(next) === this.shownKey) {
      this.search.again();
      return;
    }
    this.go(next);
  }

  goHome(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.go({ q: "", like: "", filter: "", view: "", upload: 0 });
    this.form.focus();
  }

  /** Goes to another collection, all of it, or to another partition of this one. */
  choosePlace({ collection, partition = "" }) {
    if (collection === undefined) this.go({ partition, view: "" });
    else this.go({ collection: collection === this.info.collection ? "" : collection, partition, like: "", view: "" });
  }

  moreLike(hit) {
    this.known.set(hit.id, hit);
    this.go({ q: "", like: hit.id, upload: 0, view: "" });
    byId("status").focus({ preventScroll: true });
  }

  takePicture(file) {
    const why = refusal(file, this.info?.max_upload_bytes ?? 0);
    if (why) {
      this.notice.show({ title: why, tone: "wrong" });
      return;
    }
    const number = Date.now();
    this.uploads.set(number, file);
    // Words that were written and not yet searched belong to the picture; those of the search before do not.
    const q = this.form.text === this.state.q ? "" : this.form.text;
    this.go({ q, like: "", filter: this.form.filter, upload: number, view: "" });
  }

  dropPicture() {
    this.go({ q: this.form.text, like: "", upload: 0, view: "" });
    this.form.focus();
  }

  /** Shows the picture of the question in the search field. */
  async askedPicture() {
    const { like, upload } = this.state;
    if (upload) {
      const file = this.uploads.get(upload);
      if (!file) return this.form.clearPicture();
      return this.form.setPicture(file.name || "your picture", (img) => {
        img.onload = img.onerror = () => URL.revokeObjectURL(img.src);
        img.src = URL.createObjectURL(file);
      });
    }
    if (!like) return this.form.clearPicture();
    const hit = await this.picture(like).catch(() => null);
    if (this.state.like !== like) return;
    if (!hit) return this.form.clearPicture();
    this.form.setPicture(`like ${fileName(hit.path) || caption(hit)}`, (img) => this.loader.now(img, hit.thumbnail));
  }

  async picture(id) {
    if (!this.known.has(id)) this.known.set(id, await this.client.picture(this.collection, id));
    return this.known.get(id);
  }

  runSearch(key) {
    const { q, like, filter, partition, upload } = this.state;
    const collection = this.collection;
    const image = upload ? this.uploads.get(upload) : null;
    if (upload && !image) {
      this.search.clear();
      this.notice.show({ title: "That picture is no longer here", body: ["The page was loaded anew, and the picture was only in its memory. Drop it again to search with it."] });
      return;
    }
    this.countPictures();
    const prompts = this.state.prompts ? this.state.prompts === "on" : undefined; // the service decides
    this.search.run(key, (page, signal) => image
      ? this.client.searchUpload(collection, { image, text: q, prompts, filter, partition, ...page }, signal)
      : this.client.search(collection, { text: q, prompts, like, filter, partition, ...page }, signal));
  }

  /** Asks for what there is to know of the collection. */
  async describe() {
    const { collection, state: { partition } } = this;
    const details = await this.client.collection(collection);
    if (collection !== this.collection || partition !== this.state.partition) return;
    this.count = countIn(details, partition);
    this.place.offerPartitions(details.partitions ?? []);
    this.showPlace();
    this.standing.follow(collection, details.index);
  }

  async countPictures() {
    try {
      await this.describe();
    } catch {
      this.count = 0; // the line then goes without a total; the search itself says what is wrong
    }
    this.outcome.count(this.search.state, this.state, this.count);
  }

  async showStart() {
    this.search.clear();
    try {
      await this.describe();
    } catch (error) {
      const remedy = error.status === 404 && this.state.collection
        ? { text: `Go to ${this.info.collection}`, act: () => this.choosePlace({ collection: this.info.collection }) }
        : { text: "Try again", act: () => this.retryStart() };
      this.start.hidden = true;
      this.notice.show({ title: error.detail, tone: "wrong", body: error.passing ? ["This page goes on by itself when the service is ready."] : [], actions: [remedy] });
      this.suspect(error);
      return;
    }
    if (asksSomething(this.state)) return;
    this.start.hidden = this.count === 0;
    if (this.count === 0) {
      this.showEmpty();
      return;
    }
    const { collection, state: { partition } } = this;
    const mark = `${collection} ${partition} ${this.count}`;
    if (this.filledFor === mark) return;
    this.filledFor = mark;
    const hits = await sampled(this.client, collection, { partition, words: this.takesWords }).catch((error) => {
      this.filledFor = ""; // the start page goes without samples for now
      this.suspect(error);
      return [];
    });
    hits.forEach((hit) => this.known.set(hit.id, hit));
    this.form.setExamples(this.start.fill({ count: this.count, hits, languages: this.info.model?.languages, words: this.takesWords }));
  }

  retryStart() {
    this.shownKey = "";
    this.notice.hide();
    this.follow(false);
  }

  showEmpty() {
    this.outcome.empty(this.state, () => this.panel.open());
  }

  async collectionGrew() {
    this.search.forget();
    this.filledFor = "";
    this.offerCollections();
    if (!asksSomething(this.state)) this.retryStart();
    else await this.countPictures();
  }

  /** Draws a state of the search. */
  draw(state) {
    clearTimeout(this.patience);
    const { phase, hits } = state;
    byId("main").setAttribute("aria-busy", String(phase === "loading" || phase === "more"));
    byId("more").hidden = phase !== "shown" || state.complete;
    this.form.filterWrong = blamesFilter(state);
    this.grid.mark({ stale: phase === "loading", weak: state.weak });
    if (phase === "loading" || phase === "more") {
      this.patience = setTimeout(() => this.drawWaiting(phase), patienceMilliseconds);
      return;
    }
    hits.forEach((hit) => this.known.set(hit.id, hit));
    if (hits.length) this.grid.show(hits, { matchScore: this.onlyWords ? this.info?.model?.match_score : 0 });
    else this.grid.clear();
    if (hits.length && !this.form.hasExamples) this.form.setExamples(exampleFilters(hits));
    this.outcome.show(state, this.state, this.count);
    this.suspect(state.problem);
    if (phase === "shown" && !hits.length && !this.state.filter) this.explainNothing();
    if (this.state.view) this.followView();
  }

  /** A problem that passes may be of a part that is away; a countdown tells of the same one each second. */
  suspect(problem) {
    if (problem?.passing && problem !== this.suspected) this.standing.look();
    this.suspected = problem;
  }

  /** Every part answers again: what failed meanwhile is done now. */
  cameBack() {
    const { phase, problem } = this.search.state;
    if (phase === "waiting" || (phase === "failed" && problem.passing)) this.search.again();
    else if (!asksSomething(this.state)) this.retryStart();
  }

  drawWaiting(phase) {
    this.grid.blank(phase === "more");
    this.grid.mark({});
    if (phase === "loading") this.outcome.searching();
  }

  /** Nothing found and no filter: the collection may be empty, which has another remedy. */
  async explainNothing() {
    await this.countPictures();
    if (this.count === 0 && this.search.state.phase === "shown") this.showEmpty();
  }

  /** Scores of words and of pictures are on different scales; the model's match score is one of words. */
  get onlyWords() {
    return Boolean(this.state.q) && !this.state.like && !this.state.upload;
  }

  openPicture(hit) {
    this.known.set(hit.id, hit);
    this.go({ view: hit.id });
  }

  /**
   * Where the viewer was opened from here, closing is going back; otherwise the address loses its last part. A browser
   * may tell of one closing twice (Escape, then the dialog's end), and going back takes a moment.
   */
  closePicture() {
    if (!this.state.view || this.returnTo) return;
    this.returnTo = this.state.view;
    if (history.state?.opened) history.back();
    else this.go({ view: "" }, { replace: true });
  }

  async stepPicture(by) {
    const at = this.search.state.hits.findIndex((hit) => hit.id === this.state.view);
    if (at < 0) return;
    if (at + by >= this.search.state.hits.length) await this.search.more();
    const next = this.search.state.hits[at + by];
    if (next) this.go({ view: next.id }, { replace: true });
  }

  /** Opens or closes the viewer as the address says. */
  async followView() {
    const { view } = this.state;
    if (!view) {
      if (this.viewer.shown) this.viewer.hide();
      if (this.returnTo) this.grid.focus(this.returnTo);
      this.returnTo = "";
      return;
    }
    const { phase, hits, complete } = this.search.state;
    if (phase === "loading") return; // the picture may be among the hits; their arrival leads here again
    const at = hits.findIndex((hit) => hit.id === view);
    try {
      const hit = at >= 0 ? hits[at] : await this.picture(view);
      if (this.state.view !== view) return;
      const place = at >= 0 ? `${at + 1} of ${complete ? hits.length : `${hits.length}+`}` : "";
      this.viewer.show(hit, { place, before: at > 0, after: at >= 0 && (at + 1 < hits.length || !complete) });
    } catch (error) {
      this.go({ view: "" }, { replace: true });
      this.notice.show({ title: error.detail, tone: "wrong" });
    }
  }

  /** "/" leads to the search field from anywhere. */
  shortcut(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    this.form.focus();
  }
}

new Page().begin();
