import { AsyncLocalStorage } from "node:async_hooks";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, poll } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { gate } from "../worker/gate.ts";
import { outcomeOf } from "./host.ts";
import { polling } from "./polling.ts";

describe("W3 trigger", () => {
  it("W3 ends the rest and runs now", async () => {
    const hosted = polling(() => {});
    await hosted.start();
    await hosted.clock.advance(60);
    expect(hosted.worker.trigger()).toBe(true);
    await hosted.clock.flush();
    await hosted.clock.advance(100);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 60", "run 3 at 160"]);
    await hosted.end();
  });

  it("W3 ends the initial delay too", async () => {
    const hosted = polling(() => {}, { initialDelayMs: 1_000 });
    await hosted.start();
    expect(hosted.worker.trigger()).toBe(true);
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["run 1 at 0"]);
    await hosted.end();
  });

  it("W3 during a run brings one more run as soon as it has ended, however often it is called", async () => {
    const hosted = polling((ctx) => ctx.sleep(30));
    await hosted.start();
    for (let call = 0; call < 3; call += 1) expect(hosted.worker.trigger()).toBe(true);
    await hosted.clock.advance(160);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 30", "run 3 at 160"]);
    await hosted.end();
  });

  it("W3 is false where nothing runs: before start, once drain began, after a stop, after a failure", async () => {
    const hosted = polling((ctx, nth) => {
      if (nth === 2) ctx.reportFailure(new Error("broken"));
    });
    expect(hosted.worker.trigger()).toBe(false);
    await hosted.start();
    await hosted.runtime.drain("w");
    expect(hosted.worker.trigger()).toBe(false);
    await hosted.runtime.stop("w");
    expect(hosted.worker.trigger()).toBe(false);
    expect(await outcomeOf(hosted.runtime.start("w"))).toBe("broken");
    expect(hosted.status().state).toBe("failed");
    expect(hosted.worker.trigger()).toBe(false);
    await hosted.clock.advance(1_000);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 0"]);
    await hosted.end();
  });

  it("L12 runs in the async context of the runtime's creation, whoever triggered it", async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const hosted = polling(() => seen.push(request.getStore()));
    await request.run("start", () => hosted.start());
    request.run("trigger", () => hosted.worker.trigger());
    await hosted.clock.flush();
    expect(seen).toEqual([undefined, undefined]);
    await hosted.end();
  });

  it("W3 reaches every runtime in which the definition runs", async () => {
    const log: string[] = [];
    const worker = poll((ctx) => log.push(ctx.name), { everyMs: 1_000 });
    const definition = defineWorker({ name: "w", worker });
    const clock = createFakeClock();
    const runtimes = ["one", "two", "three"].map((name) =>
      createLifecycle({ name, clock, workers: [definition] }),
    );
    for (const runtime of runtimes.slice(0, 2)) await clock.settle(runtime.start("w"));
    await clock.flush();
    expect(worker.trigger()).toBe(true);
    await clock.flush();
    expect(log).toEqual(["one/w", "two/w", "one/w", "two/w"]);
    for (const runtime of runtimes) await clock.settle(runtime.shutdown());
    expect(worker.trigger()).toBe(false);
  });
});

describe("W3 drain and stop", () => {
  it("W3 drain starts no further run, and lets the present one finish", async () => {
    const hosted = polling((ctx) => ctx.sleep(30));
    await hosted.start();
    await hosted.runtime.drain("w");
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 1 });
    await hosted.clock.advance(10_000);
    expect(hosted.log).toEqual(["run 1 at 0"]);
    expect(hosted.status()).toMatchObject({
      state: "draining",
      inFlight: 0,
      lastRun: { outcome: "ok", durationMs: 30 },
    });
    expect(hosted.status()).not.toHaveProperty("nextRunAt");
    await hosted.end();
  });

  it("W3 stops at once while it rests", async () => {
    const hosted = polling(() => {});
    await hosted.start();
    await hosted.runtime.stop("w");
    expect(hosted.clock.monotonicMs()).toBe(0);
    expect(hosted.status()).toMatchObject({ state: "stopped", lastRun: { outcome: "ok" } });
    expect(hosted.status()).not.toHaveProperty("nextRunAt");
    expect(hosted.clock.pending().filter(({ refed }) => refed)).toEqual([]);
    await hosted.end();
  });

  it("W3 a stop waits for the present run, then cuts it short after drainTimeoutMs", async () => {
    const hosted = polling((ctx) => ctx.sleep(60_000), {}, { drainTimeoutMs: 500 });
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(500);
    expect(hosted.status()).toMatchObject({ state: "stopped", lastRun: { outcome: "aborted" } });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W3 a run that ignores the cut is abandoned after its grace, and the worker is stopped", async () => {
    const hung = gate();
    const hosted = polling(() => hung.promise, {}, { drainTimeoutMs: 500, graceMs: 20 });
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(520);
    expect(hosted.status()).toMatchObject({
      state: "stopped",
      abandoned: 1,
      lastRun: { outcome: "abandoned" },
    });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    hung.open(undefined);
    await hosted.end();
  });

  it("W2 an abort-shaped end of a run is success once drain began, and a failure before", async () => {
    const abort = new DOMException("aborted", "AbortError");
    const first = gate();
    const hosted = polling((_ctx, nth) => (nth === 1 ? first.promise : Promise.reject(abort)));
    await hosted.start();
    await hosted.runtime.drain("w");
    first.fail(abort);
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({ state: "draining", lastRun: { outcome: "aborted" } });
    await hosted.runtime.stop("w");
    await hosted.start();
    expect(hosted.status()).toMatchObject({
      state: "failed",
      lastFailure: { code: "WORKER_FAILED" },
    });
    await hosted.end();
  });

  it("W2 any other error of a run fails a worker that drains", async () => {
    const run = gate();
    const hosted = polling(() => run.promise);
    await hosted.start();
    await hosted.runtime.drain("w");
    run.fail(new Error("no database"));
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({
      state: "failed",
      lastFailure: { code: "WORKER_FAILED" },
    });
    await hosted.end();
  });

  it("W2 an error after the cut is recorded, and the stop still ends as stopped", async () => {
    const hosted = polling(
      (ctx) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener("abort", () => reject(new Error("cannot roll back")));
        }),
      {},
      { drainTimeoutMs: 10 },
    );
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.status()).toMatchObject({
      state: "stopped",
      lastRun: { outcome: "aborted" },
      lastFailure: { code: "WORKER_STOPPING" },
    });
    await hosted.end();
  });

  it("W3 a run that is abandoned at its own limit while it drains fails the worker", async () => {
    const hung = gate();
    const hosted = polling(() => hung.promise, { timeoutMs: 50 }, { graceMs: 10 });
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(60);
    expect(await hosted.told()).toContain("failure in run 1: ABANDONED, final");
    hung.open(undefined);
    await hosted.end();
  });

  it("W2 an error after the cut is recorded although others of its level still drain", async () => {
    const clock = createFakeClock();
    const late = poll(
      (ctx) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener("abort", () => reject(new Error("cannot roll back")));
        }),
      { everyMs: 100 },
    );
    const slow = poll((ctx) => ctx.sleep(500), { everyMs: 100 });
    const workers = [
      defineWorker({ name: "late", worker: late, drainTimeoutMs: 10 }),
      defineWorker({ name: "slow", worker: slow }),
    ];
    const runtime = createLifecycle({ name: "rt", clock, workers });
    const states: string[] = [];
    runtime.events.on("worker:transition", ({ worker, to }) => {
      if (worker === "late") states.push(to);
    });
    await clock.settle(runtime.startAll());
    const report = await clock.settle(runtime.shutdown());
    expect(report.workers.map(({ outcome }) => outcome)).toEqual(["stopped", "stopped"]);
    expect(runtime.worker("late")).toMatchObject({
      state: "stopped",
      lastFailure: { code: "WORKER_STOPPING" },
    });
    expect(states).toEqual(["starting", "running", "draining", "stopping", "stopped"]);
  });

  it("L9 a run of a generation that is over changes nothing of the next", async () => {
    const old = gate();
    const hosted = polling(
      (_ctx, nth) => (nth === 1 ? old.promise : undefined),
      {},
      { drainTimeoutMs: 10, graceMs: 10 },
    );
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    await hosted.start();
    await hosted.told();
    const before = hosted.status();
    old.fail(new Error("late"));
    expect(await hosted.told()).toEqual([]);
    expect(hosted.status()).toEqual({ ...before, abandoned: 0 });
    await hosted.end();
  });
});
