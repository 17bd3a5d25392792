import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, task, type WorkContext } from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { gate } from "../worker/gate.ts";
import { host, outcomeOf } from "./host.ts";

describe("W5 a task", () => {
  it("W5 runs from launch on, and its dependants start while it is at work", async () => {
    const work = gate();
    const seeding = defineWorker({ name: "seeding", worker: task(() => work.promise) });
    const api = defineWorker({
      name: "api",
      dependsOn: [seeding],
      worker: { start: () => {}, stop: () => {} },
    });
    const clock = createFakeClock();
    const runtime = createLifecycle({ name: "rt", clock, workers: [seeding, api] });
    await clock.settle(runtime.startAll());
    expect(runtime.worker("api")?.state).toBe("running");
    expect(runtime.worker("seeding")).toMatchObject({
      ...{ kind: "task", state: "running", ready: true, inFlight: 1 },
    });
    expect(runtime.worker("seeding")).not.toHaveProperty("completed");
    work.open(undefined);
    await clock.settle(runtime.shutdown());
  });

  it("W5 stays running after it returned, completed, until it is stopped", async () => {
    const work = gate();
    const hosted = host(task(() => work.promise));
    await hosted.start();
    work.open(undefined);
    await hosted.clock.advance(1e7);
    expect(hosted.status()).toMatchObject({
      ...{ state: "running", ready: true, inFlight: 0, completed: true },
    });
    await hosted.runtime.stop("w");
    expect(hosted.status()).toMatchObject({ state: "stopped", completed: true });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W5 stays until drain as well, and a drain of a completed one holds nothing up", async () => {
    const hosted = host(task(() => {}));
    await hosted.start();
    await hosted.runtime.drain("w");
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 0, completed: true });
    await hosted.end();
    expect(hosted.clock.monotonicMs()).toBe(0);
  });

  it("W5 is ready as it said itself", async () => {
    const work = gate();
    const hosted = host(
      task(async (ctx) => {
        ctx.setReady(false);
        await work.promise;
        ctx.setReady(true);
      }),
    );
    await hosted.start();
    expect(hosted.status().ready).toBe(false);
    work.open(undefined);
    await hosted.clock.flush();
    expect(hosted.status().ready).toBe(true);
    await hosted.end();
  });

  it("W5 runs once in each generation, which is not completed until it has returned", async () => {
    let runs = 0;
    const second = gate();
    const hosted = host(
      task(() => {
        runs += 1;
        return runs === 2 ? second.promise : undefined;
      }),
    );
    await hosted.start();
    await hosted.runtime.stop("w");
    expect(hosted.status().completed).toBe(true);
    await hosted.start();
    expect(runs).toBe(2);
    expect(hosted.status()).not.toHaveProperty("completed");
    second.open(undefined);
    await hosted.end();
  });

  it("W5 its run is a lease whose signal is that of its context", async () => {
    let seen: WorkContext<void> | undefined;
    const work = gate();
    const hosted = host(
      task((ctx) => {
        seen = ctx;
        return work.promise;
      }),
    );
    await hosted.start();
    expect(seen?.lease.label).toBe("task");
    expect(seen?.signal).toBe(seen?.lease.signal);
    work.open(undefined);
    await hosted.end();
  });
});

describe("W5 an error", () => {
  it("W5 fails the worker as a loop's does, and supervision starts it anew", async () => {
    let runs = 0;
    const hosted = host(
      task(async (ctx) => {
        runs += 1;
        await ctx.sleep(10);
        if (runs === 1) throw new Error("no database");
      }),
      { restart: { backoff: constant(50) } },
    );
    await hosted.start();
    await hosted.told();
    await hosted.clock.advance(70);
    expect(hosted.status()).toMatchObject({ state: "running", generation: 2, completed: true });
    expect((await hosted.told()).filter((line) => line.startsWith("failure"))).toEqual([
      "failure in run 1: WORKER_FAILED",
    ]);
    await hosted.end();
  });

  it("W5 at once is a failed start", async () => {
    const hosted = host(
      task(() => {
        throw new Error("no database");
      }),
    );
    expect(await outcomeOf(hosted.runtime.start("w"))).toBe("no database");
    expect(hosted.status().state).toBe("failed");
    expect(hosted.status()).not.toHaveProperty("completed");
    await hosted.end();
  });

  it("W2 that is abort-shaped once drain began is success", async () => {
    const hosted = host(
      task(
        (ctx) =>
          new Promise((_resolve, reject) => {
            ctx.draining.addEventListener("abort", () => reject(ctx.draining.reason));
          }),
      ),
    );
    await hosted.start();
    await hosted.runtime.stop("w");
    expect(hosted.status()).toMatchObject({ state: "stopped" });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    expect(hosted.status()).not.toHaveProperty("completed");
    await hosted.end();
  });

  it("W2 of another kind fails a worker that drains", async () => {
    const work = gate();
    const hosted = host(task(() => work.promise));
    await hosted.start();
    await hosted.runtime.drain("w");
    work.fail(new Error("no database"));
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({
      state: "failed",
      lastFailure: { code: "WORKER_FAILED" },
    });
    await hosted.end();
  });

  it("W2 after the cut is recorded, and the stop still ends as stopped", async () => {
    const hosted = host(
      task(
        (ctx) =>
          new Promise((_resolve, reject) => {
            ctx.signal.addEventListener("abort", () => reject(new Error("no rollback")));
          }),
      ),
      { drainTimeoutMs: 10 },
    );
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(10);
    expect(hosted.status()).toMatchObject({
      state: "stopped",
      lastFailure: { code: "WORKER_STOPPING" },
    });
    await hosted.end();
  });
});

describe("W5 drain and stop", () => {
  it("W5 drain waits for it, and it is completed", async () => {
    const work = gate();
    const hosted = host(task(() => work.promise));
    await hosted.start();
    const stopped = hosted.runtime.stop("w");
    await hosted.clock.advance(3_000);
    expect(hosted.status()).toMatchObject({ state: "draining", inFlight: 1 });
    work.open(undefined);
    await hosted.clock.settle(stopped);
    expect(hosted.clock.monotonicMs()).toBe(3_000);
    expect(hosted.status()).toMatchObject({ state: "stopped", completed: true });
    await hosted.end();
  });

  it("W5 one that ignores the cut is abandoned after its grace, and may be started again", async () => {
    const work = gate();
    const hosted = host(
      task(() => work.promise),
      { drainTimeoutMs: 10, graceMs: 20 },
    );
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(30);
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 1 });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.start();
    work.open(undefined);
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({ state: "running", completed: true, abandoned: 0 });
    await hosted.end();
  });
});

describe("W5 onComplete shutdown", () => {
  it("W5 asks for the shutdown of the runtime when it has returned", async () => {
    const work = gate();
    const hosted = host(task(() => work.promise, { onComplete: "shutdown" }));
    await hosted.start();
    await hosted.clock.advance(100);
    expect(hosted.status().state).toBe("running");
    work.open(undefined);
    await hosted.clock.advance(100);
    expect(hosted.status()).toMatchObject({ state: "stopped", completed: true });
    await hosted.end();
  });

  it("W5 asks for nothing when it failed", async () => {
    const work = gate();
    const hosted = host(task(() => work.promise, { onComplete: "shutdown" }));
    await hosted.start();
    work.fail(new Error("no database"));
    await hosted.clock.advance(100);
    expect(hosted.runtime.status().state).toBe("failed");
    expect(
      hosted.heard.filter(([name]) => name === "runtime:transition").at(-1)?.[1],
    ).toMatchObject({
      to: "failed",
    });
    await hosted.end();
  });
});
