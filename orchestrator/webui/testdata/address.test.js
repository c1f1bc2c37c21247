import assert from "node:assert/strict";
import { test } from "node:test";
import { asksSomething, readAddress, searchKey, writeAddress } from "./assets/address.js";

test("an address comes back as it was", () => {
  const state = { q: "红苹果 & more", like: "", filter: 'label == "apple" && width >= 800', collection: "c", partition: "y2024", prompts: "off", view: "9223372036854775807" };
  assert.deepEqual(readAddress(writeAddress(state)), state);
});

test("the start page has no query string", () => {
  assert.equal(writeAddress(readAddress("")), "");
});

test("foreign parameters and spaces are dropped", () => {
  assert.equal(writeAddress(readAddress("?q=%20apple%20&utm_source=x")), "?q=apple");
});

test("a filter alone asks nothing", () => {
  assert.equal(asksSomething({ filter: "width > 1" }), false);
  assert.equal(asksSomething({ upload: 3 }), true);
});

test("the viewer does not change the search", () => {
  const state = readAddress("?q=apple");
  assert.equal(searchKey(state), searchKey({ ...state, view: "7" }));
  assert.notEqual(searchKey(state), searchKey({ ...state, filter: "width > 1" }));
  assert.notEqual(searchKey(state), searchKey({ ...state, partition: "y2024" }));
  assert.notEqual(searchKey(state), searchKey({ ...state, prompts: "off" }));
});
