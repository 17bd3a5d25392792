import type { ShutdownReport } from "@workerkit/lifecycle";
import { extend } from "@workerkit/lifecycle/extension";
import { describe, expect, it } from "vitest";
import { type Units, unitsFor } from "../units.ts";
import { countedSignal } from "./counted-signal.ts";
import { type Crew, crew, type Hook, type Part } from "./crew.ts";
import { held, never, outcomeOf } from "./held.ts";

const broken = new Error("broken");
const takes =
  (ms: number): Hook =>
  ({ clock }) =>
    new Promise<void>((resolve) => clock.setTimeout(resolve, ms));

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** A crew with units of work, for work that crosses from one worker to another. */
function working(parts: Record<string, Part>): Crew & { readonly units: Units } {
  const it = crew({});
  const units = extend(it.runtime, unitsFor(), {});
  for (const [name, what] of Object.entries(parts)) it.add(name, what);
  return { ...it, units };
}

describe("the report of a shutdown", () => {
  it("B3 says of each worker how it ended, how long that took, and what was left, in the order of their ends", async () => {
    const it = crew({
      db: { stop: takes(30) },
      slow: { dependsOn: ["db"], drain: takes(200), stop: takes(5) },
      api: { dependsOn: ["db"], drainTimeoutMs: 100, graceMs: 20 },
      idle: {},
    });
    for (const name of ["db", "slow", "api"]) await it.runtime.start(name);
    const leases = ["obeys", "ignores"].map((label) => it.context("api").admit(label));
    leases[0]?.signal.addEventListener("abort", () => leases[0]?.release());
    const error = await it.clock.settle(errorOf(it.runtime.shutdown()));
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors).toEqual([]);
    expect((error as Error).message).toBe("runtime shop did not shut down cleanly: api");
    expect((error as { report?: unknown }).report).toEqual({
      durationMs: 235,
      workers: [
        { worker: "slow", outcome: "stopped", drainMs: 200, stopMs: 5, aborted: 0, abandoned: [] },
        {
          ...{ worker: "api", outcome: "stopped", drainMs: 200, stopMs: 0, aborted: 2 },
          abandoned: [{ label: "ignores", ageMs: 120 }],
        },
        { worker: "db", outcome: "stopped", drainMs: 0, stopMs: 30, aborted: 0, abandoned: [] },
      ],
    });
    leases[1]?.release();
    await it.end();
  });

  it("B3 resolves when nothing failed and nothing was left", async () => {
    const it = crew({ a: {}, b: { dependsOn: ["a"] } });
    await it.runtime.startAll();
    const clean = (worker: string) => ({
      ...{ worker, outcome: "stopped", drainMs: 0, stopMs: 0, aborted: 0, abandoned: [] },
    });
    expect(await it.runtime.shutdown()).toEqual({
      durationMs: 0,
      workers: [clean("b"), clean("a")],
    });
    expect(await it.runtime.shutdown()).toEqual({ durationMs: 0, workers: [] });
  });

  it("B3 rejects with the errors of stop hooks, and with the report all the same", async () => {
    const it = crew({ a: { stop: () => Promise.reject(broken) }, b: {} });
    await it.runtime.startAll();
    const error = (await errorOf(it.runtime.shutdown())) as AggregateError & {
      report: ShutdownReport;
    };
    expect(error.errors).toEqual([broken]);
    expect(error.message).toBe("runtime shop did not shut down cleanly: a");
    expect(error.report.workers).toMatchObject([
      { worker: "a", outcome: "failed", abandoned: [] },
      { worker: "b", outcome: "stopped" },
    ]);
  });

  it("B3 knows of a stop that was in progress before, from its own beginning", async () => {
    const it = crew({ a: { stop: takes(100) } });
    await it.runtime.startAll();
    const stop = outcomeOf(it.runtime.stop("a"));
    await it.clock.advance(40);
    const report = await it.clock.settle(it.runtime.shutdown());
    expect(report).toMatchObject({ durationMs: 60, workers: [{ worker: "a", stopMs: 100 }] });
    expect(stop.value).toBe("resolved");
  });
});

describe("peers of one level", () => {
  it("B3 an idle worker stays draining until all of its level are idle or cut, and serves them meanwhile", async () => {
    const it = working({ cache: {}, feed: {} });
    await it.runtime.startAll();
    const work = it.units.run("feed", "work");
    const shutdown = it.runtime.shutdown();
    await it.clock.advance(3_000);
    expect(it.states()).toBe("cache draining, feed draining");
    expect(it.units.refusal("cache")?.code).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    const child = it.units.run("cache", "child", { parent: work });
    work.release();
    await it.clock.advance(1_000);
    // Now it is the other that has become idle and waits.
    expect(it.states()).toBe("cache draining, feed draining");
    child.release();
    expect(await it.clock.settle(shutdown)).toMatchObject({ durationMs: 4_000 });
    expect(it.units.closings.filter((text) => text.includes("cut"))).toEqual([]);
  });

  it("B3 one that is cut serves nobody any more, and holds up nobody", async () => {
    const it = working({ cache: { drainTimeoutMs: 1_000 }, feed: {} });
    await it.runtime.startAll();
    const [work, stuck] = [it.units.run("feed", "work"), it.units.run("cache", "stuck")];
    const shutdown = errorOf(it.runtime.shutdown());
    await it.clock.advance(1_500);
    expect(stuck.abortedWith).toMatchObject({ code: "WORKER_STOPPING" });
    expect(it.states()).toBe("cache draining, feed draining");
    expect(it.units.refusal("cache", work)?.code).toBe("WORKER_NOT_ACCEPTING_WORK");
    await it.clock.advance(1_000);
    expect(await Promise.race([stuck.settled, "still runs"])).toBe("abandoned");
    work.release();
    await it.clock.settle(shutdown);
    expect(it.clock.monotonicMs()).toBe(2_500);
    stuck.release();
    await it.end();
  });

  it("B3 work that was admitted before may still use what its worker depends on, which runs on", async () => {
    const it = working({ db: {}, api: { dependsOn: ["db"] } });
    await it.runtime.startAll();
    const work = it.units.run("api", "work");
    const shutdown = it.runtime.shutdown();
    await it.clock.flush();
    expect(it.states()).toBe("db running, api draining");
    it.units.run("db", "child", { parent: work }).release();
    expect(it.units.refusal("db")?.code).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    work.release();
    await it.clock.settle(shutdown);
    expect(it.units.refusal("db", work)?.code).toBe("PARENT_ENDED");
  });
});

describe("the signal of a shutdown", () => {
  it("B3 hurries: from then on no drain and no idle wait, on this level and on those that follow", async () => {
    const it = crew({ db: { drain: never }, api: { dependsOn: ["db"], drain: never } });
    await it.runtime.startAll();
    for (const name of ["db", "api"]) it.context(name).admit();
    await it.settled();
    const { controller, signal, listeners } = countedSignal();
    const error = errorOf(it.runtime.shutdown({ signal }));
    await it.clock.advance(300);
    controller.abort(new Error("hurry"));
    const { report } = (await it.clock.settle(error)) as { report: ShutdownReport };
    // api: its grace of 20 000 / 2 / 16; db: the least of its own grace and that of what is left.
    expect(it.calls).toEqual(["drain api at 0", "stop api at 915.625", "stop db at 1915.625"]);
    expect(report.workers.map(({ outcome }) => outcome)).toEqual(["stopped", "stopped"]);
    expect(listeners()).toBe(0);
  });

  it("B3 aborted beforehand: no drain hook is called, and what is in flight is cut at once", async () => {
    const it = crew({ w: { drain: never } });
    await it.clock.advance(77);
    await it.runtime.startAll();
    const lease = it.context("w").admit();
    lease?.signal.addEventListener("abort", () => lease.release());
    await it.settled();
    expect(await it.clock.settle(it.runtime.shutdown({ signal: AbortSignal.abort() }))).toEqual({
      durationMs: 0,
      workers: [
        { worker: "w", outcome: "stopped", drainMs: 0, stopMs: 0, aborted: 1, abandoned: [] },
      ],
    });
    expect(it.calls).toEqual(["stop w at 77"]);
  });

  it("B3 never rejects the call, and leaves no listener when it does not abort", async () => {
    const it = crew({ w: { stop: takes(50) } });
    await it.runtime.startAll();
    const { controller, signal, listeners } = countedSignal();
    const shutdown = it.runtime.shutdown({ signal });
    const second = it.runtime.shutdown({ signal });
    expect(listeners()).toBe(1); // one for both
    await it.clock.settle(shutdown);
    await second;
    expect(listeners()).toBe(0);
    controller.abort();
    expect(it.states()).toBe("w stopped");
  });
});

describe("after a shutdown", () => {
  it("B3 nothing of the runtime remains, and startAll begins anew", async () => {
    const it = crew({ a: { drain: takes(10) }, b: { dependsOn: ["a"], stop: takes(10) } });
    for (const generation of [1, 2, 3]) {
      await it.runtime.startAll();
      expect(it.runtime.status()).toMatchObject({ state: "running", ready: true });
      const idle = outcomeOf(it.runtime.waitAllIdle());
      it.context("a").admit()?.release();
      await it.clock.settle(it.runtime.shutdown());
      expect(idle.value).toBe("resolved");
      expect(it.clock.pending()).toEqual([]);
      expect(it.runtime.status()).toMatchObject({ state: "stopped", ready: false, inFlight: 0 });
      expect(it.runtime.worker("a")?.generation).toBe(generation);
    }
  });

  it("B3 settles everybody who waited, before it settles itself", async () => {
    const stop = held();
    const it = crew({ a: { stop: stop.hook }, b: { start: never, graceMs: 10 } });
    await it.runtime.start("a");
    const lease = it.context("a").admit();
    const waiting = {
      ready: outcomeOf(it.runtime.startAll()),
      start: outcomeOf(it.runtime.start("b")),
      idle: outcomeOf(it.runtime.waitIdle("a")),
      drain: outcomeOf(it.runtime.drain("a")),
      drainAll: outcomeOf(it.runtime.drainAll()),
      stop: outcomeOf(it.runtime.stop("a")),
      stopAll: outcomeOf(it.runtime.stopAll()),
    };
    const shutdown = it.runtime.shutdown({ timeoutMs: 1_600 });
    await it.clock.advance(10);
    lease?.release();
    await it.clock.flush();
    stop.open();
    await it.clock.settle(errorOf(shutdown));
    for (const [who, { value }] of Object.entries(waiting))
      expect([who, value]).not.toEqual([who, undefined]);
    expect(it.clock.pending()).toEqual([]);
  });

  it("B3 startAll is refused during it, and accepted after it", async () => {
    const stop = held();
    const it = crew({ a: { stop: stop.hook } });
    await it.runtime.startAll();
    const shutdown = it.runtime.shutdown();
    await it.clock.flush();
    await expect(it.runtime.startAll()).rejects.toMatchObject({
      code: "INVALID_RUNTIME_STATE",
      message: "runtime shop cannot start its workers while it shuts down",
    });
    stop.open();
    await shutdown;
    await it.runtime.startAll();
    expect(it.states()).toBe("a running");
    const again = it.runtime.shutdown();
    await it.clock.flush();
    stop.open();
    await again;
  });
});
