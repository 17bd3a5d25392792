import { sleep } from "@workerkit/contracts";
import { defineWorker, loop, poll, stream } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { createTestRuntime } from "../src/index.ts";

const HOUR_MS = 3_600_000;
const HOUR_LIMIT_MS = 5_000;

describe("fake time", () => {
  it("lets an hour of 100 workers pass in moments", { timeout: 60_000 }, async () => {
    let polled = 0;
    let handled = 0;
    const { runtime, clock, settle, advance, end } = createTestRuntime();
    for (let place = 0; place < 100; place++) {
      const kinds = [
        () => poll(() => polled++, { everyMs: 10_000 }),
        () => stream({ source: everySecond, handle: () => handled++ }),
        () => loop(failsAfterAMinute),
      ];
      const worker = kinds[place % 3]?.();
      if (worker === undefined) continue;
      const backoff = { delayMs: () => 100 };
      const restart = { backoff, maxRestarts: Number.POSITIVE_INFINITY };
      runtime.register(defineWorker({ name: `w${place}`, worker, restart }));
    }
    async function* everySecond({ draining }: { readonly draining: AbortSignal }) {
      for (let item = 0; ; item++) {
        await sleep(clock, 1_000, draining);
        yield item;
      }
    }
    const began = process.cpuUsage();
    await settle(() => runtime.startAll());
    await advance(HOUR_MS);
    const { user, system } = process.cpuUsage(began);
    const tookMs = (user + system) / 1_000;
    const restarts = runtime.workers().reduce((sum, status) => sum + status.restarts, 0);
    await end();
    expect(polled).toBeGreaterThan(34 * 350);
    expect(handled).toBe(33 * 3_600);
    expect(restarts).toBe(33 * 59);
    // Of the processor, not of the clock: the machine may have other things to do. It takes 1.5 to 3 s.
    expect(tookMs).toBeLessThan(HOUR_LIMIT_MS);
  });
});

const failsAfterAMinute = async (ctx: { readonly sleep: (ms: number) => Promise<void> }) => {
  await ctx.sleep(60_000);
  throw new Error("a minute is enough");
};
