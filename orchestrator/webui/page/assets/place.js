// Where to look: the collection, and the partition of it, each where there is a choice.

import { byId, element } from "./dom.js";
import { formatCount } from "./format.js";

/** The pictures of a collection as the service describes it, or of one partition. */
export function countIn({ count, partitions = [] }, partition) {
  if (!partition) return count;
  return partitions.find(({ name }) => name === partition)?.count ?? 0;
}

function option({ name, count }) {
  return element("option", { value: name }, `${name} (${formatCount(count)})`);
}

export class Place {
  #collection = byId("collection");
  #partition = byId("partition");

  /** `choose({collection})` and `choose({partition})` are told of a choice. */
  constructor({ choose }) {
    this.#collection.addEventListener("change", () => choose({ collection: this.#collection.value }));
    this.#partition.addEventListener("change", () => choose({ partition: this.#partition.value }));
  }

  /** Shows the choice that holds. */
  set({ collection, partition }) {
    if (this.#collection.value !== collection) this.#collection.value = collection;
    if (this.#partition.value !== partition) this.#partition.value = partition;
  }

  offerCollections(collections) {
    byId("collection-field").hidden = collections.length < 2;
    this.#collection.replaceChildren(...collections.map(option));
  }

  /** Offers the partitions; one alone is no choice. */
  offerPartitions(partitions) {
    byId("partition-field").hidden = partitions.length < 2;
    this.#partition.replaceChildren(element("option", { value: "" }, "all partitions"), ...partitions.map(option));
  }
}
