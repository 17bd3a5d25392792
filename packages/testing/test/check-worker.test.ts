import { AssertionError } from "node:assert";
import { defineWorker, loop, poll, stream, type Worker } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { checkWorker, INVARIANTS, type WorkersToCheck } from "../src/index.ts";

const LIMIT = { timeout: 60_000 };

async function reportOf<State>(worker: Worker<State>, options = {}): Promise<string> {
  const definition = () => defineWorker({ name: "mine", worker });
  const error = await checkWorker(definition, { runs: 50, ...options }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(AssertionError);
  return error.message;
}

const polite = loop(async ({ draining, sleep }) => {
  while (!draining.aborted) await sleep(1_000);
});

describe("checkWorker", () => {
  it("lets a worker pass that does as it is told", LIMIT, async () => {
    const db = defineWorker({ name: "db", worker: { start: () => "pool", stop: () => {} } });
    const user = defineWorker({
      name: "user",
      dependsOn: [db],
      worker: { start: ({ use }) => `a user of ${use(db)}`, stop: () => {} },
      restart: { backoff: { delayMs: () => 200 } },
    });
    const looping = defineWorker({
      name: "looping",
      worker: polite,
      dependsOn: [{ worker: user }],
    });
    const figures = await checkWorker([db, user, looping], { runs: 60, seed: 5 });
    expect(figures.storms).toBe(60);
    expect(figures.operations).toBeGreaterThan(600);
  });

  it("lets the kinds pass", LIMIT, async () => {
    const everySecond = async function* ({ draining }: { readonly draining: AbortSignal }) {
      for (let item = 0; !draining.aborted; item++) {
        await new Promise<void>((resolve) => draining.addEventListener("abort", () => resolve()));
        yield item;
      }
    };
    await checkWorker(
      () => [
        defineWorker({ name: "polls", worker: poll(() => {}, { everyMs: 500 }) }),
        defineWorker({
          name: "streams",
          worker: stream({ source: everySecond, handle: () => {} }),
        }),
      ],
      { runs: 40 },
    );
  });

  it(
    "shows a worker that does not end when it is told to, with the shortest way there",
    LIMIT,
    async () => {
      const deaf = loop(async ({ clock }) => {
        for (;;) await new Promise<void>((done) => clock.setTimeout(done, 1_000));
      });
      const report = await reportOf(deaf);
      expect(report).toContain(`broke "ends in time": ${INVARIANTS["ends in time"]}`);
      const [, done = ""] = report.split("what was done:\n");
      const operations = done.slice(0, done.indexOf("what happened:")).trim().split("\n");
      expect(operations.length).toBeLessThanOrEqual(4);
      expect(operations[0]).toContain("start");
      expect(report).toContain('worker:abandoned mine#1 phase="stop"');
    },
  );

  it(
    "shows what only some orders bring about, with the shortest list of operations",
    LIMIT,
    async () => {
      let open = 0;
      const counts: Worker<string> = {
        start: async ({ sleep }) => {
          open++;
          if (open > 1) throw new Error("opened twice");
          await sleep(20);
          return "open";
        },
        // Wrong: a start that was stopped half-way has opened something too.
        stop: ({ state }) => {
          if (state !== undefined) open--;
        },
      };
      const report = await reportOf(counts);
      const [, done = ""] = report.split("what was done:\n");
      const operations = done.slice(0, done.indexOf("what happened:")).trim().split("\n");
      expect(operations.length).toBeLessThanOrEqual(3);
    },
  );

  it("shows a worker that leaves a timer behind", LIMIT, async () => {
    const report = await reportOf({
      start: ({ clock }) => clock.setTimeout(() => {}, 1e9, { label: "a leak" }),
      stop: () => {},
    });
    expect(report).toContain('broke "starts again"');
    expect(report).toContain("these timers are left: a leak");
  });

  it("shows a stop hook that takes a state for granted", LIMIT, async () => {
    const report = await reportOf({
      start: async ({ sleep }) => {
        await sleep(10);
        return { close: () => {} };
      },
      stop: (ctx) => (ctx.state as { close: () => void }).close(),
    });
    expect(report).toContain('broke "stops cleanly"');
    expect(report).toContain("seed ");
  });

  it(
    "gives the same report for the same seed, and tolerates what it is told to",
    LIMIT,
    async () => {
      const worker: Worker<void> = { start: () => {}, stop: () => Promise.reject(new Error("no")) };
      const reports = [await reportOf(worker, { seed: 3 }), await reportOf(worker, { seed: 3 })];
      expect(reports[0]).toBe(reports[1]);
      const message = await reportOf(worker, { stopsCleanly: false });
      expect(message).not.toContain("stops cleanly");
    },
  );

  it.each([
    [{ seed: "x" }, "options.seed"],
    [{ runs: 0 }, "options.runs"],
    [{ operations: 1.5 }, "options.operations"],
    [{ endsInTime: "yes" }, "options.endsInTime"],
    [{ times: 3 }, "options.times"],
  ])("refuses the options %j", async (options, path) => {
    const worker = defineWorker({ name: "mine", worker: polite });
    await expect(checkWorker(worker, options as object)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      details: { path },
    });
  });

  it.each([[[]], [() => []], ["mine"], [{ start: () => {} }]])(
    "refuses the workers %j",
    async (workers) => {
      await expect(checkWorker(workers as unknown as WorkersToCheck)).rejects.toMatchObject({
        code: "INVALID_OPTION",
        details: { path: expect.stringMatching(/^workers/) },
      });
    },
  );
});
