// Examples to start from, made from pictures that are really there. Pure.

import { labelWords } from "./format.js";

const mostLetters = 24;

// Shown where the collection has what they name: `needs` is a word of a label, "" fits every collection.
const phrases = [
  { text: "a red apple", needs: "apple", language: "en" },
  { text: "红苹果", needs: "apple", language: "zh" },
  { text: "a bunch of bananas", needs: "banana", language: "en" },
  { text: "香蕉", needs: "banana", language: "zh" },
  { text: "柠檬", needs: "lemon", language: "zh" },
  { text: "green grapes", needs: "grape", language: "en" },
  { text: "something yellow", needs: "", language: "en" },
];

/** Whether a label says what a picture shows, rather than being a camera's folder or a date. */
export function speaks(label) {
  const words = labelWords(label);
  return words.length > 1 && words.length <= mostLetters && !/\d/.test(words) && /\p{L}{2}/u.test(words);
}

/** The labels of the hits, each once, in their order. */
export function labelsOf(hits) {
  const seen = new Set();
  for (const hit of hits) if (speaks(hit.fields?.label)) seen.add(hit.fields.label);
  return [...seen];
}

/** One picture for each label, then pictures without one, up to `most`. */
export function samples(hits, most) {
  const perLabel = new Map();
  const others = [];
  for (const hit of hits) {
    const label = hit.fields?.label;
    if (!speaks(label)) others.push(hit);
    else if (!perLabel.has(label)) perLabel.set(label, hit);
  }
  return [...perLabel.values(), ...others].slice(0, most);
}

/** Example queries: phrases that fit the labels and the model's languages; all of them where no label is known. */
export function examplePhrases(labels, languages) {
  const words = new Set(labels.flatMap((label) => labelWords(label).split(" ")));
  const known = (need) => need === "" || labels.length === 0 || words.has(need) || words.has(`${need}s`);
  const spoken = (language) => !languages?.length || languages.includes(language);
  return phrases.filter((phrase) => known(phrase.needs) && spoken(phrase.language)).map((phrase) => phrase.text);
}

/** Example filters; they name labels and a folder of the collection where some are known. */
export function exampleFilters(hits) {
  const [first = "apple", second = "lemon"] = labelsOf(hits);
  const folder = (hits[0]?.path ?? "").replace(/[^/]*$/, "") || "2024/";
  return [
    `label == ${JSON.stringify(first)}`,
    `label in [${JSON.stringify(first)}, ${JSON.stringify(second)}]`,
    `width >= 800 && height >= 600`,
    `format == "jpeg" && !(bytes > 1000000)`,
    `path.startsWith(${JSON.stringify(folder)})`,
  ];
}

/** Why a model takes no words, and what to do. */
export function wordless(title) {
  return `The model here, ${title}, has no text tower: it finds pictures by pictures, not by words. Give it a picture, or have the server use another model.`;
}

/** A filter that leaves these labels out, to see what else there is. */
export function withoutLabels(labels) {
  return `!(label in [${labels.map((label) => JSON.stringify(label)).join(", ")}])`;
}
