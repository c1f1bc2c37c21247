import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "./assets/api.js";
import { Search } from "./assets/search.js";
import { fieldHint, languageNames, templateExample, templatesSaid, usesTemplates } from "./assets/wording.js";

test("languages are named, many are counted, none is nothing", () => {
  assert.equal(languageNames(["en"]), "English");
  assert.equal(languageNames(["en", "zh"]), "English or Chinese");
  assert.equal(languageNames(["en", "zh", "ja"], "and"), "English, Chinese and Japanese");
  assert.equal(languageNames(["en", "zh", "ja", "fr", "de", "es", "it", "pt"]), "English, Chinese, Japanese, French, German or 3 more languages");
  assert.equal(languageNames([]), "");
  assert.equal(languageNames(undefined), "");
  assert.equal(languageNames(["not a code"]), "not a code");
});

test("the empty field suggests what the model understands", () => {
  assert.equal(fieldHint(["en", "zh"]), "a red apple, 红苹果, or drop a picture");
  assert.equal(fieldHint(["en"]), "a red apple, or drop a picture");
  assert.equal(fieldHint(["ru"]), "words, or drop a picture");
  assert.equal(fieldHint([]), fieldHint(["en", "zh"]));
});

test("the choice of templates is offered where there are some, and said where it differs from the service's", () => {
  assert.equal(templateExample(["{}", "a photo of a {}"]), "“a photo of a …”");
  assert.equal(templateExample(["art of the {}."]), "“art of the …”");
  assert.equal(templateExample(["{}"]), "");
  assert.equal(templateExample(undefined), "");
  for (const byDefault of [true, false]) {
    const info = { prompts: byDefault };
    for (const use of [true, false]) assert.equal(usesTemplates(templatesSaid(use, info), info), use);
    assert.equal(templatesSaid(byDefault, info), "");
  }
  assert.equal(usesTemplates("", null), false);
});

test("a request says what was chosen and nothing else", async () => {
  const sent = [];
  const client = new Client({
    ask: async (_, { body }) => {
      sent.push(body);
      return { ok: true, json: async () => ({ hits: [] }) };
    },
    keys: { get: () => "", renew: async () => "" },
  });
  await client.search("c", { text: "a", prompts: false });
  await client.search("c", { text: "a", prompts: undefined });
  await client.searchUpload("c", { image: new Blob(["x"]), text: "a", prompts: true });
  await client.searchUpload("c", { image: new Blob(["x"]), text: "a" });
  assert.equal(JSON.parse(sent[0]).prompts, false);
  assert.equal("prompts" in JSON.parse(sent[1]), false);
  assert.equal(sent[2].get("prompts"), "true");
  assert.equal(sent[3].has("prompts"), false);
});

test("what an answer says of the text is kept with its pictures", async () => {
  const search = new Search({ changed: () => {}, sleep: async () => {} });
  await search.run("k", async () => ({ hits: [{ id: "1" }], prompts: true, language_note: "the model knows English" }));
  assert.deepEqual([search.state.prompts, search.state.note], [true, "the model knows English"]);
  await search.run("other", async () => ({ hits: [{ id: "1" }] }));
  assert.deepEqual([search.state.prompts, search.state.note], [false, ""]);
});
