import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("../simulate.mjs", import.meta.url));

// Processes of their own, since it shares its work among such.
function simulate(...args) {
  const fromSource = ["--import=tsx", "--conditions=@workerkit/source", script];
  const options = { encoding: "utf8", timeout: 50_000 };
  return spawnSync(process.execPath, [...fromSource, ...args], options);
}

describe("npm run simulate", { timeout: 60_000 }, () => {
  it("prints the seed, the figures and what was reached, the same each time", () => {
    const args = ["--operations", "600", "--seed", "7", "--processes", "2"];
    const runs = [simulate(...args), simulate(...args)].map(({ status, stdout }) => {
      expect(status).toBe(0);
      return stdout.replace(/hours in [\d.]+ s/, "hours in some s");
    });
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]).toMatch(/^seed 7: \d+ operations in \d+ storms, \d+ events\n/);
    expect(runs[0]).toMatch(/\nreached \d+ times: abandonment\n/);
  });

  it("refuses what it cannot do, and says what it expected", () => {
    const { status, stderr } = simulate("--operations", "many");
    expect(status).toBe(2);
    expect(stderr).toContain("--operations is many: expected a whole number of 1 or more");
  });
});
