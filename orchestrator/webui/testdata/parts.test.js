import assert from "node:assert/strict";
import { test } from "node:test";
import { likelyEnd, neighbour } from "./assets/grid.js";
import { jobLine, jobNotice, progress, runs } from "./assets/ingest.js";
import { refusal } from "./assets/intake.js";
import { blamesFilter, statusLine } from "./assets/outcome.js";
import { countIn } from "./assets/place.js";
import { probe, sampled, stripColumns } from "./assets/start.js";
import { exampleFilters, examplePhrases, labelsOf, samples, speaks, wordless } from "./assets/suggest.js";
import { allFields, mainFacts } from "./assets/viewer.js";

const hit = (id, label) => ({ id, path: `${id}.jpg`, fields: label ? { label } : {} });

test("arrow keys move in the grid and stop at its edges", () => {
  assert.equal(neighbour("ArrowRight", 0, 16, 6), 1);
  assert.equal(neighbour("ArrowDown", 3, 16, 6), 9);
  assert.equal(neighbour("ArrowDown", 12, 16, 6), -1);
  assert.equal(neighbour("ArrowLeft", 0, 16, 6), -1);
  assert.equal(neighbour("x", 0, 16, 6), -1);
});

test("likely matches end at the first hit below the match score", () => {
  const hits = [{ score: 0.7 }, { score: 0.53 }, { score: 0.52 }];
  assert.equal(likelyEnd(hits, 0.53), 2);
  assert.equal(likelyEnd(hits, 0.8), -1);
  assert.equal(likelyEnd(hits, undefined), -1);
  assert.equal(likelyEnd([], 0.5), -1);
});

test("a job is told in one sentence", () => {
  const job = { found: 240, indexed: 118, unchanged: 0, failed: 2, pictures_per_second: 40.2, seconds: 3, seconds_left: 3 };
  assert.equal(jobLine({ ...job, state: "running" }), "118 of 240 pictures added, 2 not readable, 40 a second, 3 s left");
  assert.equal(jobLine({ ...job, state: "done" }), "Done in 3 s: 118 pictures added, 2 not readable");
  assert.equal(jobLine({ ...job, state: "canceled" }), "Stopped: 118 pictures added, 2 not readable");
  assert.equal(jobLine({ state: "failed", error: "the disk is full" }), "Failed: the disk is full");
  assert.equal(jobLine({ state: "running", found: 0 }), "Looking for pictures");
  assert.equal(jobLine({ ...job, state: "running", waiting: "Milvus does not answer" }), "118 of 240 pictures added, 2 not readable. Waiting: Milvus does not answer");
  assert.equal(jobLine({ state: "done", found: 0 }), "Done: no pictures in it");
  assert.equal(progress({ ...job }), 0.5);
  assert.equal(progress({ found: 0 }), null);
  assert.deepEqual(["queued", "running", "done", "failed", "canceled"].filter((state) => runs({ state })), ["queued", "running"]);
});

test("a job tells what it removed, and what it left", () => {
  const job = { state: "done", found: 3, indexed: 1, unchanged: 2, seconds: 3, removed: 1200, notice: "shard.tar: it cannot be read; 2 pictures cannot be looked for and stay" };
  assert.equal(jobLine(job), "Done in 3 s: 1 picture added, 2 there already, 1,200 removed, whose files are gone");
  assert.equal(jobLine({ state: "done", found: 0, removed: 5 }), "Done: no pictures in it, 5 removed, whose files are gone");
  assert.equal(jobLine({ ...job, removed: 0 }), "Done in 3 s: 1 picture added, 2 there already");
  assert.equal(jobNotice({ notice: "nothing was removed, because the source could not be listed to its end" }), "Nothing was removed, because the source could not be listed to its end.");
  assert.equal(jobNotice({ notice: "It stays." }), "It stays.");
  assert.equal(jobNotice(job), "shard.tar: it cannot be read; 2 pictures cannot be looked for and stay.");
  assert.equal(jobNotice({}), "");
});

test("a file that cannot be a query is refused with a reason", () => {
  assert.equal(refusal({ name: "a.jpg", size: 10, type: "image/jpeg" }, 100), "");
  assert.equal(refusal({ name: "a.heic", size: 10, type: "" }, 100), "");
  assert.match(refusal({ name: "a.jpg", size: 2048, type: "image/jpeg" }, 1024), /a\.jpg is 2\.0 KB; the server takes at most 1\.0 KB/);
  assert.match(refusal({ name: "a.jpg", size: 0, type: "image/jpeg" }, 1024), /empty/);
  assert.match(refusal({ name: "a.pdf", size: 9, type: "application/pdf" }, 1024), /not a picture/);
});

test("the line above the pictures", () => {
  assert.equal(statusLine({ shown: 16, total: 240, filtered: false, milliseconds: 3.31 }), "16 of 240 pictures, the nearest first · 3.3 ms");
  assert.equal(statusLine({ shown: 1, total: 0, filtered: true }), "1 picture, the nearest that pass the filter");
  assert.equal(statusLine({ shown: 2, total: 3, milliseconds: 3, prompts: true }), "2 of 3 pictures, the nearest first · 3.0 ms · with templates");
  assert.equal(statusLine({ shown: 0, total: 240 }), "");
});

test("the pictures of a partition are counted, or of all", () => {
  const details = { count: 240, partitions: [{ name: "_default", count: 40 }, { name: "y2024", count: 200 }] };
  assert.deepEqual(["", "y2024", "gone"].map((partition) => countIn(details, partition)), [240, 200, 0]);
  assert.equal(countIn({ count: 7 }, ""), 7);
});

test("only a wrong filter is blamed", () => {
  const problem = (detail, kind = "invalid") => ({ phase: "failed", problem: { kind, detail } });
  assert.equal(blamesFilter(problem("filter, column 7: no such operator")), true);
  assert.equal(blamesFilter(problem("the query is too long")), false);
  assert.equal(blamesFilter({ phase: "shown", problem: null }), false);
});

test("labels that say nothing are not offered", () => {
  assert.deepEqual(["apple", "Granny-Smith", "红苹果", "2024", "DCIM100", "x", "", undefined, "a".repeat(40)].filter(speaks), ["apple", "Granny-Smith", "红苹果"]);
});

test("examples come from what is there", () => {
  const hits = [hit("1", "apple"), hit("2", "apple"), hit("3"), hit("4", "lemon")];
  assert.deepEqual(labelsOf(hits), ["apple", "lemon"]);
  assert.deepEqual(samples(hits, 3).map(({ id }) => id), ["1", "4", "3"]);
  assert.deepEqual(examplePhrases(["lemons"], ["en", "zh"]), ["柠檬", "something yellow"]);
  assert.deepEqual(examplePhrases(["Banana"], ["zh"]), ["香蕉"]);
  assert.deepEqual(examplePhrases(["apple"], ["en"]), ["a red apple", "something yellow"]);
  assert.ok(examplePhrases([], []).length > 3);
  assert.equal(exampleFilters([{ path: "a/b c/d.jpg", fields: { label: 'a "good" disk' } }])[0], 'label == "a \\"good\\" disk"');
  assert.equal(exampleFilters([{ path: "a/b c/d.jpg" }])[4], 'path.startsWith("a/b c/")');
  assert.deepEqual([1, 8, 10, 15, 16].map(stripColumns), [4, 8, 5, 8, 8]);
});

test("the start page asks on until it knows enough labels, and no further", async () => {
  const asked = [];
  const found = await probe(async ({ filter, limit }) => {
    asked.push(filter);
    return { hits: Array.from({ length: limit }, (_, at) => hit(`${asked.length}-${at}`, `label ${"abcdefgh"[asked.length]}x`)) };
  });
  assert.deepEqual(asked.slice(0, 3), ["", '!(label in ["label bx"])', '!(label in ["label bx", "label cx"])']);
  assert.equal(asked.length, 4);
  assert.equal(labelsOf(found).length, 4);
  let rounds = 0;
  await probe(async () => ({ hits: [hit(String(rounds++), "apple")] }));
  assert.equal(rounds, 1);
  const bare = await probe(async ({ limit }) => {
    const label = `label ${"abcdefgh"[rounds++]}x`;
    return { hits: Array.from({ length: limit }, (_, at) => (at ? hit(`${label}-${at}`, label) : hit("bare"))) };
  });
  assert.equal(rounds, 5);
  assert.equal(bare.filter((hit) => hit.id === "bare").length, 1);
});

test("a model without a text tower is asked with a picture, and the page says why", async () => {
  const grey = { type: "image/png" };
  globalThis.document = { createElement: () => ({ setAttribute() {}, append() {}, getContext: () => ({ fillRect() {} }), toBlob: (give) => give(grey) }) };
  const asked = [];
  const client = {
    search: async (_, wanted) => asked.push(["words", wanted.text]) && { hits: [] },
    searchUpload: async (_, wanted) => asked.push([wanted.image, wanted.text, wanted.partition]) && { hits: [hit("1", "apple")] },
  };
  assert.equal((await sampled(client, "mine", { partition: "p", words: false })).length, 1);
  await sampled(client, "mine", { partition: "", words: true });
  assert.deepEqual(asked, [[grey, "", "p"], ["words", "a photo"]]);
  assert.match(wordless("colours"), /colours, has no text tower.*Give it a picture, or have the server use another model/);
});

test("the viewer leaves out what is not known", () => {
  const facts = Object.fromEntries(mainFacts({ id: "1", path: "a/b.jpg", score: 0.5, fields: { width: 4000, height: 3000, bytes: 2048, format: "jpeg" } }));
  assert.deepEqual(facts, { Score: "0.5000", Size: "4,000 × 3,000 px", File: "JPEG, 2.0 KB", Path: "a/b.jpg" });
  assert.deepEqual(allFields({ id: "7", fields: { b: 1, a: ["x"] } }), [["id", "7"], ["a", '["x"]'], ["b", "1"]]);
});
