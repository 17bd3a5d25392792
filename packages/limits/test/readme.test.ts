import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The programs of the README, each under the heading above it. */
const programs = readme.split(/^## /m).flatMap((section) => {
  const heading = section.slice(0, section.indexOf("\n"));
  return [...section.matchAll(/^```[jt]s\n(.*?)^```/gms)].map(([, code = ""], place) => ({
    title: `${heading}, ${place + 1}`,
    code,
  }));
});

/** The comments of a program, and whether each must be what it prints. */
function commentsOf(code: string): { text: string; printed: boolean }[] {
  return [...code.matchAll(/^(.*?)\/\/ +(.*)$/gm)].map(([, before = "", text = ""]) => ({
    text,
    printed: before.includes("console.log") || before === "",
  }));
}

const node = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];

const LIMIT = { timeout: 60_000 };

describe("the README", () => {
  it("has an example for every concept", () => {
    expect(programs.map(({ title }) => title)).toEqual([
      "Gate, 1",
      "Gate, 2",
      "Waiting, and giving up, 1",
      "Waiting, and giving up, 2",
      "Resizing and draining, 1",
      "Resizing and draining, 2",
      "mapConcurrent, 1",
      "Tests without sleeping, 1",
    ]);
  });

  // Each example is a process of its own, as for its reader; two of them wait 50 real ms.
  it.each(programs)("prints what the comments of its example on $title say", LIMIT, ({ code }) => {
    // Node 20 knows no `using`.
    const input = transformSync(code, { loader: "ts", target: "node20", format: "esm" }).code;
    const options = { cwd: folder, input, encoding: "utf8", timeout: 50_000 } as const;
    const run = spawnSync(
      process.execPath,
      [...node, "--no-warnings", "--input-type=module", "-"],
      options,
    );
    expect(run.stderr).toBe("");
    const lines = run.stdout.trimEnd().split("\n");
    const unprinted = commentsOf(code).filter(({ text }) => {
      if (text !== lines[0]) return true;
      lines.shift();
      return false;
    });
    expect(lines).toEqual([]);
    expect(unprinted.filter(({ printed }) => printed)).toEqual([]);
  });
});
