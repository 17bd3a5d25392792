import { describe, expect, it } from "vitest";
import { textOf, titleOf } from "../markdown.ts";
import { SearchIndex } from "../search-index.ts";

describe("the title of a document", () => {
  it.each([
    ["# Hello *world*", "Hello world"],
    ["intro\n\n# [p-limit](https://example.com) ![badge](b.svg)\n", "p-limit"],
    ["Underlined\n==========\n", "Underlined"],
    ['<h1 align="center"><img src="x"> Tagged</h1>', "Tagged"],
    ["```sh\n# a comment\n```\n# After it", "After it"],
    ["no heading", undefined],
    ["# ", undefined],
    ["", undefined],
  ])("of %j is %j", (markdown, title) => {
    expect(titleOf(markdown)).toBe(title);
  });
});

it("keeps words and code, and drops pictures, targets of links, comments and tags", () => {
  const markdown = `Say \`hello()\` to [us](https://us.example "title"), <b>loud</b>. <!-- not -->
![picture](a.png) https://example.com/x
[ref]: https://ref.example
~~~js
call(it);
~~~`;
  expect(textOf(markdown)).toBe("Say hello() to us, loud . js call(it);");
});

it.each(["[", "![", "<!--", "<h1>", "<a ", "```\n~~~\n", "\n", "# ", "](", "a\n="])(
  "reads a file full of %j in no time",
  { timeout: 2_000 },
  (opening) => {
    const markdown = opening.repeat(200_000);
    titleOf(markdown);
    textOf(markdown);
  },
);

describe("the index", () => {
  function indexOf(documents: Readonly<Record<string, string>>): SearchIndex {
    const index = new SearchIndex();
    for (const [name, markdown] of Object.entries(documents)) index.put(name, markdown);
    return index;
  }
  const names = (index: SearchIndex, question: string) =>
    index.search(question, 10).hits.map(({ name }) => name);

  it("finds documents with all words of a question, the one that is about it first", () => {
    const index = indexOf({
      "text.md": "# Other\ngraceful shutdown, graceful shutdown",
      "title.md": "# The graceful shutdown of a great many processes\nin more words",
      "half.md": "# Shutdown",
    });
    expect(names(index, "graceful shutdown")).toEqual(["title.md", "text.md"]);
  });

  it("finds beginnings of words, and words misspelt a little", () => {
    const index = indexOf({ "a.md": "# Concurrency" });
    expect(names(index, "concur")).toEqual(["a.md"]);
    expect(names(index, "concurency")).toEqual(["a.md"]);
    expect(names(index, "currency")).toEqual([]);
  });

  it("counts all hits and returns the best ones, each with its title or else its name", () => {
    const index = indexOf({ "a.md": "word", "b.md": "# Word", "c.md": "word and more" });
    const { hits, total } = index.search("word", 2);
    expect(total).toBe(3);
    expect(hits).toHaveLength(2);
    expect(hits).toContainEqual({ name: "a.md", title: "a.md" });
    expect(hits).toContainEqual({ name: "b.md", title: "Word" });
  });

  it("forgets all words of a document that is put anew or deleted", () => {
    const index = indexOf({ "a.md": "# Wombat", "b.md": "# Quokka" });
    index.put("a.md", "# Numbat");
    expect(names(index, "wombat")).toEqual([]);
    expect(names(index, "numbat")).toEqual(["a.md"]);
    index.delete("a.md");
    index.delete("a.md");
    index.delete("unknown.md");
    expect([index.documents, index.words]).toEqual([1, 1]);
  });
});
