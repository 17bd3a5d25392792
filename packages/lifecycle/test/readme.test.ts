import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const root = join(folder, "../..");
const readme = readFileSync(join(folder, "README.md"), "utf8");

/** The JavaScript blocks of the README, each under the heading above it. */
const blocks = readme.split(/^## /m).flatMap((section) => {
  const heading = section.slice(0, section.indexOf("\n"));
  return [...section.matchAll(/^```js\n(.*?)^```/gms)].map(([, code = ""]) => ({ heading, code }));
});

const node = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];

const LIMIT = { timeout: 60_000 };

describe("the README", () => {
  it("has an example for every concept", () => {
    expect(blocks.map(({ heading }) => heading)).toEqual([
      "A first program",
      "Workers",
      "Context",
      "Loops",
      "Polls, streams, tasks and checks",
      "Polls, streams, tasks and checks",
      "Readiness",
      "Dependencies",
      "Drain and stop",
      "Time limits",
      "Failures",
      "Supervision",
      "All workers at once",
      "Shutdown",
      "Events",
      "Status",
      "Extensions",
    ]);
  });

  // Each example is a process of its own, as for its reader; those on the machine's clock wait up to 150 real ms.
  it.each(blocks)("prints what the comments of its example on $heading say", LIMIT, ({ code }) => {
    const said = [...code.matchAll(/\/\/ (.*)$/gm)].map(([, line = ""]) => line);
    const options = { cwd: folder, input: code, encoding: "utf8", timeout: 50_000 } as const;
    const args = [...node, "--input-type=module", "-"];
    const run = spawnSync(process.execPath, args, options);
    // What ends a process says so on stderr, after all that was printed.
    const printed = `${run.stdout}${run.stderr}`.trimEnd().split("\n");
    expect(printed.map(withoutDuration)).toEqual(said.map(withoutDuration));
    expect(run.status).toBe(0);
  });

  it("has examples that are TypeScript as they stand", LIMIT, () => {
    // A dot folder, so that nobody's type check or watcher sees it come and go.
    const programs = mkdtempSync(join(folder, "test/.readme-"));
    try {
      blocks.forEach(({ code }, index) => {
        writeFileSync(join(programs, `${index}.ts`), code);
      });
      const wrong = "import { loop } from '@workerkit/lifecycle';\nloop(42);\n";
      writeFileSync(join(programs, "wrong.ts"), wrong);
      const config = { extends: join(root, "tsconfig.json"), include: ["*.ts"], exclude: [] };
      writeFileSync(join(programs, "tsconfig.json"), JSON.stringify(config));
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      const options = { cwd: programs, encoding: "utf8", timeout: 50_000 } as const;
      const run = spawnSync(process.execPath, [tsc, "--pretty", "false"], options);
      // The one that is wrong on purpose shows that the others were looked at.
      expect(run.stdout.match(/^\w+\.ts\(\d+,\d+\): error/gm)).toEqual(["wrong.ts(2,6): error"]);
    } finally {
      rmSync(programs, { recursive: true });
    }
  });
});

/** How long a process took to shut down differs from one run to the next. */
function withoutDuration(line: string): string {
  return line.replace(/(shut down|failed) in \d+ ms$/, "$1 in some ms");
}
