import assert from "node:assert/strict";
import { test } from "node:test";
import { altText, caption, countOf, fileName, formatBytes, formatMilliseconds, formatScore, formatSeconds, formatTime, labelWords, quoted, sentence } from "./assets/format.js";

const table = (name, act, cases) => {
  for (const [given, wanted] of cases) test(`${name}(${JSON.stringify(given)})`, () => assert.equal(act(given), wanted));
};

table("formatBytes", formatBytes, [[0, "0 bytes"], [1023, "1023 bytes"], [12345, "12 KB"], [1536, "1.5 KB"], [33554432, "32 MB"], [undefined, ""], [-1, ""]]);
table("formatSeconds", formatSeconds, [[0.2, "less than 1 s"], [42, "42 s"], [60, "1 min"], [61, "1 min 1 s"], [3725, "1 h 2 min"], [7200, "2 h"], [NaN, ""]]);
table("formatMilliseconds", formatMilliseconds, [[3.31, "3.3 ms"], [48.4, "48 ms"], [1480, "1.5 s"], [undefined, ""]]);
table("formatScore", formatScore, [[0.6149, "0.61"], [undefined, ""], [-0.2, "-0.20"]]);
table("fileName", fileName, [["/a/b/c.jpg", "c.jpg"], ["C:\\Pictures\\x.png", "x.png"], ["", ""], [undefined, ""]]);
table("labelWords", labelWords, [["Granny-Smith", "granny smith"], ["red__bell--pepper ", "red bell pepper"], [undefined, ""]]);
table("sentence", sentence, [["the server is busy", "The server is busy"], ["filter, column 7: x", "Filter, column 7: x"], ["notes.txt is empty", "notes.txt is empty"], ["/etc is outside", "/etc is outside"], ["", ""], [undefined, ""]]);
table("quoted", (text) => quoted(text, 5), [["a car", "“a car”"], ["two\n words", "“two w…”"], ["红苹果红苹果", "“红苹果红苹…”"]]);

test("counts agree with their noun", () => {
  assert.equal(countOf(1, "picture"), "1 picture");
  assert.equal(countOf(1234567, "picture"), "1,234,567 pictures");
});

test("a picture is named by its label, then by its file", () => {
  assert.equal(caption({ path: "a/b.jpg", fields: { label: "Apple" } }), "apple");
  assert.equal(caption({ path: "a/b.jpg", fields: {} }), "b.jpg");
  assert.equal(caption({}), "picture");
  assert.equal(altText({ path: "a/b.jpg", fields: { label: "Apple" } }), "apple, b.jpg");
});

test("what is not a time stays as it is", () => {
  assert.equal(formatTime("last summer"), "last summer");
  assert.equal(formatTime(undefined), "");
  assert.match(formatTime("2018-05-04T10:11:12Z"), /May 2018/);
});
