import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(new URL("../../../../docs/kinds.md", import.meta.url), "utf8");

/** The programs of the page, each under the heading above it. */
const programs = page.split(/^## /m).flatMap((section) => {
  const heading = section.slice(0, section.indexOf("\n"));
  return [...section.matchAll(/^```js\n(.*?)^```/gms)].map(([, code = ""]) => ({ heading, code }));
});

const node = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];

/** How long a process took to shut down differs from one run to the next. */
const withoutDuration = (line: string) => line.replace(/shut down in \d+ ms$/, "shut down");

describe("the page on kinds", () => {
  it("has a program for each kind, and for one of your own", () => {
    const headings = ["Poll", "Stream", "Task", "Check", "A kind of your own"];
    expect(programs.map(({ heading }) => heading)).toEqual(headings);
  });

  // Each is a process of its own, as for its reader, and so runs on the machine's clock, for up to 250 real ms.
  it.each(programs)(
    "prints what the comments under $heading say",
    { timeout: 60_000 },
    ({ code }) => {
      const said = [...code.matchAll(/^\/\/ (.*)$/gm)].map(([, line = ""]) => line);
      const run = spawnSync(process.execPath, [...node, "--input-type=module", "-"], {
        ...{ cwd: folder, input: code, encoding: "utf8", timeout: 50_000 },
      });
      // What ends a process says so on stderr, after all that was printed.
      const printed = `${run.stdout}${run.stderr}`.trimEnd().split("\n");
      expect(printed.map(withoutDuration)).toEqual(said.map(withoutDuration));
      expect(run.status).toBe(0);
    },
  );
});
