import assert from "node:assert/strict";
import { test } from "node:test";
import { curl, example, limits, operations, resolve, rows, shellQuoted, typeName } from "./assets/openapi.js";

const doc = {
  paths: {
    "/v1/collections/{collection}/search": {
      post: {
        operationId: "search",
        tags: ["Search"],
        summary: "Search",
        parameters: [{ name: "collection", in: "path", required: true, schema: { type: "string", examples: ["text_image_vector"] } }],
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Query" } } } },
        responses: { 200: { description: "OK", content: { "application/json": { schema: { $ref: "#/components/schemas/Node" } } } } },
      },
    },
    "/v1/upload": {
      post: { requestBody: { content: { "multipart/form-data": { schema: { type: "object", required: ["image"], properties: { image: { type: "string", format: "binary" }, text: { type: "string" } } } } } }, responses: {} },
    },
    "/v1/jobs/{id}": { get: { parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }], responses: {} } },
  },
  components: {
    schemas: {
      Query: { type: "object", required: ["text"], properties: { $schema: { type: "string" }, text: { type: "string", examples: ["it's red"] }, limit: { type: "integer", minimum: 1, maximum: 1000, default: 16 } } },
      Node: { type: "object", properties: { name: { type: ["string", "null"] }, children: { type: "array", items: { $ref: "#/components/schemas/Node" } } } },
    },
  },
};

test("operations are found with their parts", () => {
  const [search, upload] = operations(doc);
  assert.deepEqual([search.id, search.method, search.group, search.answers[0].status], ["search", "POST", "Search", "200"]);
  assert.equal(upload.id, "post-v1-upload");
});

test("a call can be pasted into a shell", () => {
  const [search, upload, job] = operations(doc);
  assert.equal(curl(doc, search, "http://h"), "curl -X POST http://h/v1/collections/text_image_vector/search \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"text\":\"it'\\''s red\"}'");
  assert.equal(curl(doc, upload, "http://h"), "curl -X POST http://h/v1/upload \\\n  -F image=@picture.jpg");
  assert.equal(curl(doc, job, "http://h"), "curl http://h/v1/jobs/ID");
  assert.equal(shellQuoted("a b"), "'a b'");
});

test("a request shows what it needs and what has an example", () => {
  const [search] = operations(doc);
  const body = (properties, required) => ({ ...search, body: { content: [{ type: "application/json", schema: { type: "object", properties, required } }] } });
  const sent = (op) => JSON.parse(curl(doc, op, "http://h").match(/-d '(.*)'$/)[1]);
  assert.deepEqual(sent(body({ like: { type: "string" }, text: { type: "string", examples: ["a pear"] } })), { text: "a pear" });
  assert.deepEqual(sent(body({ path: { type: "string" }, deep: { type: "boolean" } }, ["path"])), { path: "string" });
  assert.deepEqual(sent(body({ path: { type: "string" } })), { path: "string" });
});

test("fields are rows, and a schema that holds itself ends", () => {
  const [query] = operations(doc);
  assert.deepEqual(rows(doc, query.body.content[0].schema).map(({ name, required }) => [name, required]), [["text", true], ["limit", false]]);
  assert.deepEqual(rows(doc, { $ref: "#/components/schemas/Node" }).map(({ name, type }) => [name, type]), [["name", "string or null"], ["children", "array of Node"]]);
  assert.deepEqual(example(doc, { $ref: "#/components/schemas/Node" }), { name: "string", children: [{}] });
});

test("limits are told", () => {
  assert.deepEqual(limits(doc.components.schemas.Query.properties.limit), ["default 16", "at least 1", "at most 1000"]);
});

test("references that lead nowhere or elsewhere are empty", () => {
  assert.deepEqual(resolve(doc, { $ref: "#/components/schemas/Gone" }), {});
  assert.deepEqual(resolve(doc, { $ref: "https://example.org/x" }), {});
  const circle = { components: { schemas: { A: { $ref: "#/components/schemas/A" } } } };
  assert.doesNotThrow(() => example(circle, { $ref: "#/components/schemas/A" }));
  assert.equal(typeName(doc, {}), "any");
});
