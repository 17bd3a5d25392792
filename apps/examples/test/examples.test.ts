import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The examples that end by themselves, each with what it prints. */
const examples = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => /^[^/]+\/expected-output\.txt$/.test(file))
  .map((file) => ({
    name: file.replace("/expected-output.txt", ""),
    expected: readFileSync(`${folder}/${file}`, "utf8"),
  }));

const condition = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source"];

const LIMIT = { timeout: 60_000 };

describe("the examples", () => {
  it("are all there", () => {
    const names = ["basic", "failure-policy", "loop-worker", "multi-worker", "readiness"];
    expect(examples.map(({ name }) => name).sort()).toEqual(expect.arrayContaining(names));
  });

  // A process of its own for each, as for its reader; loop-worker ticks on the machine's clock for 300 ms.
  it.each(examples)("$name prints what is expected and ends by itself", LIMIT, (example) => {
    const args = [...condition, "--import=tsx", `${example.name}/index.ts`];
    const options = { cwd: folder, encoding: "utf8", timeout: 50_000 } as const;
    const run = spawnSync(process.execPath, args, options);
    expect(run.stderr).toBe("");
    expect(withoutDurations(run.stdout)).toBe(withoutDurations(example.expected));
    expect(run.status).toBe(0);
  });

  it.each(examples)("$name has its output in the guided tour", ({ name, expected }) => {
    expect(readme).toContain(`apps/examples/${name}/index.ts`);
    expect(readme).toContain(`\n\`\`\`text\n${expected}\`\`\`\n`);
  });
});

function withoutDurations(output: string): string {
  return output.replace(/\b\d+ ms\b/g, "some ms");
}
