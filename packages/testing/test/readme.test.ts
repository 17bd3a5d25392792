import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The programs of the README, each under the heading above it. */
const programs = readme.split(/^## /m).flatMap((section) => {
  const heading = section.slice(0, section.indexOf("\n"));
  return [...section.matchAll(/^```js\n(.*?)^```/gms)].map(([, code = ""], place) => ({
    title: `${heading}, ${place + 1}`,
    code,
  }));
});

/** What the comments of a program say that it prints: those behind `console.log`, and those on lines of their own. */
function printedBy(code: string): string[] {
  return [...code.matchAll(/^(.*?)\/\/ ?(.*)$/gm)]
    .filter(([, before = ""]) => before.includes("console.log") || before.trim() === "")
    .map(([, , text = ""]) => text);
}

const node = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];

describe("the README", () => {
  it("has an example for every concept", () => {
    expect(programs.map(({ title }) => title)).toEqual([
      "A runtime in a test, 1",
      "Scripted workers, 1",
      "One worker alone, 1",
      "Storms for your own worker, 1",
      "Logs to compare, 1",
    ]);
  });

  // Each example is a process of its own, as for its reader.
  it.each(programs)(
    "prints what the comments of its example on $title say",
    {
      timeout: 60_000,
    },
    ({ code }) => {
      const options = { cwd: folder, input: code, encoding: "utf8", timeout: 50_000 } as const;
      const args = [...node, "--no-warnings", "--input-type=module", "-"];
      const run = spawnSync(process.execPath, args, options);
      expect(run.stderr).toBe("");
      expect(run.stdout.trimEnd().split("\n")).toEqual(printedBy(code));
    },
  );
});
