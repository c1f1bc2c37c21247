// The API reference: the service's own OpenAPI document, made readable.

import { byId, copyText, element, selectText } from "./dom.js";
import { curl, example, operations, resolve, rows, typeName } from "./openapi.js";

/** Text with `code` in backticks, as nodes; blank lines part paragraphs. */
function prose(text) {
  return text.split(/\n\s*\n/).filter((part) => part.trim()).map((part) =>
    element("p", {}, ...part.split(/`([^`]+)`/).map((piece, nth) => (nth % 2 ? element("code", {}, piece) : piece.replace(/\s+/g, " ")))));
}

function codeBlock(text, label) {
  const code = element("code", {}, text);
  const button = element("button", { class: "plain copy", type: "button", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    if (await copyText(text)) button.textContent = "Copied";
    else selectText(code);
  });
  return element("div", { class: "sample" }, element("pre", { tabindex: "0", "aria-label": label }, code), button);
}

function table(head, lines) {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": head.join(", ") },
    element("table", {},
      element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...lines)));
}

function row({ name, depth = 0, type, required, description, limits = [] }, where) {
  return element("tr", {},
    element("td", { css: { "--depth": depth } }, element("code", { class: "name" }, name), required ? element("span", { class: "needed" }, "required") : null),
    element("td", {}, element("span", { class: "type" }, type), where ? element("span", { class: "where" }, `in ${where}`) : null),
    element("td", {}, ...prose(description), limits.length ? element("p", { class: "limits" }, limits.join("; ")) : null));
}

function schemaTable(doc, schema) {
  const lines = rows(doc, schema);
  return lines.length ? table(["Field", "Type", "Meaning"], lines.map((line) => row(line))) : null;
}

function drawContent(doc, { type, schema }, label) {
  return element("div", { class: "content" },
    element("p", { class: "content-type" }, element("code", {}, type), ` ${typeName(doc, schema)}`), schemaTable(doc, schema), label);
}

function drawAnswer(doc, answer) {
  const good = /^[23]/.test(answer.status);
  const json = answer.content.find(({ type }) => type.includes("json"));
  const headers = answer.headers.length ? element("p", { class: "limits" }, `Headers: ${answer.headers.join(", ")}`) : null;
  const sample = good && json ? codeBlock(JSON.stringify(json.example ?? example(doc, json.schema), null, 2), "example answer") : null;
  return element("details", { open: good && Boolean(json) },
    element("summary", {}, element("span", { class: `answer ${good ? "good" : "bad"}` }, answer.status === "default" ? "else" : answer.status), answer.description),
    headers, ...answer.content.map((content) => drawContent(doc, content)), sample);
}

function drawOperation(doc, op) {
  const parameters = op.parameters.map((parameter) => row({
    name: parameter.name,
    type: typeName(doc, parameter.schema),
    required: parameter.required,
    description: parameter.description ?? "",
    limits: rows(doc, { properties: { value: parameter.schema ?? {} } })[0].limits,
  }, parameter.in));
  return element("section", { class: "operation", id: op.id, "data-text": `${op.method} ${op.path} ${op.summary}`.toLowerCase() },
    element("h3", {}, element("a", { href: `#${op.id}` }, op.summary)),
    element("p", { class: "call" }, element("span", { class: `method ${op.method.toLowerCase()}` }, op.method), element("code", {}, op.path)),
    ...prose(op.description === op.summary ? "" : op.description),
    codeBlock(curl(doc, op, location.origin), "example call"),
    parameters.length ? element("h4", {}, "Parameters") : null,
    parameters.length ? table(["Name", "Type", "Meaning"], parameters) : null,
    op.body ? element("h4", {}, "Body") : null,
    ...(op.body?.content ?? []).map((content) => drawContent(doc, content)),
    element("h4", {}, "Answers"),
    ...op.answers.map((answer) => drawAnswer(doc, answer)));
}

function drawIndex(groups) {
  byId("index").replaceChildren(...[...groups].map(([group, ops]) =>
    element("div", { class: "index-group" }, element("h2", {}, group),
      element("ul", {}, ...ops.map((op) => element("li", { "data-for": op.id },
        element("a", { href: `#${op.id}` }, element("span", { class: `method ${op.method.toLowerCase()}` }, op.method), element("span", {}, op.summary))))))));
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll(".operation")) {
    const fits = words.every((word) => section.dataset.text.includes(word));
    section.hidden = !fits;
    document.querySelector(`[data-for="${CSS.escape(section.id)}"]`).hidden = !fits;
  }
}

function draw(doc) {
  byId("title").textContent = `${doc.info?.title ?? "API"} ${doc.info?.version ?? ""}`.trim();
  byId("lead").replaceChildren(...prose(doc.info?.description ?? "").flatMap((part) => [...part.childNodes, " "]));
  const groups = grouped(operations(doc));
  drawIndex(groups);
  byId("operations").replaceChildren(...[...groups].flatMap(([group, ops]) => [element("h2", { class: "group" }, group), ...ops.map((op) => drawOperation(doc, op))]));
  const schemas = Object.keys(doc.components?.schemas ?? {}).sort();
  byId("schemas-section").hidden = schemas.length === 0;
  byId("schemas").replaceChildren(...schemas.map((name) => {
    const schema = { $ref: `#/components/schemas/${name}` };
    return element("details", { class: "schema", id: `schema-${name}` },
      element("summary", {}, element("code", {}, name)), ...prose(resolve(doc, schema).description ?? ""), schemaTable(doc, schema));
  }));
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function grouped(ops) {
  const groups = new Map();
  for (const op of ops) groups.set(op.group, [...(groups.get(op.group) ?? []), op]);
  return groups;
}

async function begin() {
  byId("find").addEventListener("input", (event) => find(event.target.value));
  try {
    const response = await fetch("/openapi.json", { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`the server answered with status ${response.status}`);
    draw(await response.json());
  } catch (error) {
    byId("problem").textContent = `The API's description at /openapi.json cannot be read: ${error.message}. Load this page again when the server is up.`;
    byId("problem").hidden = false;
  }
}

begin();
