// Reads an OpenAPI 3.1 document: what the operations are, what goes in and out, and how to call them. Pure.

const methods = ["get", "post", "put", "patch", "delete", "head", "options"];
const mostDepth = 4;

/** Follows a $ref inside the document; a reference that leads nowhere is an empty schema. */
export function resolve(doc, node) {
  let at = node;
  for (let hops = 0; at?.$ref && hops < 16; hops++) {
    if (!at.$ref.startsWith("#/")) return {};
    const keys = at.$ref.slice(2).split("/").map((key) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~"));
    at = keys.reduce((within, key) => within?.[key], doc);
  }
  return at ?? {};
}

/** The last part of a $ref, "" for an inline schema. */
export function schemaName(schema) {
  return schema?.$ref ? schema.$ref.split("/").pop() : "";
}

/** All operations in the document's order: {id, method, path, group, summary, description, parameters, body, answers}. */
export function operations(doc) {
  const found = [];
  for (const [path, item] of Object.entries(doc.paths ?? {})) {
    for (const method of methods) {
      if (item[method]) found.push(operation(doc, path, method, item));
    }
  }
  return found;
}

function operation(doc, path, method, item) {
  const op = item[method];
  const parameters = [...(item.parameters ?? []), ...(op.parameters ?? [])].map((parameter) => resolve(doc, parameter));
  const body = op.requestBody ? resolve(doc, op.requestBody) : null;
  return {
    id: op.operationId || `${method}-${path}`.replace(/[^a-zA-Z0-9]+/g, "-"),
    method: method.toUpperCase(),
    path,
    group: op.tags?.[0] ?? "Operations",
    summary: op.summary || op.operationId || "",
    description: op.description ?? "",
    parameters,
    body: body && { required: Boolean(body.required), description: body.description ?? "", content: contents(body) },
    answers: Object.entries(op.responses ?? {}).map(([status, answer]) => {
      const { description = "", headers = {}, ...rest } = resolve(doc, answer);
      return { status, description, headers: Object.keys(headers), content: contents(rest) };
    }),
  };
}

function contents({ content = {} }) {
  return Object.entries(content).map(([type, { schema = {}, example, examples }]) => ({ type, schema, example: example ?? Object.values(examples ?? {})[0]?.value }));
}

/** A schema's type in a few words: "string", "array of Hit", "integer or null". */
export function typeName(doc, schema) {
  const name = schemaName(schema);
  if (name) return name;
  if (!schema || typeof schema !== "object") return "any";
  const union = schema.oneOf ?? schema.anyOf;
  if (union) return union.map((part) => typeName(doc, part)).join(" or ");
  const types = [].concat(schema.type ?? (schema.properties ? "object" : []));
  const words = types.map((type) => {
    if (type === "array") return `array of ${typeName(doc, schema.items ?? {})}`;
    if (type === "object" && schema.additionalProperties?.type) return `object of ${typeName(doc, schema.additionalProperties)}`;
    return type === "string" && schema.format ? `${type} (${schema.format})` : type;
  });
  return words.join(" or ") || "any";
}

/** What a value must keep to, as short phrases. */
export function limits(schema) {
  const told = [];
  const say = (key, text) => {
    if (schema[key] !== undefined) told.push(text(schema[key]));
  };
  say("enum", (values) => `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`);
  say("const", (value) => `always ${JSON.stringify(value)}`);
  say("default", (value) => `default ${JSON.stringify(value)}`);
  say("minimum", (value) => `at least ${value}`);
  say("maximum", (value) => `at most ${value}`);
  say("minLength", (value) => `at least ${value} characters`);
  say("maxLength", (value) => `at most ${value} characters`);
  say("minItems", (value) => `at least ${value} items`);
  say("maxItems", (value) => `at most ${value} items`);
  say("pattern", (value) => `like ${value}`);
  return told;
}

/** The properties of a schema as rows {name, depth, type, required, description, limits}, nested ones below their parent. */
export function rows(doc, schema, depth = 0, seen = []) {
  const name = schemaName(schema);
  if (depth > mostDepth || (name && seen.includes(name))) return [];
  const trail = name ? [...seen, name] : seen;
  const real = resolve(doc, schema);
  if (real.type === "array" || real.items) return rows(doc, real.items ?? {}, depth, trail);
  const parts = real.allOf ? real.allOf.map((part) => resolve(doc, part)) : [real];
  return parts.flatMap((part) => Object.entries(part.properties ?? {})
    .filter(([property]) => property !== "$schema")
    .flatMap(([property, value]) => {
      const target = resolve(doc, value);
      return [{
        name: property,
        depth,
        type: typeName(doc, value),
        required: (part.required ?? []).includes(property),
        description: value.description ?? target.description ?? "",
        limits: limits(target),
      }, ...rows(doc, value, depth + 1, trail)];
    }));
}

/** A value that fits the schema, preferring the document's own examples. */
export function example(doc, schema, seen = []) {
  const name = schemaName(schema);
  if (name && seen.includes(name)) return {};
  const trail = name ? [...seen, name] : seen;
  const real = resolve(doc, schema);
  const given = schema?.example ?? schema?.examples?.[0] ?? real.example ?? real.examples?.[0] ?? real.const ?? real.default ?? real.enum?.[0];
  if (given !== undefined) return given;
  if (real.allOf) return Object.assign({}, ...real.allOf.map((part) => example(doc, part, trail)));
  const union = real.oneOf ?? real.anyOf;
  if (union) return example(doc, union[0], trail);
  const type = [].concat(real.type ?? (real.properties ? "object" : "string")).find((each) => each !== "null");
  if (type === "array") return [example(doc, real.items ?? {}, trail)];
  if (type === "object") {
    const properties = Object.entries(real.properties ?? {}).filter(([property]) => property !== "$schema");
    return Object.fromEntries(properties.map(([property, value]) => [property, example(doc, value, trail)]));
  }
  return { integer: real.minimum ?? 0, number: real.minimum ?? 0, boolean: false }[type] ?? sampleString(real);
}

function sampleString({ format }) {
  return { "date-time": "2026-01-31T12:00:00Z", date: "2026-01-31", uri: "https://example.org/", binary: "FILE" }[format] ?? "string";
}

/** What a request needs and what the document gives an example of, or all of it where there is neither. */
function requestExample(doc, { schema, example: given }) {
  if (given !== undefined) return given;
  const real = resolve(doc, schema);
  const whole = example(doc, schema);
  const told = ([, value]) => value.example !== undefined || value.examples !== undefined;
  const needed = [...new Set([...(real.required ?? []), ...Object.entries(real.properties ?? {}).filter(told).map(([property]) => property)])];
  if (real.example !== undefined || real.examples !== undefined || !needed.length) return whole;
  return Object.fromEntries(needed.map((property) => [property, whole[property]]));
}

/** Quotes an argument for a POSIX shell. */
export function shellQuoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${String(text).replaceAll("'", `'\\''`)}'`;
}

/** A command that calls the operation at `origin`. */
export function curl(doc, op, origin) {
  const address = op.path.replace(/\{([^}]+)\}/g, (whole, name) => {
    const parameter = op.parameters.find((each) => each.in === "path" && each.name === name);
    const value = parameter?.example ?? example(doc, parameter?.schema ?? {});
    return value === "string" ? name.toUpperCase() : encodeURIComponent(value);
  });
  const needed = op.parameters.filter((each) => each.in === "query" && each.required);
  const query = needed.map((each) => `${encodeURIComponent(each.name)}=${encodeURIComponent(each.example ?? example(doc, each.schema ?? {}))}`).join("&");
  const parts = [`curl ${op.method === "GET" ? "" : `-X ${op.method} `}${shellQuoted(origin + address + (query ? `?${query}` : ""))}`];
  const content = op.body?.content[0];
  if (content?.type.includes("json")) {
    parts.push(`-H ${shellQuoted(`Content-Type: ${content.type}`)}`, `-d ${shellQuoted(JSON.stringify(requestExample(doc, content)))}`);
  } else if (content?.type === "multipart/form-data") {
    const { properties = {}, required = [] } = resolve(doc, content.schema);
    const names = required.length ? required : Object.keys(properties);
    parts.push(...names.map((name) => `-F ${name}=${isFile(doc, properties[name]) ? "@picture.jpg" : shellQuoted(String(example(doc, properties[name] ?? {})))}`));
  }
  return parts.join(" \\\n  ");
}

function isFile(doc, schema) {
  const real = resolve(doc, schema ?? {});
  return real.format === "binary" || real.contentMediaType !== undefined || real.contentEncoding !== undefined;
}
