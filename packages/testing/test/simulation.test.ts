import { describe, expect, it } from "vitest";
import { checkRuntime, MUST_REACH } from "../src/index.ts";
import { runPlan } from "../src/model/run-plan.ts";
import { drawnPlan } from "../src/model/storm.ts";

describe("the simulation of the runtime", () => {
  // Some 50 000 operations take 8 s of a free core; it may have to share one.
  it("holds every invariant through 50 000 operations, and meets all that is rare", {
    timeout: 120_000,
  }, async () => {
    const { figures, text } = await checkRuntime({ seed: 1, operations: 50_000 });
    expect(text).toBeUndefined();
    expect(figures.operations).toBeGreaterThanOrEqual(50_000);
    for (const what of MUST_REACH) expect(figures.reached, what).toHaveProperty([what]);
  });

  it("21 gives the same bytes in 100 runs of one seed", { timeout: 30_000 }, async () => {
    const plan = drawnPlan({ seed: 12, operations: 100 });
    const logs = new Set<string>();
    for (let run = 0; run < 100; run++) logs.add((await runPlan(plan)).log.join("\n"));
    expect(logs.size).toBe(1);
    expect([...logs][0]?.split("\n").length).toBeGreaterThan(30);
  });

  it("draws the same plan from the same seed, and another from another", () => {
    const text = (seed: number) => JSON.stringify(drawnPlan({ seed, operations: 50 }));
    expect(text(3)).toBe(text(3));
    expect(text(3)).not.toBe(text(4));
  });

  it.each([
    [{ seed: 0.5 }, "options.seed"],
    [{ operations: 0 }, "options.operations"],
    [{ step: "1" }, "options.step"],
    [{ workers: [] }, "options.workers"],
  ])("refuses %j", async (options, path) => {
    await expect(checkRuntime(options as object)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      details: { path },
    });
  });
});
