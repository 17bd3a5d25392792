import { loop, poll, stream, task, type Worker, type WorkerContext } from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { type HostOptions, host } from "./host.ts";

const never = new Promise<never>(() => {});

/** A worker that does nothing but hand out its context. */
function bare(policy: HostOptions = {}) {
  const contexts: WorkerContext<void>[] = [];
  const worker: Worker<void> = {
    start: (ctx) => {
      contexts.push(ctx);
    },
    stop: () => {},
  };
  const hosted = host(worker, { stallTimeoutMs: 1_000, ...policy });
  const context = () => contexts.at(-1) as WorkerContext<void>;
  const stalls = () => hosted.heard.filter(([name]) => name === "worker:stall").map(([, e]) => e);
  return { ...hosted, context, stalls };
}

describe("S4 a stall", () => {
  it("S4 is told, and then fails the worker with STALLED", async () => {
    const { context, stalls, ...hosted } = bare();
    await hosted.start();
    context().admit();
    await hosted.told();
    await hosted.clock.advance(999);
    expect(hosted.status().state).toBe("running");
    await hosted.clock.advance(1);
    const told = await hosted.told();
    expect(told.slice(0, 2)).toEqual(["worker:stall", "running > failed (run failed)"]);
    expect(told).toContain("failure in run 1: STALLED, final");
    expect(stalls()).toEqual([
      { runtime: "rt", at: 1_000, worker: "w", generation: 1, silentMs: 1_000 },
    ]);
    expect(hosted.status().lastFailure).toEqual({
      code: "STALLED",
      message: "worker rt/w gave no sign of life for 1000 ms",
      at: 1_000,
    });
    await hosted.end();
  });

  it("S4 is what supervision restarts after, and the next generation has its own count", async () => {
    const { context, stalls, ...hosted } = bare({ restart: { backoff: constant(0) }, graceMs: 0 });
    await hosted.start();
    context().admit();
    await hosted.clock.advance(1_010);
    expect(hosted.status()).toMatchObject({ state: "running", generation: 2 });
    await hosted.clock.advance(10_000);
    expect(stalls()).toHaveLength(1);
    context().admit();
    await hosted.clock.advance(1_000);
    expect(stalls()).toHaveLength(2);
    await hosted.end();
  });

  it("S4 in a start fails the start when it returns, and is told once", async () => {
    const hosted = host(
      {
        async start(ctx) {
          const lease = ctx.admit();
          await ctx.sleep(1_500);
          lease?.release();
          ctx.admit();
          await ctx.sleep(5_000);
        },
        stop: () => {},
      },
      { stallTimeoutMs: 1_000 },
    );
    await hosted.clock.settle(hosted.runtime.start("w").catch(() => {}));
    expect(hosted.status()).toMatchObject({ state: "failed", lastFailure: { code: "STALLED" } });
    expect(hosted.heard.filter(([name]) => name === "worker:stall")).toHaveLength(1);
    await hosted.end();
  });

  it("S4 counts only while work is open", async () => {
    const { context, ...hosted } = bare();
    await hosted.start();
    await hosted.clock.advance(1e6);
    for (let turn = 0; turn < 10; turn += 1) {
      const lease = context().admit();
      await hosted.clock.advance(900);
      lease?.release();
      await hosted.clock.advance(900);
    }
    expect(hosted.status().state).toBe("running");
    expect(hosted.clock.pending().filter(({ refed }) => refed)).toEqual([]);
    await hosted.end();
  });

  it.each([100, 250, 333, 999.5])("S4 a heartbeat every %f ms keeps it alive", async (everyMs) => {
    const { context, ...hosted } = bare();
    await hosted.start();
    context().admit();
    for (let beat = 0; beat < 20; beat += 1) {
      await hosted.clock.advance(everyMs);
      expect(context().heartbeat()).toBe(true);
    }
    expect(hosted.status().state).toBe("running");
    await hosted.end();
  });

  it.each([0, 1, 100, 249, 250, 251, 700, 999])(
    "S4 counts anew from a heartbeat at %i ms",
    async (atMs) => {
      const { context, ...hosted } = bare();
      await hosted.start();
      context().admit();
      await hosted.clock.advance(atMs);
      context().heartbeat();
      await hosted.clock.advance(999);
      expect(hosted.status().state).toBe("running");
      await hosted.clock.advance(1);
      expect(hosted.status().state).toBe("failed");
      await hosted.end();
    },
  );

  it("S4 the end of one piece of work is a sign of life for the others, the beginning is none", async () => {
    const { context, ...hosted } = bare();
    await hosted.start();
    context().admit("hangs");
    await hosted.clock.advance(900);
    context().admit("ends")?.release();
    await hosted.clock.advance(900);
    expect(hosted.status().state).toBe("running");
    context().admit("begins");
    await hosted.clock.advance(100);
    expect(hosted.status().state).toBe("failed");
    await hosted.end();
  });

  it("S4 work that is abandoned is open no longer", async () => {
    const { context, ...hosted } = bare({ graceMs: 10 });
    await hosted.start();
    context().admit("hangs", { timeoutMs: 500 });
    await hosted.clock.advance(1e6);
    expect(hosted.status()).toMatchObject({ state: "running", abandoned: 1 });
    await hosted.end();
  });

  it("S4 counts through a drain, and no longer from the cut on, which has limits of its own", async () => {
    const { context, stalls, ...hosted } = bare({ drainTimeoutMs: 900, graceMs: 5_000 });
    await hosted.start();
    context().admit("hangs");
    await hosted.clock.settle(hosted.runtime.stop("w"));
    expect(hosted.clock.monotonicMs()).toBe(5_900);
    expect(stalls()).toEqual([]);
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 1 });
    await hosted.start();
    context().admit("hangs");
    const stopped = hosted.runtime.drain("w").then(() => hosted.clock.advance(1_000));
    await hosted.clock.settle(stopped);
    expect(hosted.status()).toMatchObject({ state: "failed", lastFailure: { code: "STALLED" } });
    await hosted.end();
  });

  it("S4 what hangs in a stop hook is no stall", async () => {
    const hosted = host(
      {
        start: (ctx) => void ctx.setBusy(true),
        stop: (ctx) => {
          ctx.setBusy(false);
          ctx.setBusy(true);
          return never;
        },
      },
      { stallTimeoutMs: 1_000, stopTimeoutMs: 5_000 },
    );
    await hosted.start();
    await hosted.clock.settle(hosted.runtime.stop("w").catch(() => {}));
    expect(hosted.status().lastFailure?.code).toBe("ABANDONED");
    expect(hosted.heard.map(([name]) => name)).not.toContain("worker:stall");
    await hosted.end();
  });
});

describe("S4 a blocked event loop", () => {
  it.each([
    ["at the beginning of a slice", 0],
    ["within a slice", 130],
    ["at the end of a slice", 249],
  ])("S4 %s never counts, however long", async (_name, beforeMs) => {
    const { context, ...hosted } = bare();
    await hosted.start();
    context().admit();
    await hosted.clock.advance(beforeMs);
    for (let block = 0; block < 3; block += 1) {
      hosted.clock.block(60_000);
      await hosted.clock.advance(0);
      expect(hosted.status().state).toBe("running");
    }
    await hosted.end();
  });

  it("S4 a block is worth what was left of its slice", async () => {
    const { context, stalls, ...hosted } = bare();
    await hosted.start();
    context().admit();
    await hosted.clock.advance(100);
    hosted.clock.block(60_000);
    await hosted.clock.advance(0);
    await hosted.clock.advance(749);
    expect(stalls()).toEqual([]);
    await hosted.clock.advance(1);
    expect(stalls()).toMatchObject([{ silentMs: 1_000 }]);
    await hosted.end();
  });

  it("S4 a heartbeat that comes after the block begins the count anew", async () => {
    const { context, stalls, ...hosted } = bare();
    await hosted.start();
    context().admit();
    hosted.clock.block(60_000);
    context().heartbeat();
    await hosted.clock.advance(999);
    expect(stalls()).toEqual([]);
    await hosted.clock.advance(251);
    expect(stalls()).toHaveLength(1);
    await hosted.end();
  });

  it("S4 a wall clock that jumps changes nothing", async () => {
    const { context, ...hosted } = bare();
    await hosted.start();
    context().admit();
    hosted.clock.jump(1e9);
    await hosted.clock.advance(999);
    expect(hosted.status().state).toBe("running");
    await hosted.clock.advance(1);
    expect(hosted.status().state).toBe("failed");
    await hosted.end();
  });
});

describe("S4 the runs of kinds", () => {
  it.each([
    ["a loop", loop(() => never)],
    ["a task", task(() => never)],
    ["a poll", poll(() => never, { everyMs: 100 })],
    ["an item of a stream", stream({ source: () => ["item"], handle: () => never })],
  ])("S4 %s that hangs is a stall", async (_name, worker) => {
    const hosted = host(worker, { stallTimeoutMs: 1_000, stopTimeoutMs: 10, graceMs: 10 });
    await hosted.start();
    await hosted.clock.advance(999);
    expect(hosted.status().state).toBe("running");
    await hosted.clock.advance(1);
    expect(hosted.status()).toMatchObject({ state: "failed", lastFailure: { code: "STALLED" } });
    await hosted.end();
  });

  it.each([
    [
      "a loop that beats",
      loop(async (ctx) => {
        while (!ctx.draining.aborted) {
          await ctx.sleep(500);
          ctx.heartbeat();
        }
      }),
    ],
    ["a task that is done", task(() => {})],
    ["a poll that rests", poll(() => {}, { everyMs: 60_000 })],
    [
      "a stream that waits for an item",
      stream({
        source: () => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) }),
        handle: () => {},
      }),
    ],
  ])("S4 %s is none", async (_name, worker) => {
    const hosted = host(worker, { stallTimeoutMs: 1_000, graceMs: 10 });
    await hosted.start();
    await hosted.clock.advance(30_000);
    expect(hosted.status().state).toBe("running");
    await hosted.end();
  });

  it("S4 a kind says by setBusy that a run is open, and saying it twice is saying it once", async () => {
    const { context, ...hosted } = bare();
    await hosted.start();
    for (const busy of [true, true, false, false]) expect(context().setBusy(busy)).toBe(true);
    await hosted.clock.advance(10_000);
    expect(hosted.status().state).toBe("running");
    context().setBusy(true);
    await hosted.clock.advance(1_000);
    expect(hosted.status().state).toBe("failed");
    expect(context().setBusy(true)).toBe(false);
    await hosted.end();
  });

  it("S4 a loop that ended in a drain is open no longer", async () => {
    const worker = loop(async (ctx) => {
      await new Promise((resolve) => ctx.draining.addEventListener("abort", resolve));
    });
    const hosted = host(worker, { stallTimeoutMs: 1_000 });
    await hosted.start();
    await hosted.runtime.drain("w");
    await hosted.clock.advance(10_000);
    expect(hosted.status().state).toBe("draining");
    await hosted.end();
  });

  it("S4 without stallTimeoutMs nothing counts, and no timer is set", async () => {
    const { context, ...hosted } = bare({ stallTimeoutMs: Number.POSITIVE_INFINITY });
    await hosted.start();
    context().admit();
    const timers = hosted.clock.pending().filter(({ refed }) => refed);
    expect(timers).toEqual([]);
    expect(context().heartbeat()).toBe(true);
    expect(context().setBusy(true)).toBe(true);
    await hosted.clock.advance(1e9);
    expect(hosted.status().state).toBe("running");
    await hosted.end();
  });

  it("S4 with stallTimeoutMs 0 work may go on for no time at all", async () => {
    const { context, stalls, ...hosted } = bare({ stallTimeoutMs: 0 });
    await hosted.start();
    context().admit();
    await hosted.clock.advance(1);
    expect(stalls()).toHaveLength(1);
    await hosted.end();
  });
});
