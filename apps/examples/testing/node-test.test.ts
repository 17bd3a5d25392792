import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const file = fileURLToPath(new URL("node-test.mjs", import.meta.url));
const condition = process.env.WK_DIST ? [] : ["--conditions=@workerkit/source", "--import=tsx"];

// Node's runner is a process of its own, as for its reader.
it("the tests pass in Node's own runner too", { timeout: 60_000 }, () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = [...condition, "--test-reporter=tap", "--test", file];
  const run = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 50_000, env });
  expect(run.stdout).toContain("# pass 3");
  expect(run.stdout).toContain("# fail 0");
  expect(run.status).toBe(0);
});
