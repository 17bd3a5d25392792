// L9, L11: what ends with a generation, in which order, and that nothing comes back from it.

import { constant } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

describe("the end of a generation", () => {
  it("L11 aborts draining and signal, then its work, all with WORKER_FAILED", async () => {
    const { runtime, context, end } = rig();
    await runtime.start("w");
    const { draining, signal, admit } = context();
    const lease = admit();
    const order: string[] = [];
    draining.addEventListener("abort", () => order.push(`draining ${signal.aborted}`));
    signal.addEventListener("abort", () => order.push(`signal ${lease?.signal.aborted}`));
    lease?.signal.addEventListener("abort", () => order.push("lease"));
    context().reportFailure(new Error("down"));
    expect(order).toEqual(["draining false", "signal false", "lease"]);
    for (const { reason } of [draining, signal, lease?.signal ?? signal]) {
      expect(reason).toMatchObject({ code: "WORKER_FAILED" });
    }
    lease?.release();
    await end();
  });

  it("L11 shows a signal that is first read afterwards as aborted, for the same reason", async () => {
    const { runtime, context, end } = rig();
    await runtime.start("w");
    const ctx = context();
    const lease = ctx.admit();
    ctx.reportFailure(new Error("down"));
    expect(ctx.signal.reason).toMatchObject({ code: "WORKER_FAILED" });
    expect(ctx.draining.reason).toBe(ctx.signal.reason);
    expect(lease?.signal.reason).toBe(ctx.signal.reason);
    lease?.release();
    await end();
  });

  it("L11 writes the change whole before any signal aborts", async () => {
    const { runtime, context, status, end } = rig();
    await runtime.start("w");
    const seen: unknown[] = [];
    context().draining.addEventListener("abort", () => seen.push(status(), runtime.status()));
    context().reportFailure(new Error("down"));
    expect(seen[0]).toMatchObject({
      state: "failed",
      ready: false,
      acceptingWork: false,
      lastFailure: { code: "WORKER_FAILED" },
      lastTransition: { from: "running", to: "failed" },
    });
    expect(seen[1]).toMatchObject({ state: "failed", ready: false });
    await end();
  });

  it("L11 tells of the change whole before what an abort listener does is told", async () => {
    const { runtime, clock, context, told, end } = rig();
    await runtime.start("w");
    await told();
    context().signal.addEventListener("abort", () => void runtime.stop("w"));
    context().reportFailure(new Error("down"));
    await clock.flush();
    expect(await told()).toEqual([
      "running > failed (run failed)",
      "not ready",
      "not accepting",
      "failure in run 1: WORKER_FAILED, final",
      "runtime running > failed",
      "runtime not ready",
      "failed > stopping (stop)",
      "runtime failed > stopping",
      "stopping > stopped (stopped)",
      "runtime stopping > stopped",
    ]);
    await end();
  });

  it("L11 emits its events before signals abort", async () => {
    const { runtime, context, end } = rig();
    await runtime.start("w");
    const order: string[] = [];
    // `when` is asked as the event is about to be emitted.
    for (const name of ["worker:transition", "worker:failure", "runtime:readiness"] as const) {
      runtime.events.on(name, () => {}, { when: () => order.push(name) > 0 });
    }
    context().draining.addEventListener("abort", () => order.push("draining"));
    context().reportFailure(new Error("down"));
    const at = (what: string) => order.indexOf(what);
    expect(at("worker:transition")).toBe(0);
    expect(at("worker:failure")).toBeLessThan(at("draining"));
    expect(at("runtime:readiness")).toBeLessThan(at("draining"));
    await end();
  });

  it("L11 abandons what still runs graceMs later, and a stop hook begins no sooner", async () => {
    const { runtime, clock, context, calls, told, status, end } = rig({ graceMs: 300 });
    await runtime.start("w");
    const lease = context().admit("stays");
    context().reportFailure(new Error("down"));
    const start = watch(runtime.start("w"));
    await told();
    await clock.advance(299);
    expect(calls).toEqual(["start at 0"]);
    await clock.advance(1);
    expect((await told())[0]).toBe('abandoned lease "stays" aged 300');
    expect(calls).toEqual(["start at 0", "stop at 300", "start at 300"]);
    expect([start.now(), status().abandoned]).toEqual(["done", 1]);
    lease?.release();
    await end();
  });

  it("L11 lets a stop hook begin at once when the work has ended", async () => {
    const { runtime, clock, context, calls, end } = rig();
    await runtime.start("w");
    const leases = [context().admit(), context().admit()];
    context().reportFailure(new Error("down"));
    const start = watch(runtime.start("w"));
    await clock.advance(100);
    leases[0]?.release();
    await clock.advance(100);
    leases[1]?.release();
    await clock.flush();
    expect(calls).toEqual(["start at 0", "stop at 200", "start at 200"]);
    expect(start.now()).toBe("done");
    await end();
  });

  it("L11 holds for a restart too: its cleanup waits for the grace", async () => {
    const { runtime, clock, context, calls, end } = rig({
      graceMs: 300,
      restart: { backoff: constant(1_000) },
    });
    await runtime.start("w");
    context().admit("stays");
    context().reportFailure(new Error("down"));
    await clock.advance(300);
    expect(calls).toEqual(["start at 0", "stop at 300"]);
    await clock.advance(1_000);
    expect(calls.at(-1)).toBe("start at 1300");
    await end();
  });

  it("L11 lets reads go on", async () => {
    const { runtime, context, status, end } = rig({ start: () => ({ pool: 1 }) });
    await runtime.start("w");
    const ctx = context();
    await runtime.stop("w");
    expect(ctx.state).toEqual({ pool: 1 });
    expect(ctx.status()).toEqual(status());
    expect([ctx.name, ctx.localName, ctx.generation]).toEqual(["rt/w", "w", 1]);
    await end();
  });
});

describe("an ended generation", () => {
  it("L9 changes nothing by the result of a start that comes late", async () => {
    const hook = gate();
    const { runtime, clock, told, status, end } = rig({
      start: () => hook.promise,
      startTimeoutMs: 100,
      graceMs: 100,
    });
    const start = watch(runtime.start("w"));
    await clock.advance(200);
    expect(start.now()).toBe("ABANDONED");
    await told();
    const before = status();
    hook.open("late");
    expect(await told()).toEqual([]);
    expect(status()).toEqual({ ...before, abandoned: 0 });
    await end();
  });

  it("L9 changes nothing by a drain hook that rejects late", async () => {
    const hook = gate();
    const { runtime, clock, told, status, end } = rig({
      drain: () => hook.promise,
      drainTimeoutMs: 100,
      graceMs: 100,
    });
    await runtime.start("w");
    await clock.settle(runtime.stop("w"));
    await told();
    const before = status();
    hook.fail(new Error("late"));
    expect(await told()).toEqual([]);
    expect(status()).toEqual({ ...before, abandoned: 0 });
    await end();
  });

  it("L9 changes nothing by what its timers say", async () => {
    const { runtime, clock, context, told, status, end } = rig();
    await runtime.start("w");
    const { setReady, reportFailure, requestStop } = context();
    clock.setTimeout(() => {
      setReady(false);
      reportFailure(new Error("stale"));
      requestStop("stale");
    }, 50);
    await runtime.stop("w");
    await runtime.start("w");
    await told();
    const before = status();
    await clock.advance(50);
    expect([status(), await told()]).toEqual([before, []]);
    await end();
  });

  it("L9 frees its own slot by a unit of work that ends late, and nothing else", async () => {
    const { runtime, clock, context, told, status, end } = rig({ drainTimeoutMs: 50, graceMs: 50 });
    await runtime.start("w");
    const old = context().admit("old");
    await clock.settle(runtime.stop("w"));
    await runtime.start("w");
    const current = context().admit("new");
    await told();
    old?.release();
    expect(status()).toMatchObject({ inFlight: 1, abandoned: 0 });
    expect(current?.signal.aborted).toBe(false);
    expect(await told()).toEqual([]);
    current?.release();
    await end();
  });
});
