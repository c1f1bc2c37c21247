import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "./assets/api.js";
import { Standing, buildingLine, missingLine } from "./assets/standing.js";

const tick = async (ms, signal) => signal?.throwIfAborted();
const running = (covered) => ({ state: "running", total: 20000, covered });

function watched(client, { sleep = tick } = {}) {
  const told = [];
  const standing = new Standing({ client, sleep, changed: ({ text }) => told.push(text), back: () => told.push("back") });
  return { standing, told };
}

/** Gives one answer after the other; an Error is thrown. */
function inTurn(...answers) {
  return async () => {
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  };
}

test("what is missing is told in a sentence", () => {
  assert.equal(missingLine({ ready: true, parts: { index: "ok" } }), "");
  assert.equal(missingLine({ ready: false, parts: { index: "milvus at h:1 does not answer", model: "ok" } }), "Milvus at h:1 does not answer. Trying again.");
  assert.equal(missingLine({ ready: false, parts: { index: "no answer", model: "another model" } }), "No answer. Another model. Trying again.");
  assert.equal(missingLine({ ready: false }), "The service is not ready. Trying again.");
});

test("how far an index is", () => {
  assert.deepEqual(buildingLine(running(12000)), { text: "Index: 12,000 of 20,000 built", wrong: false, share: 0.6 });
  assert.equal(buildingLine({ state: "running" }).share, 0);
  assert.deepEqual(buildingLine({ state: "failed", reason: "no memory" }), { text: "The index cannot be built: no memory", wrong: true, share: null });
  assert.equal(buildingLine({ state: "none" }).wrong, true);
  assert.deepEqual([{ state: "done" }, {}].map(buildingLine).map(({ text }) => text), ["", ""]);
});

test("a service that is ready is left alone", async () => {
  const { standing, told } = watched({ ready: inTurn({ ready: true }) });
  await standing.look();
  assert.deepEqual(told, [""]);
});

test("a part that is away is waited for, by one", async () => {
  const ready = inTurn({ ready: false, parts: { index: "away", model: "ok" } }, new Problem({ detail: "gone" }), { ready: true });
  const { standing, told } = watched({ ready });
  await Promise.all([standing.look(), standing.look()]);
  assert.deepEqual(told, ["Away. Trying again.", "Gone. Trying again.", "", "back"]);
});

test("an index is followed to its end, through an outage", async () => {
  const building = inTurn(running(15000), new Problem({ status: 503, detail: "away" }), { state: "done" });
  const { standing, told } = watched({ building });
  await standing.follow("c", running(12000));
  assert.deepEqual(told, ["Index: 12,000 of 20,000 built", "Index: 15,000 of 20,000 built", "Index: 15,000 of 20,000 built", ""]);
});

test("an index that fails, or goes away, is not asked for again", async () => {
  for (const [last, text] of [[{ state: "failed", reason: "no memory" }, "The index cannot be built: no memory"], [new Problem({ status: 404 }), ""]]) {
    const { standing, told } = watched({ building: inTurn(last) });
    await standing.follow("c", running(12000));
    assert.deepEqual(told, ["Index: 12,000 of 20,000 built", text]);
  }
});

test("another collection takes the place of the one that is followed", async () => {
  const asked = [];
  let finish;
  const building = (collection) => {
    asked.push(collection);
    return new Promise((resolve) => { finish = () => resolve(running(13000)); });
  };
  const { standing, told } = watched({ building });
  const first = standing.follow("a", running(12000));
  await tick();
  await tick();
  await standing.follow("b");
  finish();
  await first;
  assert.deepEqual(asked, ["a"]);
  assert.deepEqual(told, ["Index: 12,000 of 20,000 built", ""]);
});

test("what is missing is told before how far an index is", async () => {
  const { standing, told } = watched({ ready: inTurn({ ready: false, parts: { model: "away" } }, { ready: true }), building: inTurn({ state: "done" }) });
  const looking = standing.look();
  await standing.follow("c", { state: "failed", reason: "no memory" });
  await looking;
  assert.deepEqual(told.at(-2), "The index cannot be built: no memory");
  assert.ok(told.includes("Away. Trying again."));
});
