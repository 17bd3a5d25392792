// L7: a drain closes a worker to new work and runs its hook; it waits for no work in flight.

import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

describe("drain", () => {
  it("L7 makes a running worker not ready, not accepting, and aborts ctx.draining but not ctx.signal", async () => {
    const { runtime, context, status, told, end } = rig({ drain: () => {} });
    await runtime.start("w");
    await told();
    const { draining, signal } = context();
    await runtime.drain("w");
    expect(draining.aborted).toBe(true);
    expect(draining.reason).toMatchObject({ code: "WORKER_STOPPING" });
    expect(signal.aborted).toBe(false);
    expect(status()).toMatchObject({ state: "draining", ready: false, acceptingWork: false });
    expect(await told()).toEqual([
      "running > draining (drain)",
      "not ready",
      "not accepting",
      "runtime running > draining",
      "runtime not ready",
    ]);
    await end();
  });

  it("L7 resolves when its hook has ended, whatever work is in flight", async () => {
    const hook = gate();
    const { runtime, clock, context, status, end } = rig({ drain: () => hook.promise });
    await runtime.start("w");
    const lease = context().admit("long");
    const drain = watch(runtime.drain("w"));
    await clock.flush();
    expect(drain.now()).toBe("pending");
    hook.open(undefined);
    await clock.flush();
    expect(drain.now()).toBe("done");
    expect(status()).toMatchObject({ state: "draining", inFlight: 1 });
    expect(lease?.signal.aborted).toBe(false);
    lease?.release();
    await end();
  });

  it("L7 goes on and resolves when its hook throws, which is a failure that fells nobody", async () => {
    const { runtime, told, status, end } = rig({
      drain: () => {
        throw new Error("no");
      },
    });
    await runtime.start("w");
    await told();
    await runtime.drain("w");
    expect((await told()).at(-1)).toBe("failure in drain 1: WORKER_FAILED");
    expect(status()).toMatchObject({
      state: "draining",
      lastFailure: { code: "WORKER_FAILED", message: "the worker failed" },
    });
    await end();
  });

  it("L7 gives its hook stopTimeoutMs and the grace, and goes on without it", async () => {
    const { runtime, clock, told, status, state, end } = rig({
      drain: () => new Promise(() => {}),
      stopTimeoutMs: 400,
      graceMs: 100,
    });
    await runtime.start("w");
    const drain = watch(runtime.drain("w"));
    await clock.advance(499);
    expect(drain.now()).toBe("pending");
    await told();
    await clock.advance(1);
    expect(await told()).toEqual([
      'abandoned drain "drain hook" aged 500',
      "failure in drain 1: ABANDONED",
    ]);
    expect(drain.now()).toBe("done");
    expect(status()).toMatchObject({ state: "draining", abandoned: 1 });
    await runtime.stop("w");
    expect(state()).toBe("stopped");
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect(start.error()).toMatchObject({
      code: "INVALID_WORKER_STATE",
      message: expect.stringContaining("its abandoned drain hook still runs"),
    });
    await end();
  });

  it("L7 again has no effect", async () => {
    const { runtime, calls, status, told, end } = rig({ drain: () => {} });
    await runtime.start("w");
    await runtime.drain("w");
    await told();
    const before = status();
    await runtime.drain("w");
    expect([status(), calls.length, await told()]).toEqual([before, 2, []]);
    await end();
  });

  it("L7 rejects when the worker fails under it, and its hook is told", async () => {
    const signals: AbortSignal[] = [];
    const { runtime, clock, context, state, end } = rig({
      drain: (_, { signal }) => {
        signals.push(signal);
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        );
      },
    });
    await runtime.start("w");
    const drain = watch(runtime.drain("w"));
    await clock.flush();
    context().reportFailure(new Error("down"));
    await clock.flush();
    expect([drain.now(), state()]).toEqual(["WORKER_FAILED", "failed"]);
    expect(signals[0]?.reason).toMatchObject({ code: "WORKER_FAILED" });
    await end();
  });

  it("L7 of a worker without a drain hook is over at once", async () => {
    const { runtime, calls, state, end } = rig();
    await runtime.start("w");
    await runtime.drain("w");
    expect([state(), calls]).toEqual(["draining", ["start at 0"]]);
    await end();
  });
});
