// L8: a stop has three phases: drain, the cut, stopping.

import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

const never = () => new Promise(() => {});

describe("the drain phase", () => {
  it("L8 runs the drain hook and waits for idle side by side", async () => {
    const hook = gate();
    const { runtime, clock, context, calls, state, end } = rig({ drain: () => hook.promise });
    await runtime.start("w");
    const lease = context().admit();
    const stop = watch(runtime.stop("w"));
    await clock.advance(100);
    lease?.release();
    await clock.advance(100);
    expect(state()).toBe("draining");
    hook.open(undefined);
    await clock.flush();
    expect(stop.now()).toBe("done");
    expect(calls).toEqual(["start at 0", "drain at 0", "stop at 200"]);
    await end();
  });

  it("L8 goes on the moment the last unit of work ends", async () => {
    const { runtime, clock, context, calls, state, end } = rig();
    await runtime.start("w");
    const leases = [context().admit(), context().admit()];
    void runtime.stop("w");
    await clock.advance(5);
    leases[0]?.release();
    expect(state()).toBe("draining");
    leases[1]?.release();
    expect(state()).toBe("stopping");
    expect(calls).toEqual(["start at 0", "stop at 5"]);
    await end();
  });

  it("L8 lets work that came before go on, and new work begin, until the cut", async () => {
    const { runtime, clock, context, status, end } = rig();
    await runtime.start("w");
    const before = context().admit("before");
    void runtime.stop("w");
    const during = context().admit("during");
    expect([before?.signal.aborted, during?.signal.aborted]).toEqual([false, false]);
    expect(status().inFlight).toBe(2);
    await clock.advance(10_000);
    expect([before?.signal.aborted, during?.signal.aborted]).toEqual([true, true]);
    expect(context().admit("after the cut")).toBe(undefined);
    before?.release();
    during?.release();
    await end();
  });

  it("L8 is left out when drainTimeoutMs is 0", async () => {
    const { runtime, clock, calls, told, end } = rig({ drain: () => {}, drainTimeoutMs: 0 });
    await runtime.start("w");
    await told();
    await clock.settle(runtime.stop("w"));
    expect(calls).toEqual(["start at 0", "stop at 0"]);
    expect((await told())[0]).toBe("running > stopping (stop)");
    await end();
  });

  it("L8 that is left out cuts off work in flight at once", async () => {
    const { runtime, clock, context, calls, told, end } = rig({
      drain: () => {},
      drainTimeoutMs: 0,
    });
    await runtime.start("w");
    const lease = context().admit();
    await told();
    void runtime.stop("w");
    expect(lease?.signal.reason).toMatchObject({ code: "WORKER_STOPPING" });
    await clock.advance(1_000);
    expect(calls).toEqual(["start at 0", "stop at 1000"]);
    lease?.release();
    await end();
  });

  it("L8 does not run the drain hook again for a worker that was drained", async () => {
    const { runtime, clock, calls, told, end } = rig({ drain: () => {} });
    await runtime.start("w");
    await runtime.drain("w");
    await told();
    await clock.settle(runtime.stop("w"));
    expect(calls).toEqual(["start at 0", "drain at 0", "stop at 0"]);
    expect(await told()).toEqual([
      "draining > stopping (stop)",
      "runtime draining > stopping",
      "stopping > stopped (stopped)",
      "runtime stopping > stopped",
    ]);
    await end();
  });

  it("L8 counts from the stop, not from a drain before it", async () => {
    const { runtime, clock, context, calls, end } = rig({ drainTimeoutMs: 1_000 });
    await runtime.start("w");
    const lease = context().admit();
    await runtime.drain("w");
    await clock.advance(700);
    void runtime.stop("w");
    await clock.advance(999);
    expect(lease?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lease?.signal.aborted).toBe(true);
    lease?.release();
    await clock.flush();
    expect(calls.at(-1)).toBe("stop at 1700");
    await end();
  });
});

describe("the cut", () => {
  it("L8 comes after drainTimeoutMs, gives graceMs, and then counts what it leaves behind", async () => {
    const { runtime, clock, context, calls, told, status, end } = rig({
      drain: never,
      drainTimeoutMs: 2_000,
      graceMs: 300,
    });
    await runtime.start("w");
    await clock.advance(10);
    const obeys = context().admit("obeys");
    const stays = context().admit("stays");
    obeys?.signal.addEventListener("abort", () => obeys.release());
    const stop = watch(runtime.stop("w"));
    await told();
    await clock.advance(1_999);
    expect(stays?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(stays?.signal.reason).toMatchObject({ code: "WORKER_STOPPING" });
    expect(status()).toMatchObject({ state: "draining", inFlight: 1, abandoned: 0 });
    await clock.advance(299);
    expect(calls).toEqual(["start at 0", "drain at 10"]);
    await clock.advance(1);
    expect((await told()).slice(0, 4)).toEqual([
      'abandoned drain "drain hook" aged 2300',
      "failure in drain 1: ABANDONED",
      'abandoned lease "stays" aged 2300',
      "draining > stopping (stop)",
    ]);
    expect(calls.at(-1)).toBe("stop at 2310");
    expect(stop.now()).toBe("done");
    expect(status()).toMatchObject({ state: "stopped", inFlight: 0, abandoned: 2 });
    stays?.release();
    expect(status().abandoned).toBe(1);
    await end();
  });

  it("L8 aborts the drain hook's signal", async () => {
    const signals: AbortSignal[] = [];
    const { runtime, clock, end } = rig({
      drain: (_, { signal }) => {
        signals.push(signal);
        return never();
      },
      drainTimeoutMs: 50,
    });
    await runtime.start("w");
    void runtime.stop("w");
    await clock.advance(50);
    expect(signals[0]?.reason).toMatchObject({ code: "WORKER_STOPPING" });
    await end();
  });

  it("L8 admits no work any more, so that nothing it does not know of can hold up the stop", async () => {
    const admitted: unknown[] = [];
    const { runtime, clock, calls, end } = rig({
      drain: async (ctx, { signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        admitted.push(ctx.admit("flush"));
      },
      drainTimeoutMs: 100,
    });
    await runtime.start("w");
    await clock.settle(runtime.stop("w"), { withinMs: 1_000 });
    expect(admitted).toEqual([undefined]);
    expect(calls.at(-1)).toBe("stop at 100");
    await end();
  });

  it("L8 is where a starting worker goes at once", async () => {
    const signals: AbortSignal[] = [];
    const { runtime, clock, context, calls, told, end } = rig({
      start: (_, { signal }) => {
        signals.push(signal);
        return never();
      },
      drain: () => {},
      graceMs: 250,
    });
    void runtime.start("w").catch(() => {});
    const lease = context().admit("at work already");
    await told();
    const stop = watch(runtime.stop("w"));
    expect(signals[0]?.reason).toMatchObject({ code: "WORKER_STOPPING" });
    expect(lease?.signal.reason).toMatchObject({ code: "WORKER_STOPPING" });
    await clock.advance(250);
    expect(stop.now()).toBe("done");
    expect(calls).toEqual(["start at 0", "stop at 250"]);
    lease?.release();
    await end();
  });
});

describe("the stopping phase", () => {
  it("L8 aborts ctx.signal, runs the stop hook, and ends as stopped, keeping lastFailure", async () => {
    const aborted: boolean[] = [];
    const { runtime, clock, context, told, status, end } = rig({
      drain: () => {
        throw new Error("no");
      },
      stop: ({ signal }) => aborted.push(signal.aborted),
    });
    await runtime.start("w");
    const { signal } = context();
    await told();
    await clock.settle(runtime.stop("w"));
    expect(aborted).toEqual([true]);
    expect(signal.reason).toMatchObject({ code: "WORKER_STOPPING" });
    expect(await told()).toEqual([
      "running > draining (stop)",
      "not ready",
      "not accepting",
      "runtime running > draining",
      "runtime not ready",
      "failure in drain 1: WORKER_FAILED",
      "draining > stopping (stop)",
      "runtime draining > stopping",
      "stopping > stopped (stopped)",
      "runtime stopping > stopped",
    ]);
    expect(status().lastFailure).toMatchObject({ code: "WORKER_FAILED" });
    await end();
  });

  it("L8 ends as failed when the stop hook throws, and rejects with what it threw", async () => {
    const error = new Error("no");
    const { runtime, clock, told, status, end } = rig({ stop: () => Promise.reject(error) });
    await runtime.start("w");
    await told();
    const stop = watch(runtime.stop("w"));
    await clock.flush();
    expect(stop.error()).toBe(error);
    expect((await told()).slice(-3)).toEqual([
      "stopping > failed (stop failed)",
      "failure in stop 1: WORKER_FAILED, final",
      "runtime stopping > failed",
    ]);
    expect(status()).toMatchObject({ state: "failed", lastFailure: { code: "WORKER_FAILED" } });
    await end();
  });

  it("L8 gives the stop hook stopTimeoutMs and the grace", async () => {
    const { runtime, clock, state, end } = rig({ stop: never, stopTimeoutMs: 700, graceMs: 50 });
    await runtime.start("w");
    const stop = watch(runtime.stop("w"));
    await clock.advance(749);
    expect([stop.now(), state()]).toEqual(["pending", "stopping"]);
    await clock.advance(1);
    expect([stop.now(), state()]).toEqual(["ABANDONED", "failed"]);
    await end();
  });

  it("L8 records a failure that is reported in it, and ends as stopped", async () => {
    const hook = gate();
    const { runtime, clock, context, told, status, end } = rig({ stop: () => hook.promise });
    await runtime.start("w");
    const stop = watch(runtime.stop("w"));
    await told();
    expect(context().reportFailure(new Error("down"))).toBe(true);
    hook.open(undefined);
    expect((await told())[0]).toBe("failure in run 1: WORKER_FAILED");
    await clock.flush();
    expect([stop.now(), status().state]).toEqual(["done", "stopped"]);
    expect(status().lastFailure).toMatchObject({ code: "WORKER_FAILED" });
    await end();
  });
});

describe("a worker that fails", () => {
  it("L8 while it drains goes on to its stop hook, and ends as stopped", async () => {
    const { runtime, clock, context, calls, told, state, end } = rig({ drain: never });
    await runtime.start("w");
    const lease = context().admit();
    const stop = watch(runtime.stop("w"));
    await clock.advance(100);
    await told();
    context().reportFailure(new Error("down"));
    expect(lease?.signal.reason).toMatchObject({ code: "WORKER_FAILED" });
    await clock.advance(1_000);
    expect(calls.at(-1)).toBe("stop at 1100");
    expect([stop.now(), state()]).toEqual(["done", "stopped"]);
    expect((await told()).slice(0, 3)).toEqual([
      "draining > failed (run failed)",
      "failure in run 1: WORKER_FAILED, final",
      "runtime draining > failed",
    ]);
    lease?.release();
    await end();
  });

  it("L8 while it drains under a shutdown keeps within the limits of that", async () => {
    const { runtime, clock, context, calls, end } = rig();
    await runtime.start("w");
    context().admit();
    const shutdown = watch(runtime.shutdown({ timeoutMs: 160 }));
    context().reportFailure(new Error("down"));
    await clock.advance(10);
    expect(calls.at(-1)).toBe("stop at 10");
    expect(shutdown.now()).toBeInstanceOf(AggregateError);
    await end();
  });

  it("L8 by its drain hook, before that has returned, is stopped once the hook has", async () => {
    const hook = gate();
    const { runtime, clock, calls, state, end } = rig({
      drain: (ctx) => {
        ctx.reportFailure(new Error("down"));
        return hook.promise;
      },
    });
    await runtime.start("w");
    const stop = watch(runtime.stop("w"));
    await clock.advance(10);
    expect([calls.length, state()]).toEqual([2, "failed"]);
    hook.open(undefined);
    await clock.flush();
    expect(calls).toEqual(["start at 0", "drain at 0", "stop at 10"]);
    expect([stop.now(), state()]).toEqual(["done", "stopped"]);
    await end();
  });

  it("L8 before a stop skips drain and idle wait, but not the grace of its work", async () => {
    const { runtime, clock, context, calls, told, end } = rig({ drain: () => {} });
    await runtime.start("w");
    context().admit("stays");
    context().reportFailure(new Error("down"));
    await clock.advance(400);
    await told();
    const stop = watch(runtime.stop("w"));
    expect(calls).toEqual(["start at 0"]);
    await clock.advance(600);
    expect(stop.now()).toBe("done");
    expect(calls).toEqual(["start at 0", "stop at 1000"]);
    expect((await told()).slice(0, 2)).toEqual([
      "failed > stopping (stop)",
      "runtime failed > stopping",
    ]);
    await end();
  });
});
