// The full-text index: MiniSearch does the searching, and each document is known by the name of its file.

import MiniSearch from "minisearch";
import { textOf, titleOf } from "./markdown.ts";

/** A document that a question led to. */
interface Hit {
  readonly name: string;
  readonly title: string;
}

/** The best hits of a question, and how many there are in all. */
export interface Answer {
  readonly hits: readonly Hit[];
  readonly total: number;
}

export class SearchIndex {
  readonly #engine = new MiniSearch<Document>({
    idField: "name",
    fields: ["title", "text"],
    searchOptions: {
      combineWith: "AND",
      prefix: true,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    },
  });
  /** Kept whole, because MiniSearch must be shown a document to forget all of it at once. */
  readonly #documents = new Map<string, Document>();

  /** How many documents there are. */
  get documents(): number {
    return this.#documents.size;
  }

  /** How many different words there are. */
  get words(): number {
    return this.#engine.termCount;
  }

  /** Takes in a document, in place of the one of the same name. */
  put(name: string, markdown: string): void {
    this.delete(name);
    const document = { name, title: titleOf(markdown) ?? name, text: textOf(markdown) };
    this.#documents.set(name, document);
    this.#engine.add(document);
  }

  delete(name: string): void {
    const document = this.#documents.get(name);
    if (document === undefined) return;
    this.#documents.delete(name);
    this.#engine.remove(document);
  }

  /** Documents that hold all words of a question, also as beginnings of words or misspelt a little; the best come first. */
  search(question: string, limit: number): Answer {
    const found = this.#engine.search(question);
    const hits = found.slice(0, limit).map(({ id }) => ({
      name: String(id),
      title: this.#documents.get(id)?.title ?? String(id),
    }));
    return { hits, total: found.length };
  }
}

interface Document extends Hit {
  readonly text: string;
}
