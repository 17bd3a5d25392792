import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The JavaScript blocks of the README, each under the heading above it. */
const blocks = readme.split(/^## /m).flatMap((section) => {
  const heading = section.slice(0, section.indexOf("\n"));
  return [...section.matchAll(/^```js\n(.*?)^```/gms)].map(([, code = ""]) => ({ heading, code }));
});

const node = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];

const LIMIT = { timeout: 60_000 };

describe("the README", () => {
  it("has an example for every concept but the events, which are types", () => {
    expect(blocks.map(({ heading }) => heading)).toEqual([
      "Abort",
      "Clock",
      "Deadlines",
      "Errors",
      "Failure",
      "Fake clock",
      "Names",
      "Options",
    ]);
  });

  // Each example is a process of its own, as for its reader; the one on the machine's clock waits 20 real ms.
  it.each(blocks)("prints what the comments of its example on $heading say", LIMIT, ({ code }) => {
    const said = [...code.matchAll(/\/\/ (.*)$/gm)].map(([, line]) => line);
    const options = { cwd: folder, input: code, encoding: "utf8", timeout: 50_000 } as const;
    const run = spawnSync(
      process.execPath,
      [...node, "--no-warnings", "--input-type=module", "-"],
      options,
    );
    expect(run.stderr).toBe("");
    expect(run.stdout.trimEnd().split("\n")).toEqual(said);
  });
});
