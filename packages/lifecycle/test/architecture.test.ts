import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tableUnder } from "./markdown-tables.ts";

const architecture = readFileSync(
  new URL("../../../docs/architecture.md", import.meta.url),
  "utf8",
);

const sources = readdirSync(new URL("../src", import.meta.url), {
  recursive: true,
  encoding: "utf8",
}).filter((file) => file.endsWith(".ts"));

describe("the architecture", () => {
  it("says what each file is for, of kinds all together", () => {
    const named = tableUnder(architecture, "Files of lifecycle").map(([file]) => file);
    const files = sources.filter((file) => !file.startsWith("kinds/"));
    expect(named.sort()).toEqual(files.sort());
  });

  it("names no file that is not there", () => {
    const known = sources.map((file) => file.split("/").at(-1));
    const elsewhere = ["lifecycle.md", "package.json", "graph.mjs", "deadlines.ts", "clock.ts"];
    const named = architecture.match(/[\w-]+\.(?:m?[jt]s|json|md)\b/g) ?? [];
    expect(named.filter((file) => ![...known, ...elsewhere].includes(file))).toEqual([]);
  });
});
