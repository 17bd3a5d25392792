// W1, W2: a loop that ends by itself, or once drain has begun.

import type { WorkerContext } from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gate } from "../worker/gate.ts";
import { watch } from "../worker/outcome.ts";
import { looping, thrower, untilStopped } from "./looping.ts";

describe("a loop that ends by itself", () => {
  it("W1 is LOOP_EXITED, or its error, reported before one onStop", async () => {
    for (const [finish, code] of [
      [() => {}, "LOOP_EXITED"],
      [() => thrower(), "WORKER_FAILED"],
    ] as const) {
      const states: string[] = [];
      const r = looping<void>({
        run: async (ctx) => {
          await ctx.sleep(100);
          finish();
        },
        onStop: (): unknown => states.push(r.state()),
      });
      await r.runtime.start("w");
      await r.told();
      await r.clock.advance(100);
      expect((await r.told()).slice(0, 4)).toEqual([
        "running > failed (run failed)",
        "not ready",
        "not accepting",
        `failure in run 1: ${code}, final`,
      ]);
      expect([states, r.log]).toEqual([["failed"], ["run at 0", "onStop at 100"]]);
      await r.runtime.stop("w");
      expect(r.log).toHaveLength(2);
      await r.end();
    }
  });

  it("W1 is restarted by supervision, which waits for that onStop and runs no second one", async () => {
    const cleaning = gate();
    let runs = 0;
    const r = looping<void>(
      {
        run: async (ctx) => {
          runs += 1;
          if (runs === 2) return untilStopped(ctx);
          await ctx.sleep(100);
        },
        onStop: () => (runs === 1 ? cleaning.promise : undefined),
      },
      { restart: { backoff: constant(50) } },
    );
    await r.runtime.start("w");
    await r.clock.advance(200);
    expect([r.state(), r.log]).toEqual(["restarting", ["run at 0", "onStop at 100"]]);
    cleaning.open(undefined);
    await r.clock.advance(50);
    expect([r.state(), r.log]).toEqual(["running", ["run at 0", "onStop at 100", "run at 250"]]);
    await r.end();
  });

  it("W1 lets no new start overlap a cleanup that is pending", async () => {
    const cleaning = gate();
    let runs = 0;
    const r = looping<void>({
      run: async (ctx) => {
        runs += 1;
        if (runs === 2) return untilStopped(ctx);
        await ctx.sleep(100);
      },
      onStop: () => (runs === 1 ? cleaning.promise : undefined),
    });
    await r.runtime.start("w");
    await r.clock.advance(100);
    const start = watch(r.runtime.start("w"));
    await r.clock.advance(100);
    expect([start.now(), r.log]).toEqual(["pending", ["run at 0", "onStop at 100"]]);
    cleaning.open(undefined);
    await r.clock.flush();
    expect([start.now(), r.log.at(-1)]).toEqual(["done", "run at 200"]);
    await r.end();
  });

  it("W1 is reported once, whatever it reported of itself before", async () => {
    const r = looping<void>({
      run: async (ctx) => {
        await ctx.sleep(100);
        ctx.reportFailure(new Error("mine"));
        throw new Error("mine too");
      },
    });
    await r.runtime.start("w");
    await r.clock.advance(100);
    const failures = r.heard.filter(([name]) => name === "worker:failure");
    expect(failures).toHaveLength(1);
    expect(failures[0]?.[1]).toMatchObject({ error: new Error("mine") });
    await r.end();
  });
});

describe("the onStop of a loop that ended by itself", () => {
  const warnings: Error[] = [];
  const hear = (warning: Error) => warnings.push(warning);
  const printing = process.listeners("warning");
  beforeEach(() => {
    process.removeAllListeners("warning");
    process.on("warning", hear);
    warnings.length = 0;
  });
  afterEach(() => {
    process.off("warning", hear);
    for (const listener of printing) process.on("warning", listener);
  });

  it("W1 has 5 000 ms, then its signal aborts", async () => {
    const signals: AbortSignal[] = [];
    const r = looping<void>({
      run: (ctx) => ctx.sleep(100),
      onStop: (_, { signal }) => {
        signals.push(signal);
        return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      },
    });
    await r.runtime.start("w");
    await r.clock.advance(5_099);
    expect(signals[0]?.aborted).toBe(false);
    await r.clock.advance(1);
    expect(signals[0]?.reason).toMatchObject({
      code: "TIMEOUT",
      details: {
        worker: "rt/w",
        phase: "cleanup",
        limitMs: 5_000,
        waitedFor: "onStop of its loop",
      },
    });
    await r.end();
  });

  it("W1 is CLEANUP_FAILED when it fails, leaves lastFailure, and is tried again by a stop", async () => {
    let calls = 0;
    const r = looping<void>({
      run: (ctx) => ctx.sleep(100),
      onStop: () => {
        calls += 1;
        if (calls === 1) thrower();
      },
    });
    await r.runtime.start("w");
    await r.clock.advance(100);
    await r.clock.flush();
    expect(r.status().lastFailure).toMatchObject({ code: "LOOP_EXITED" });
    expect(warnings).toEqual([
      expect.objectContaining({ code: "CLEANUP_FAILED", cause: new Error("no") }),
    ]);
    await r.runtime.stop("w");
    expect([r.state(), calls]).toEqual(["stopped", 2]);
    await r.end();
  });
});

describe("a loop once drain has begun", () => {
  const endings: readonly (readonly [string, (ctx: WorkerContext<unknown>) => unknown])[] = [
    ["ends normally", () => {}],
    ["throws the reason of draining", ({ draining }) => Promise.reject(draining.reason)],
    [
      "throws an AbortError",
      () => Promise.reject(Object.assign(new Error("aborted"), { name: "AbortError" })),
    ],
    [
      "throws what an abort caused",
      ({ draining }) =>
        Promise.reject(new Error("no", { cause: new Error("no", { cause: draining.reason }) })),
    ],
  ];
  const untilDrained = ({ draining }: WorkerContext<unknown>) =>
    new Promise<void>((resolve) => draining.addEventListener("abort", () => resolve()));

  it.each(endings)("W2 succeeds when it %s", async (_, ending) => {
    const r = looping<void>({
      run: async (ctx) => {
        await untilDrained(ctx);
        await ending(ctx);
      },
    });
    await r.runtime.start("w");
    await r.runtime.drain("w");
    await r.clock.advance(1_000);
    expect(r.status()).toMatchObject({ state: "draining" });
    expect(r.status().lastFailure).toBe(undefined);
    await r.runtime.stop("w");
    expect([r.state(), r.log]).toEqual(["stopped", ["run at 0", "onStop at 1000"]]);
    await r.end();
  });

  it("W2 fails the worker by any other error, and is cleaned up once", async () => {
    const r = looping<void>({
      run: async (ctx) => {
        await untilDrained(ctx);
        throw new Error("no");
      },
    });
    await r.runtime.start("w");
    const drain = watch(r.runtime.drain("w"));
    await r.clock.flush();
    expect([drain.now(), r.state()]).toEqual(["done", "failed"]);
    await r.runtime.stop("w");
    expect(r.log).toEqual(["run at 0", "onStop at 0"]);
    await r.end();
  });

  it("W2 fails by an abort that nobody asked for", async () => {
    const r = looping<void>({
      run: async (ctx) => {
        await ctx.sleep(10);
        throw Object.assign(new Error("aborted"), { name: "AbortError" });
      },
    });
    await r.runtime.start("w");
    await r.clock.advance(10);
    expect(r.state()).toBe("failed");
    await r.end();
  });

  it("W2 records another error after stop began, and the stop still ends as stopped", async () => {
    const r = looping<void>({
      run: async (ctx) => {
        await untilStopped(ctx);
        throw new Error("on the way out");
      },
    });
    await r.runtime.start("w");
    await r.told();
    await r.runtime.stop("w");
    expect(await r.told()).toContain("failure in run 1: WORKER_FAILED");
    expect(r.status()).toMatchObject({
      state: "stopped",
      lastFailure: { code: "WORKER_FAILED" },
    });
    expect(r.log).toEqual(["run at 0", "onStop at 0"]);
    await r.end();
  });

  it("W2 says nothing of an abort after stop began", async () => {
    const r = looping<void>({ run: (ctx) => ctx.sleep(Number.POSITIVE_INFINITY) });
    await r.runtime.start("w");
    await r.runtime.stop("w");
    expect(r.status()).toMatchObject({ state: "stopped" });
    expect(r.status().lastFailure).toBe(undefined);
    await r.end();
  });
});
