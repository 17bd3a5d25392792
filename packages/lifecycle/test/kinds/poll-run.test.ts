import { getEventListeners } from "node:events";
import { constant } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { wrong } from "../hostile.ts";
import { gate } from "../worker/gate.ts";
import { outcomeOf } from "./host.ts";
import { polling } from "./polling.ts";

describe("W3 a run", () => {
  it("W3 is a lease whose signal and sleep are those of its context", async () => {
    const seen: unknown[] = [];
    const hosted = polling(async (ctx) => {
      seen.push(ctx.lease.label, ctx.signal === ctx.lease.signal, ctx.name, ctx.generation);
      await ctx.sleep(5);
    });
    await hosted.start();
    expect(hosted.status().inFlight).toBe(1);
    await hosted.clock.advance(5);
    expect(hosted.status().inFlight).toBe(0);
    expect(seen).toEqual(["run", true, "rt/w", 1]);
    await hosted.end();
  });

  it("W3 sleeps no longer than its signal lets it, and leaves no timer when the worker has ended", async () => {
    const hosted = polling((ctx) => ctx.sleep(60_000), { timeoutMs: 50, onError: "continue" });
    await hosted.start();
    await hosted.clock.advance(50);
    expect(hosted.status()).toHaveProperty("lastRun", {
      startedAt: 0,
      durationMs: 50,
      outcome: "timeout",
    });
    await hosted.end();
  });

  it("W3 that outlives timeoutMs is told by its signal; a value within the grace counts", async () => {
    const hosted = polling(
      (ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener("abort", () => {
            hosted.say(`aborted by ${ctx.signal.reason.code}`);
            void hosted.clock.setTimeout(() => resolve("value"), 200);
          });
        }),
      { timeoutMs: 50 },
    );
    await hosted.start();
    await hosted.clock.advance(250);
    expect(hosted.log).toEqual(["run 1 at 0", "aborted by TIMEOUT at 50"]);
    expect(hosted.status()).toMatchObject({
      state: "running",
      lastRun: { startedAt: 0, durationMs: 250, outcome: "ok" },
    });
    await hosted.end();
  });

  it("W3 that fails within the grace fails with TIMEOUT, its own error as the cause", async () => {
    const own = new Error("connection reset");
    const hosted = polling(
      (ctx) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener("abort", () => reject(own));
        }),
      { timeoutMs: 50 },
    );
    await hosted.start();
    await hosted.clock.advance(50);
    expect(hosted.status()).toMatchObject({
      state: "failed",
      lastFailure: { code: "TIMEOUT", message: "run of worker rt/w took longer than 50 ms" },
    });
    const failure = hosted.heard.find(([name]) => name === "worker:failure");
    expect(failure?.[1]).toMatchObject({
      error: {
        cause: own,
        details: { worker: "rt/w", phase: "lease", limitMs: 50, graceMs: 1_000, waitedFor: "run" },
      },
    });
    await hosted.end();
  });

  it("W3 that ends with the reason of its signal fails with that very error", async () => {
    let reason: unknown;
    const hosted = polling(
      (ctx) => {
        ctx.signal.addEventListener("abort", () => {
          reason = ctx.signal.reason;
        });
        return ctx.sleep(1_000);
      },
      { timeoutMs: 50 },
    );
    await hosted.start();
    await hosted.clock.advance(50);
    const failure = hosted.heard.find(([name]) => name === "worker:failure");
    expect(failure?.[1]).toHaveProperty("error", reason);
    expect(reason).not.toHaveProperty("cause");
    await hosted.end();
  });

  it("W3 leaves no listener of its rests on the signals of its worker", async () => {
    const listeners: number[] = [];
    const hosted = polling((ctx) =>
      listeners.push(getEventListeners(ctx.draining, "abort").length),
    );
    await hosted.start();
    await hosted.clock.advance(500);
    expect(listeners).toEqual([0, 0, 0, 0, 0, 0]);
    await hosted.end();
  });

  it("W3 that outlives its grace is abandoned, counted, and keeps its turn until it returns", async () => {
    const hung = gate();
    const hosted = polling(
      (_ctx, nth) => (nth === 1 ? hung.promise : undefined),
      { timeoutMs: 50, onError: "continue" },
      { graceMs: 10 },
    );
    await hosted.start();
    await hosted.clock.advance(60);
    expect(hosted.status()).toMatchObject({
      state: "running",
      inFlight: 0,
      abandoned: 1,
      lastRun: { startedAt: 0, durationMs: 60, outcome: "abandoned" },
    });
    expect(await hosted.told()).toContain('abandoned lease "run" aged 60');
    await hosted.clock.advance(10_000);
    expect(hosted.log).toEqual(["run 1 at 0"]);
    hung.open(undefined);
    await hosted.clock.flush();
    expect(hosted.status()).toMatchObject({ abandoned: 0, lastRun: { outcome: "abandoned" } });
    await hosted.clock.advance(100);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 10160"]);
    await hosted.end();
  });

  it("W3 that is abandoned fails the worker at once with ABANDONED, and its return changes nothing", async () => {
    const hung = gate();
    const hosted = polling(() => hung.promise, { timeoutMs: 50 }, { graceMs: 10 });
    await hosted.start();
    await hosted.clock.advance(60);
    expect(hosted.status()).toMatchObject({ state: "failed", lastFailure: { code: "ABANDONED" } });
    await hosted.told();
    hung.fail(new Error("late"));
    expect(await hosted.told()).toEqual([]);
    expect(hosted.status()).toMatchObject({ abandoned: 0 });
    await hosted.end();
  });

  it("W3 that is left to itself delays neither the drain nor the stop that comes meanwhile", async () => {
    const hung = gate();
    const hosted = polling(() => hung.promise, { timeoutMs: 50, onError: "continue" });
    await hosted.start();
    await hosted.clock.advance(1_050);
    await hosted.runtime.stop("w");
    expect(hosted.status()).toMatchObject({ state: "stopped", abandoned: 1 });
    hung.open(undefined);
    await hosted.end();
  });
});

describe("W3 a failed run", () => {
  it("W3 fails the worker by default, with its own error", async () => {
    const hosted = polling(() => {
      throw new Error("no database");
    });
    expect(await outcomeOf(hosted.runtime.start("w"))).toBe("no database");
    expect(await hosted.told()).toContain("failure in start 1: WORKER_FAILED, final");
    expect(hosted.status()).toMatchObject({ state: "failed", lastRun: { outcome: "error" } });
    await hosted.clock.advance(10_000);
    expect(hosted.log).toEqual(["run 1 at 0"]);
    await hosted.end();
  });

  it("W3 fails the worker once, and supervision starts it anew", async () => {
    const hosted = polling(
      async (ctx, nth) => {
        await ctx.sleep(5);
        if (nth === 1) throw new Error("no database");
      },
      {},
      { restart: { backoff: constant(50) } },
    );
    await hosted.start();
    await hosted.told();
    await hosted.clock.advance(155);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 55"]);
    expect((await hosted.told()).filter((line) => line.startsWith("failure"))).toEqual([
      "failure in run 1: WORKER_FAILED",
    ]);
    expect(hosted.status()).toMatchObject({ state: "running", generation: 2, restarts: 1 });
    await hosted.end();
  });

  it("W3 changes nothing but the last run with onError continue", async () => {
    const hosted = polling(
      () => {
        throw new Error("no database");
      },
      { onError: "continue" },
    );
    await hosted.start();
    await hosted.told();
    await hosted.clock.advance(100);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 100"]);
    expect(await hosted.told()).toEqual([]);
    expect(hosted.status()).toMatchObject({ state: "running", lastRun: { outcome: "error" } });
    expect(hosted.status()).not.toHaveProperty("lastFailure");
    await hosted.end();
  });

  it("W3 is judged case by case by a function, which hears the very error", async () => {
    const errors: unknown[] = [];
    const thrown = [new Error("one"), new Error("two")];
    const hosted = polling(
      async (ctx, nth) => {
        await ctx.sleep(5);
        throw thrown[nth - 1];
      },
      {
        onError: (error) => {
          errors.push(error);
          return errors.length === 1 ? "continue" : "fail";
        },
      },
    );
    await hosted.start();
    await hosted.clock.advance(110);
    expect(errors).toEqual(thrown);
    expect(hosted.status().state).toBe("failed");
    await hosted.end();
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("broken");
      },
      "failed",
    ],
    ["returns nonsense", () => "whatever", "running"],
    ["returns a promise that rejects", () => Promise.reject(new Error("late")), "running"],
  ])("W3 a function that %s leaves the worker %s", async (_name, onError, state) => {
    const hosted = polling(
      async (ctx) => {
        await ctx.sleep(5);
        throw new Error("no database");
      },
      { onError: wrong(onError) },
    );
    await hosted.start();
    await hosted.clock.advance(5);
    expect(hosted.status().state).toBe(state);
    await hosted.end();
  });

  it("W3 is followed by errorBackoff, which counts failures in a row", async () => {
    const rests: number[] = [];
    const hosted = polling(
      (_ctx, nth) => {
        if (nth !== 3) throw new Error("no database");
      },
      {
        onError: "continue",
        errorBackoff: {
          delayMs: (attempt) => {
            rests.push(attempt);
            return attempt * 10;
          },
        },
      },
    );
    await hosted.start();
    await hosted.clock.advance(150);
    expect(hosted.log).toEqual([
      "run 1 at 0",
      "run 2 at 10",
      "run 3 at 30",
      "run 4 at 130",
      "run 5 at 140",
    ]);
    expect(rests).toEqual([1, 2, 1, 2]);
    await hosted.end();
  });
});
