import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, Problem } from "./assets/api.js";
import { dropped, isArchive, meansAdding, named } from "./assets/transfer.js";
import { uploadRefusal, uploadTitle } from "./assets/upload.js";

const item = (name, type, directory = false) => ({ kind: "file", type, getAsFile: () => ({ name }), webkitGetAsEntry: () => ({ isDirectory: directory }) });

test("one picture searches, everything else is added", () => {
  assert.equal(meansAdding([item("a.jpg", "image/jpeg")]), false);
  assert.equal(Boolean(meansAdding([item("a.heic", "")])), false);
  assert.ok(meansAdding([item("a.jpg", "image/jpeg"), item("b.jpg", "image/jpeg")]));
  assert.ok(meansAdding([item("album.zip", "application/zip")]));
  assert.ok(meansAdding([item("photos", "", true)]));
  assert.equal(meansAdding([]), false);
  for (const name of ["a.zip", "a.TAR", "a.tar.gz", "a.tzst"]) assert.ok(isArchive(name), name);
  for (const name of ["a.gz", "zip", "a.zip.jpg", undefined]) assert.ok(!isArchive(name), name);
});

test("a dropped folder is read to its end, with its names", async () => {
  const file = (path) => ({ isFile: true, fullPath: path, file: (take) => take({ name: path.split("/").pop(), size: 1 }) });
  const folder = (...batches) => ({ isFile: false, createReader: () => ({ readEntries: (take) => take(batches.shift() ?? []) }) });
  const tree = folder([file("/trip/1.jpg"), folder([file("/trip/day/2.jpg")])], [file("/trip/3.jpg")]);
  const files = await dropped({ items: [{ kind: "file", webkitGetAsEntry: () => tree }, { kind: "string" }] });
  assert.deepEqual(files.map(({ name }) => name), ["trip/1.jpg", "trip/day/2.jpg", "trip/3.jpg"]);
  assert.deepEqual((await dropped({ files: [{ name: "a.jpg" }] })).map(({ name }) => name), ["a.jpg"]);
  assert.equal(named([{ name: "1.jpg", webkitRelativePath: "trip/1.jpg" }])[0].name, "trip/1.jpg");
});

test("what is too much is not sent", () => {
  const files = [{ name: "a.jpg", file: { size: 800 } }, { name: "b.jpg", file: { size: 800 } }];
  assert.equal(uploadTitle(files), "2 files");
  assert.equal(uploadTitle(files.slice(1)), "b.jpg");
  assert.equal(uploadRefusal(files, 2000), "");
  assert.match(uploadRefusal(files, 1024), /2 files: 1\.6 KB are more than the 1\.0 KB/);
  assert.match(uploadRefusal([], 1024), /no files/);
});

test("an upload sends names with folders, and the key; refusals are told", async () => {
  const sent = [];
  let answer = () => new Response(JSON.stringify({ id: "1" }), { status: 202 });
  const client = new Client({
    ask: () => assert.fail("fetch tells of no progress"), keys: { get: () => "a key", renew: async () => "" },
    transfer: async (address, options) => {
      sent.push({ address, ...options });
      return answer();
    },
  });
  const files = [{ file: new Blob(["x"]), name: "trip/1.jpg" }];
  assert.equal((await client.upload("mine", { files, partition: "p" }, { progress: () => {} })).id, "1");
  assert.equal(sent[0].address, "/v1/collections/mine/upload?partition=p");
  assert.equal(sent[0].headers.Authorization, "Bearer a key");
  assert.equal(sent[0].form.get("file").name, "trip/1.jpg");
  answer = () => new Response(JSON.stringify({ detail: "there is no room", kind: "unavailable" }), { status: 503 });
  await assert.rejects(client.upload("mine", { files }, { progress: () => {} }), (error) => error instanceof Problem && error.detail === "there is no room");
  answer = () => Promise.reject(new TypeError("gone"));
  await assert.rejects(client.upload("mine", { files }, { progress: () => {} }), /broke off/);
});
