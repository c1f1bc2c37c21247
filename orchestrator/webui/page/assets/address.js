// What the page shows, as an address: ?q=…&like=ID&filter=…&collection=…&partition=…&prompts=on|off&view=ID.
// Pure.

const names = ["q", "like", "filter", "collection", "partition", "prompts", "view"];

/** The state behind a query string; what is missing is "". */
export function readAddress(search) {
  const from = new URLSearchParams(search);
  return Object.fromEntries(names.map((name) => [name, (from.get(name) ?? "").trim()]));
}

/** The query string of a state, "" for the start page. */
export function writeAddress(state) {
  const to = new URLSearchParams();
  for (const name of names) if (state[name]) to.set(name, state[name]);
  const text = to.toString();
  return text ? `?${text}` : "";
}

/** Whether the state asks for anything. A filter alone narrows nothing, so it does not count. */
export function asksSomething(state) {
  return Boolean(state.q || state.like || state.upload);
}

/** Two states with the same key have the same answer. */
export function searchKey(state) {
  return JSON.stringify([state.collection, state.partition, state.q, state.like, state.filter, state.prompts ?? "", state.upload ?? 0]);
}
