// What there is to know about words: the languages of the model, and whether short words are put into its templates.

import { byId } from "./dom.js";

const mostNamed = 6;

/** "English", "English or Chinese", "English, Chinese or 95 more languages"; "" where none is known. */
export function languageNames(codes, joint = "or") {
  const names = new Intl.DisplayNames(["en"], { type: "language" });
  const named = (codes ?? []).map((code) => {
    try {
      return names.of(code);
    } catch {
      return code; // not a language's code
    }
  });
  const more = named.length > mostNamed ? named.splice(mostNamed - 1).length : 0;
  if (more) named.push(`${more} more languages`);
  const last = named.pop() ?? "";
  return named.length ? `${named.join(", ")} ${joint} ${last}` : last;
}

/** What an empty search field suggests to a reader whose model knows these languages. */
export function fieldHint(codes) {
  const examples = [["en", "a red apple"], ["zh", "红苹果"]].filter(([code]) => !codes?.length || codes.includes(code)).map(([, text]) => text);
  return [...(examples.length ? examples : ["words"]), "or drop a picture"].join(", ");
}

/** "“a photo of a …”": the first template that says something, "" where there is none. */
export function templateExample(templates) {
  const first = templates?.find((template) => template.trim() !== "{}");
  return first ? `“${first.replace(/\{\}[.!]?/, "…")}”` : "";
}

/** Whether templates are used: what the address says ("on", "off" or ""), else what the service does by itself. */
export function usesTemplates(said, info) {
  return said ? said === "on" : Boolean(info?.prompts);
}

/** What the address has to say for this choice: nothing where the service does the same by itself. */
export function templatesSaid(use, info) {
  if (use === Boolean(info?.prompts)) return "";
  return use ? "on" : "off";
}

export class Wording {
  #field = byId("prompts-field");
  #box = byId("prompts");
  #info = null;

  /** `choose(said)` is given what the address has to say when the reader chooses. */
  constructor({ choose }) {
    this.#box.addEventListener("change", () => choose(templatesSaid(this.#box.checked, this.#info)));
  }

  /** Tells of the service's model. */
  offer(info) {
    this.#info = info;
    const { languages, prompts, text } = info.model ?? {};
    if (text === false) return; // a model of pictures alone
    const names = languageNames(languages);
    byId("languages").textContent = names ? `Ask in ${names}` : "";
    byId("query-label").textContent = names ? `What the picture shows, in ${names}` : "What the picture shows";
    const example = templateExample(prompts);
    this.#field.hidden = example === "";
    this.#field.title = example && `Short words are searched for in these templates, all together: ${prompts.map((template) => template.replace("{}", "…")).join(" · ")}`;
    byId("prompts-text").textContent = `Short words as ${example}`;
    byId("wording").hidden = !names && !example;
  }

  /** Shows a state of the address. */
  set({ prompts }) {
    this.#box.checked = usesTemplates(prompts, this.#info);
  }
}
