// L2: operations on one worker take turns in call order, and a stop does not wait for one.

import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

describe("turns", () => {
  it("L2 changes the state inside the call when nothing is ahead", async () => {
    const { runtime, state, end } = rig({ drainTimeoutMs: 0 });
    const start = runtime.start("w");
    expect(state()).toBe("starting");
    await start;
    const drain = runtime.drain("w");
    expect(state()).toBe("draining");
    await drain;
    const stop = runtime.stop("w");
    expect(state()).toBe("stopping");
    await stop;
    await end();
  });

  it("L2 judges a waiting operation by the state at its turn, not at its call", async () => {
    const { runtime, clock, state, end } = rig({
      start: () => {
        throw new Error("no");
      },
    });
    const first = watch(runtime.start("w"));
    const second = watch(runtime.start("w"));
    const drain = watch(runtime.drain("w"));
    expect(second.now()).toBe("pending");
    await clock.flush();
    // The first start failed, so the second was legal at its turn; after it, the drain was not.
    expect(first.now()).toEqual(new Error("no"));
    expect(second.now()).toEqual(new Error("no"));
    expect(drain.now()).toBe("INVALID_WORKER_STATE");
    expect(state()).toBe("failed");
    await end();
  });

  it("L2 lets operations have their turns in call order", async () => {
    const { runtime, clock, events, end } = rig();
    const order: string[] = [];
    const call = (what: "start" | "drain") =>
      runtime[what]("w").then(
        () => order.push(what),
        (error) => order.push(`${what} ${error.code}`),
      );
    void call("start");
    void call("start");
    void call("drain");
    void call("drain");
    void call("start");
    await clock.flush();
    expect(order).toEqual([
      "start",
      "start INVALID_WORKER_STATE",
      "drain",
      "drain",
      "start INVALID_WORKER_STATE",
    ]);
    expect(events.filter((event) => event.includes(">") && !event.startsWith("runtime"))).toEqual([
      "registered > starting (start)",
      "starting > running (started)",
      "running > draining (drain)",
    ]);
    await end();
  });

  it("L2 starts a worker again, when asked while it stops, once it has stopped", async () => {
    const { runtime, clock, calls, state, end } = rig();
    await runtime.start("w");
    const stop = watch(runtime.stop("w"));
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect([stop.now(), start.now(), state()]).toEqual(["done", "done", "running"]);
    expect(calls).toEqual(["start at 0", "stop at 0", "start at 0"]);
    await end();
  });
});

describe("stop", () => {
  it("L2 ends every operation that still waits its turn with INTERRUPTED", async () => {
    const hook = gate();
    const { runtime, clock, state, end } = rig({ start: () => hook.promise });
    const ahead = [runtime.start("w"), runtime.start("w"), runtime.drain("w")].map(watch);
    const stop = watch(runtime.stop("w"));
    await clock.flush();
    expect(ahead.map(({ now }) => now())).toEqual(["INTERRUPTED", "INTERRUPTED", "INTERRUPTED"]);
    expect(state()).toBe("stopping");
    hook.open(undefined);
    await clock.flush();
    expect([stop.now(), state()]).toEqual(["done", "stopped"]);
    await end();
  });

  it("L2 that joins a stop also ends a start that was called between the two", async () => {
    const hook = gate();
    const { runtime, clock, calls, state, end } = rig({ stop: () => hook.promise });
    await runtime.start("w");
    const first = watch(runtime.stop("w"));
    const start = watch(runtime.start("w"));
    const second = watch(runtime.stop("w"));
    const after = watch(runtime.start("w"));
    await clock.flush();
    expect(start.now()).toBe("INTERRUPTED");
    hook.open(undefined);
    await clock.flush();
    expect([first.now(), second.now(), after.now()]).toEqual(["done", "done", "done"]);
    expect(calls).toEqual(["start at 0", "stop at 0", "start at 0"]);
    expect(state()).toBe("running");
    await end();
  });

  it("L2 says in the error of an interrupted call which worker and which operation it was", async () => {
    const { runtime, clock, end } = rig({ start: () => new Promise(() => {}) });
    const start = watch(runtime.start("w"));
    const stop = runtime.stop("w");
    await clock.settle(stop);
    expect(start.error()).toMatchObject({
      code: "INTERRUPTED",
      details: { worker: "rt/w", operation: "start" },
    });
    await end();
  });

  it("L2 takes over a drain with its running hook, and both resolve", async () => {
    const hook = gate();
    const { runtime, clock, calls, told, end } = rig({ drain: () => hook.promise });
    await runtime.start("w");
    const drain = watch(runtime.drain("w"));
    await told();
    const stop = watch(runtime.stop("w"));
    await clock.flush();
    expect([drain.now(), stop.now()]).toEqual(["pending", "pending"]);
    hook.open(undefined);
    await clock.flush();
    expect([drain.now(), stop.now()]).toEqual(["done", "done"]);
    expect(calls).toEqual(["start at 0", "drain at 0", "stop at 0"]);
    await end();
  });

  it("L2 asked for by the drain hook itself takes that very hook over", async () => {
    const hook = gate();
    const stops: unknown[] = [];
    const { runtime, clock, calls, state, end } = rig({
      drain: () => {
        stops.push(watch(runtime.stop("w")));
        return hook.promise;
      },
    });
    await runtime.start("w");
    const drain = watch(runtime.drain("w"));
    await clock.flush();
    expect(calls).toEqual(["start at 0", "drain at 0"]);
    hook.open(undefined);
    await clock.flush();
    expect(drain.now()).toBe("done");
    expect(stops).toHaveLength(1);
    expect(calls).toEqual(["start at 0", "drain at 0", "stop at 0"]);
    expect(state()).toBe("stopped");
    await end();
  });

  it("L2 asked for by an abort listener of draining runs the drain hook once", async () => {
    const { runtime, clock, calls, contexts, state, end } = rig({ drain: () => {} });
    await runtime.start("w");
    contexts.start[0]?.draining.addEventListener("abort", () => void runtime.stop("w"));
    const drain = watch(runtime.drain("w"));
    await clock.flush();
    expect([drain.now(), state()]).toEqual(["done", "stopped"]);
    expect(calls).toEqual(["start at 0", "drain at 0", "stop at 0"]);
    await end();
  });

  it("L2 asked for twice, the second time by an abort listener of the first, waits for the start hook", async () => {
    const hook = gate();
    const { runtime, clock, calls, contexts, state, end } = rig({
      start: () => hook.promise,
      drainTimeoutMs: 0,
    });
    const start = watch(runtime.start("w"));
    contexts.start[0]?.signal.addEventListener("abort", () => void runtime.stop("w"));
    const stop = watch(runtime.stop("w"));
    await clock.flush();
    expect([start.now(), stop.now(), state()]).toEqual(["INTERRUPTED", "pending", "stopping"]);
    expect(calls).toEqual(["start at 0"]);
    hook.open(undefined);
    await clock.flush();
    expect([stop.now(), calls.at(-1)]).toEqual(["done", "stop at 0"]);
    await end();
  });

  it("L2 resolves without effect on a registered and on a stopped worker", async () => {
    const { runtime, status, told, end } = rig();
    const registered = status();
    await runtime.stop("w");
    expect(status()).toEqual(registered);
    expect(await told()).toEqual([]);
    await runtime.start("w");
    await runtime.stop("w");
    const stopped = status();
    await told();
    await runtime.stop("w");
    expect(status()).toEqual(stopped);
    expect(await told()).toEqual([]);
    await end();
  });
});

describe("a drain behind a start", () => {
  it("L2 closes admission at the call: the start ends in running -> draining in one stretch", async () => {
    const hook = gate();
    const { runtime, clock, contexts, told, end } = rig({ start: () => hook.promise });
    const start = watch(runtime.start("w"));
    const drain = watch(runtime.drain("w"));
    expect(contexts.start[0]?.setReady(true)).toBe(true);
    expect(contexts.start[0]?.setAcceptingWork(true)).toBe(true);
    await told();
    hook.open(undefined);
    expect(await told()).toEqual([
      "starting > running (started)",
      "runtime starting > running",
      "running > draining (drain)",
      "runtime running > draining",
    ]);
    expect([start.now(), drain.now()]).toEqual(["done", "done"]);
    await clock.flush();
    await end();
  });

  it("L2 is refused when the start fails", async () => {
    const hook = gate();
    const { runtime, clock, end } = rig({ start: () => hook.promise });
    const start = watch(runtime.start("w"));
    const drain = watch(runtime.drain("w"));
    hook.fail(new Error("no"));
    await clock.flush();
    expect([start.now(), drain.now()]).toEqual([new Error("no"), "INVALID_WORKER_STATE"]);
    await end();
  });
});
