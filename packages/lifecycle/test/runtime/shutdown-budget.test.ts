import type { ShutdownReport } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { type Crew, crew, type Part } from "./crew.ts";
import { never } from "./held.ts";

const forever = Number.POSITIVE_INFINITY;

/** A worker that uses all it is given: work in flight, and hooks that never return. */
const hanging: Part = {
  drain: never,
  stop: never,
  drainTimeoutMs: forever,
  stopTimeoutMs: forever,
  graceMs: forever,
};

interface Watched extends Crew {
  /** When the signals of each worker aborted, of its lease and of its stop hook. */
  readonly aborts: string[];
}

/** Starts workers with one lease each; writes down when leases and stop hooks are told to end. */
async function busy(parts: Record<string, Part>): Promise<Watched> {
  const aborts: string[] = [];
  const watched = Object.fromEntries(
    Object.entries(parts).map(([name, given]): [string, Part] => [
      name,
      {
        ...given,
        stop(ctx, call) {
          call.signal.addEventListener("abort", () => {
            aborts.push(`stop hook of ${name} at ${ctx.clock.monotonicMs()}`);
          });
          return given.stop?.(ctx, call);
        },
      },
    ]),
  );
  const it = crew(watched);
  await it.runtime.startAll();
  for (const name of Object.keys(parts)) {
    it.context(name)
      .admit(`work of ${name}`)
      ?.signal.addEventListener("abort", () => {
        aborts.push(`lease of ${name} at ${it.clock.monotonicMs()}`);
      });
  }
  await it.settled();
  return { ...it, aborts };
}

const shutDown = async (it: Crew, timeoutMs?: number): Promise<ShutdownReport> => {
  const work = it.runtime
    .shutdown({ timeoutMs })
    .catch((error: { report: ShutdownReport }) => error.report);
  return it.clock.settle(work);
};

describe("the budget of a shutdown", () => {
  it("B3 one level: drain to 3/4, grace of 1/16, the stop hook the rest less one grace", async () => {
    const it = await busy({ w: hanging });
    const report = await shutDown(it, 16_000);
    expect(it.calls).toEqual(["drain w at 0", "stop w at 13000"]);
    expect(it.aborts).toEqual(["lease of w at 12000", "stop hook of w at 15000"]);
    expect(report).toEqual({
      durationMs: 16_000,
      workers: [
        {
          ...{ worker: "w", outcome: "failed", drainMs: 13_000, stopMs: 3_000, aborted: 1 },
          abandoned: [
            { label: "drain hook", ageMs: 13_000 },
            { label: "work of w", ageMs: 13_000 },
            { label: "stop hook", ageMs: 3_000 },
          ],
        },
      ],
    });
  });

  it("B3 two levels: each has its half, side by side within it", async () => {
    const it = await busy({
      db: hanging,
      api: { ...hanging, dependsOn: ["db"] },
      web: { ...hanging, dependsOn: ["db"] },
    });
    const report = await shutDown(it, 32_000);
    expect(it.calls).toEqual([
      ...["drain api at 0", "drain web at 0", "stop api at 13000", "stop web at 13000"],
      ...["drain db at 16000", "stop db at 29000"],
    ]);
    expect(it.aborts).toEqual([
      ...["lease of api at 12000", "lease of web at 12000"],
      ...["stop hook of api at 15000", "stop hook of web at 15000"],
      ...["lease of db at 28000", "stop hook of db at 31000"],
    ]);
    expect(report.durationMs).toBe(32_000);
    expect(report.workers.map(({ worker }) => worker)).toEqual(["api", "web", "db"]);
  });

  it("B3 three levels: what a level leaves over belongs to those that follow", async () => {
    const quick = { drainTimeoutMs: 1_000, graceMs: 100 };
    const it = await busy({
      db: hanging,
      api: { ...hanging, dependsOn: ["db"] },
      web: { ...quick, dependsOn: ["api"] },
    });
    const report = await shutDown(it, 33_100);
    // web: 1000 of drain and 100 of grace, then 16 000 for each of the others.
    expect(it.calls).toEqual([
      ...["stop web at 1100", "drain api at 1100", "stop api at 14100"],
      ...["drain db at 17100", "stop db at 30100"],
    ]);
    expect(report.durationMs).toBe(33_100);
  });

  it("B3 three levels that use up all end on the very millisecond", async () => {
    const it = await busy({
      db: hanging,
      api: { ...hanging, dependsOn: ["db"] },
      web: { ...hanging, dependsOn: ["api"] },
    });
    const report = await shutDown(it, 48_000);
    expect(it.calls.filter((call) => call.startsWith("stop"))).toEqual([
      ...["stop web at 13000", "stop api at 29000", "stop db at 45000"],
    ]);
    expect(report.durationMs).toBe(48_000);
    expect(report.workers.map(({ stopMs }) => stopMs)).toEqual([3_000, 3_000, 3_000]);
  });

  it("B3 a level without a worker to stop takes no share", async () => {
    const it = crew({ db: hanging, mid: { dependsOn: ["db"] }, top: { dependsOn: ["mid"] } });
    await it.runtime.startAll();
    for (const name of ["top", "mid"]) await it.runtime.stop(name);
    it.context("db").admit();
    const report = await shutDown(it, 16_000);
    expect(it.calls).toContain("stop db at 13000");
    expect(report.durationMs).toBe(16_000);
  });

  it("B3 a level below without a worker to stop takes no share either", async () => {
    const it = await busy({ db: {}, api: { ...hanging, dependsOn: ["db"] } });
    it.context("db").reportFailure(new Error("lost"));
    await it.clock.settle(it.runtime.stop("db")); // its dependants run on (D3)
    await it.settled();
    const beganAt = it.clock.monotonicMs();
    const report = await shutDown(it, 16_000);
    expect(it.calls).toEqual([`drain api at ${beganAt}`, `stop api at ${beganAt + 13_000}`]);
    expect(report.durationMs).toBe(16_000);
  });

  it("B3 every own limit is the smaller of its own and the share's", async () => {
    const own = { drainTimeoutMs: 2_000, graceMs: 50, stopTimeoutMs: 700 };
    const it = await busy({ w: { ...hanging, ...own } });
    const report = await shutDown(it, 16_000);
    expect(it.aborts).toEqual(["lease of w at 2000", "stop hook of w at 2750"]);
    expect(report).toMatchObject({ durationMs: 2_800, workers: [{ drainMs: 2_050, stopMs: 750 }] });
  });

  it.each([
    [undefined, 20_000],
    [1_000, 1_000],
    [160, 160],
  ])("B3 with a timeout of %s settles within %d ms, whatever hangs", async (timeoutMs, within) => {
    const it = await busy({
      db: hanging,
      api: { ...hanging, dependsOn: ["db"] },
      web: { ...hanging, dependsOn: ["api"] },
      other: hanging,
    });
    it.runtime.events.on("worker:transition", () => {});
    const report = await shutDown(it, timeoutMs);
    expect(report.durationMs).toBeGreaterThan(within * 0.99);
    expect(report.durationMs).toBeLessThanOrEqual(within);
    expect(it.clock.pending()).toEqual([]);
  });

  it("B3 with a listener that hangs as well settles a flush limit later", async () => {
    const it = await busy({ w: hanging });
    it.runtime.events.on("worker:transition", never);
    const report = await shutDown(it, 16_000);
    expect(report.durationMs).toBe(17_000);
    expect(it.clock.pending()).toEqual([]);
  });

  it("B3 with a timeout of 0 cuts at once, calls no drain hook, and still runs the stop hooks", async () => {
    const it = await busy({ db: { drain: never }, api: { drain: never, dependsOn: ["db"] } });
    await it.clock.advance(100); // not at the clock's zero
    const report = await shutDown(it, 0);
    expect(it.calls.map((call) => call.replace(/ at .*/, ""))).toEqual(["stop api", "stop db"]);
    expect(report.workers).toMatchObject([
      { worker: "api", outcome: "stopped", aborted: 1, abandoned: [{ label: "work of api" }] },
      { worker: "db", outcome: "stopped", aborted: 1, abandoned: [{ label: "work of db" }] },
    ]);
    // Timers wait for 1 ms at the least, and there is one grace a level.
    expect(report.durationMs).toBe(2);
  });

  it("B3 with a timeout of Infinity has the workers' own limits alone", async () => {
    const it = await busy({
      w: { ...hanging, drainTimeoutMs: 60_000, graceMs: 5_000, stopTimeoutMs: 9_000 },
    });
    const report = await shutDown(it, forever);
    expect(report.durationMs).toBe(60_000 + 5_000 + 9_000 + 5_000);
  });
});

describe("several callers", () => {
  it("B3 B6 the earliest of their limits counts, and a later one changes nothing", async () => {
    const it = await busy({ w: hanging });
    const first = it.runtime.shutdown({ timeoutMs: 30_000 }).catch(() => {});
    await it.clock.advance(2_000);
    const second = shutDown(it, 8_000);
    const third = it.runtime.shutdown({ timeoutMs: 60_000 }).catch(() => {});
    const report = await second;
    // Of the 8 000 that were left when the second came: 6 000 of drain, 500 of grace.
    expect(it.aborts).toEqual(["lease of w at 8000", "stop hook of w at 9500"]);
    expect(report.durationMs).toBe(10_000);
    await Promise.all([first, third]);
    expect(it.calls).toEqual(["drain w at 0", "stop w at 8500"]);
  });

  it("B3 B6 a later limit changes nothing for the levels to come either", async () => {
    const it = await busy({ db: hanging, api: { ...hanging, dependsOn: ["db"] } });
    const first = shutDown(it, 32_000);
    await it.clock.advance(1_000);
    void it.runtime.shutdown({ timeoutMs: 90_000 }).catch(() => {});
    expect((await first).durationMs).toBe(32_000);
  });

  it("B6 a shutdown takes a stopAll over, and gives it a budget", async () => {
    const it = await busy({ w: hanging });
    const stopAll = it.runtime.stopAll().catch((error: unknown) => error);
    await it.clock.advance(1_000);
    const report = await shutDown(it, 16_000);
    expect(it.aborts).toEqual(["lease of w at 13000", "stop hook of w at 16000"]);
    expect(report.durationMs).toBe(17_000); // since the stopAll began
    expect(await stopAll).toBeInstanceOf(AggregateError);
    expect(it.calls).toEqual(["drain w at 0", "stop w at 14000"]);
  });

  it("B3 a limit that has passed already ends the phases that it limits at once", async () => {
    const it = await busy({ w: hanging });
    void it.runtime.shutdown({ timeoutMs: 160_000 }).catch(() => {});
    await it.clock.advance(100_000);
    const report = await shutDown(it, 0);
    expect(report.durationMs).toBeLessThanOrEqual(100_003);
    expect(it.aborts).toEqual(["lease of w at 100000", "stop hook of w at 100002"]);
  });
});
