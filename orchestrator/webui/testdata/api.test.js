import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, Problem, problemOf, retryAfterSeconds } from "./assets/api.js";

const answer = (status, body, headers = {}) => new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
const noKey = { get: () => "", renew: async () => "" };

test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2026-11-23T10:00:00Z");
  assert.equal(retryAfterSeconds("7"), 7);
  assert.equal(retryAfterSeconds("Mon, 23 Nov 2026 10:00:05 GMT", now), 5);
  assert.equal(retryAfterSeconds("Mon, 23 Nov 2026 09:00:00 GMT", now), 0);
  assert.equal(retryAfterSeconds("soon"), null);
  assert.equal(retryAfterSeconds(null), null);
});

test("problem details are told, other bodies never", async () => {
  const told = await problemOf(answer(429, { detail: "the queue is full", kind: "overloaded" }, { "Retry-After": "3" }));
  assert.deepEqual([told.detail, told.kind, told.retryAfter, told.passing], ["the queue is full", "overloaded", 3, true]);
  const raw = await problemOf(answer(502, "<html>panic: secret</html>"));
  assert.doesNotMatch(raw.detail, /secret|html/);
  assert.equal(raw.passing, false);
});

test("no server is a problem that passes", async () => {
  const client = new Client({ ask: async () => { throw new TypeError("fetch failed"); }, keys: noKey });
  await assert.rejects(client.info(), (error) => error instanceof Problem && error.unreachable && error.passing);
});

test("a cancelled request stays a cancelled request", async () => {
  const stop = new DOMException("stopped", "AbortError");
  const client = new Client({ ask: async () => { throw stop; }, keys: noKey });
  await assert.rejects(client.info(), (error) => error === stop);
});

test("an answer that is not JSON is a problem", async () => {
  const client = new Client({ ask: async () => answer(200, "<html>a proxy's page</html>"), keys: noKey });
  await assert.rejects(client.info(), (error) => error instanceof Problem && !error.passing);
});

test("a refused key is asked for and the request repeated", async () => {
  let key = "";
  let asked = 0;
  const seen = [];
  const client = new Client({
    ask: async (address, { headers }) => {
      seen.push(headers.Authorization);
      return headers.Authorization === "Bearer right" ? answer(200, { version: "1" }) : answer(401, { detail: "a key is needed" });
    },
    keys: { get: () => key, renew: async () => (key = ["wrong", "right"][asked++]) },
  });
  assert.equal((await client.info()).version, "1");
  assert.deepEqual(seen, [undefined, "Bearer wrong", "Bearer right"]);
});

test("a reader who declines to give a key sees why", async () => {
  const client = new Client({ ask: async () => answer(401, { detail: "a key is needed" }), keys: noKey });
  await assert.rejects(client.info(), /a key is needed/);
});

test("a service that is not ready tells what it lacks, and is asked without a key", async () => {
  let sent;
  const parts = { index: "Milvus does not answer", model: "ok" };
  const client = new Client({ ask: async (address, options) => { sent = { address, ...options }; return answer(503, { ready: false, parts }); }, keys: { get: () => "secret", renew: async () => "" } });
  assert.deepEqual(await client.ready(), { ready: false, parts });
  assert.equal(sent.address, "/readyz");
  assert.equal(sent.headers.Authorization, undefined);
});

test("an ingest names a partition only where there is one", async () => {
  const bodies = [];
  const client = new Client({ ask: async (address, options) => { bodies.push(JSON.parse(options.body)); return answer(202, {}); }, keys: noKey });
  await client.ingest("c", { path: "/p", partition: "" });
  await client.ingest("c", { path: "/p", partition: "y2024" });
  assert.deepEqual(bodies, [{ path: "/p" }, { path: "/p", partition: "y2024" }]);
});

test("a search sends only what it has", async () => {
  let sent;
  const client = new Client({ ask: async (address, options) => { sent = { address, ...options }; return answer(200, { hits: [] }); }, keys: noKey });
  await client.search("a/b", { text: "apple", like: "", filter: "", partition: "", limit: 16, offset: 0 });
  assert.equal(sent.address, "/v1/collections/a%2Fb/search");
  assert.deepEqual(JSON.parse(sent.body), { limit: 16, offset: 0, text: "apple" });
  await client.searchUpload("c", { image: new File(["x"], "x.jpg"), text: "", filter: "width > 1", partition: "y2024", limit: 16, offset: 16 });
  assert.deepEqual([...sent.body.keys()], ["filter", "partition", "limit", "offset", "image"]);
  assert.equal(sent.headers["Content-Type"], undefined);
});
