import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "./assets/api.js";
import { Search, joined, pageSize, waitBefore } from "./assets/search.js";

const page = (from, count = pageSize) => ({ hits: Array.from({ length: count }, (_, at) => ({ id: String(from + at), score: 1 })), weak: false });
const tick = async () => {};

function watched({ sleep = tick } = {}) {
  const phases = [];
  const search = new Search({ changed: (state) => phases.push(state.phase), sleep });
  return { search, phases };
}

test("pages are added until one is not full", async () => {
  const { search, phases } = watched();
  const offsets = [];
  await search.run("k", async ({ offset }) => {
    offsets.push(offset);
    return page(offset, offset === 0 ? pageSize : 3);
  });
  assert.equal(search.state.complete, false);
  await search.more();
  assert.deepEqual(offsets, [0, 16]);
  assert.equal(search.state.hits.length, 19);
  assert.equal(search.state.complete, true);
  await search.more();
  assert.deepEqual(phases, ["loading", "shown", "more", "shown"]);
});

test("the next search cancels the one in flight", async () => {
  const { search } = watched();
  let signal;
  let finish;
  const first = search.run("a", (_, given) => {
    signal = given;
    return new Promise((resolve) => { finish = () => resolve(page(100)); });
  });
  await search.run("b", async () => page(0, 2));
  assert.equal(signal.aborted, true);
  finish();
  await first;
  assert.deepEqual(search.state.hits.map((hit) => hit.id), ["0", "1"]);
});

test("a busy server is asked again after the time it named", async () => {
  const seconds = [];
  const search = new Search({ changed: (state) => state.phase === "waiting" && seconds.push(state.seconds), sleep: tick });
  let tries = 0;
  await search.run("k", async () => {
    if (++tries === 1) throw new Problem({ status: 429, detail: "busy", retryAfter: 3 });
    return page(0, 1);
  });
  assert.deepEqual(seconds, [3, 2, 1]);
  assert.equal(search.state.phase, "shown");
});

test("the reader need not wait for the countdown", async () => {
  const search = new Search({
    changed: (state) => state.phase === "waiting" && queueMicrotask(() => search.again()),
    sleep: () => new Promise(() => {}),
  });
  let tries = 0;
  await search.run("k", async () => {
    if (++tries === 1) throw new Problem({ status: 503, retryAfter: 30 });
    return page(0, 1);
  });
  assert.equal(search.state.phase, "shown");
});

test("a server that stays away is given up, and can be asked again", async () => {
  const { search } = watched();
  let tries = 0;
  let up = false;
  await search.run("k", async () => {
    tries++;
    if (!up) throw new Problem({});
    return page(0, 1);
  });
  assert.equal(tries, 6);
  assert.equal(search.state.phase, "failed");
  up = true;
  await search.again();
  assert.equal(search.state.phase, "shown");
});

test("a wrong query is not repeated", async () => {
  const { search } = watched();
  let tries = 0;
  await search.run("k", async () => {
    tries++;
    throw new Problem({ status: 400, kind: "invalid", detail: "too long" });
  });
  assert.equal(tries, 1);
  assert.equal(search.state.problem.detail, "too long");
});

test("a further page that is refused leaves the pictures there", async () => {
  const { search } = watched();
  await search.run("k", async ({ offset }) => {
    if (offset) throw new Problem({ status: 500, detail: "no" });
    return page(0);
  });
  await search.more();
  assert.equal(search.state.phase, "failed");
  assert.equal(search.state.hits.length, pageSize);
});

test("going back needs no server, until the collection has changed", async () => {
  const { search } = watched();
  let asked = 0;
  const ask = async () => {
    asked++;
    return page(0, 2);
  };
  await search.run("a", ask);
  await search.run("b", ask);
  await search.run("a", ask);
  assert.equal(asked, 2);
  search.forget();
  await search.run("a", ask);
  assert.equal(asked, 3);
});

test("waiting times double and are bounded", () => {
  assert.deepEqual([1, 2, 3, 6].map((tries) => waitBefore(tries, null)), [2, 4, 8, 30]);
  assert.equal(waitBefore(1, 0), 1);
  assert.equal(waitBefore(1, 3600), 30);
});

test("no picture is shown twice", () => {
  assert.deepEqual(joined([{ id: "1" }], [{ id: "1" }, { id: "2" }]).map((hit) => hit.id), ["1", "2"]);
});
