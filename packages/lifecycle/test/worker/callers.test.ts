// L2: several callers of one operation, and those who leave it.

import { defineWorker } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

describe("a caller's abort", () => {
  it("L2 settles its own call at once and ends a start that nobody else joined", async () => {
    const { runtime, clock, contexts, state, end } = rig({ start: () => new Promise(() => {}) });
    const caller = new AbortController();
    const start = watch(runtime.start("w", { signal: caller.signal }));
    caller.abort("enough");
    await clock.flush();
    expect([start.now(), state()]).toEqual(["enough", "starting"]);
    await clock.advance(1_000);
    expect(state()).toBe("failed");
    expect(contexts.start[0]?.signal.aborted).toBe(true);
    await end();
  });

  it("L2 that has happened before the call begins nothing", async () => {
    const { runtime, status, told, calls, end } = rig();
    const before = status();
    const signal = AbortSignal.abort("no");
    for (const operation of ["start", "drain", "stop"] as const) {
      const call = watch(runtime[operation]("w", { signal }));
      await told();
      expect(call.now()).toBe("no");
    }
    expect([status(), calls]).toEqual([before, []]);
    await end();
  });

  it("L2 leaves a start alone that another joined", async () => {
    const hook = gate();
    const { runtime, clock, state, end } = rig({ start: () => hook.promise });
    const caller = new AbortController();
    const start = watch(runtime.start("w", { signal: caller.signal }));
    const all = watch(runtime.startAll());
    caller.abort("enough");
    await clock.flush();
    expect([start.now(), all.now(), state()]).toEqual(["enough", "pending", "starting"]);
    hook.open(undefined);
    await clock.flush();
    expect([all.now(), state()]).toEqual(["done", "running"]);
    await end();
  });

  it("L2 that ended a start lets one who came later start it again", async () => {
    const hook = gate();
    const { runtime, clock, state, end } = rig({ start: () => hook.promise });
    const caller = new AbortController();
    const start = watch(runtime.start("w", { signal: caller.signal }));
    caller.abort("enough");
    const all = watch(runtime.startAll());
    hook.open(undefined);
    await clock.flush();
    expect([start.now(), all.now(), state()]).toEqual(["enough", "done", "running"]);
    await end();
  });

  it("L2 lets a drain and a stop go on", async () => {
    const drained = gate();
    const stopped = gate();
    const { runtime, clock, state, end } = rig({
      drain: () => drained.promise,
      stop: () => stopped.promise,
    });
    await runtime.start("w");
    const caller = new AbortController();
    const drain = watch(runtime.drain("w", { signal: caller.signal }));
    const stop = watch(runtime.stop("w", { signal: caller.signal }));
    caller.abort("enough");
    await clock.flush();
    expect([drain.now(), stop.now(), state()]).toEqual(["enough", "enough", "draining"]);
    drained.open(undefined);
    stopped.open(undefined);
    await clock.flush();
    expect(state()).toBe("stopped");
    await end();
  });

  it("L2 takes a waiting start out of the line, and lets a waiting drain stay", async () => {
    const hook = gate();
    const { runtime, clock, state, calls, end } = rig({ start: () => hook.promise });
    void runtime.start("w");
    const caller = new AbortController();
    const start = watch(runtime.start("w", { signal: caller.signal }));
    const drain = watch(runtime.drain("w", { signal: caller.signal }));
    caller.abort("enough");
    await clock.flush();
    expect([start.now(), drain.now()]).toEqual(["enough", "enough"]);
    hook.open(undefined);
    await clock.flush();
    expect([state(), calls]).toEqual(["draining", ["start at 0"]]);
    await end();
  });
});

describe("whoever joins a stop", () => {
  it("L2 can bring its drain, its grace and its hook forward, never hold them up", async () => {
    const { runtime, clock, calls, context, end } = rig({
      drainTimeoutMs: 50_000,
      stop: () => new Promise(() => {}),
    });
    await runtime.start("w");
    context().admit("long");
    const stop = watch(runtime.stop("w"));
    await clock.advance(100);
    // share 1 600: drain to 1 200, grace 100, then the hook until 1 500 and its grace until 1 600.
    const shutdown = watch(runtime.shutdown({ timeoutMs: 1_600 }));
    const late = watch(runtime.stop("w"));
    await clock.advance(1_299);
    expect(calls).toEqual(["start at 0"]);
    await clock.advance(1);
    expect(calls).toEqual(["start at 0", "stop at 1400"]);
    await clock.advance(299);
    expect(stop.now()).toBe("pending");
    await clock.advance(1);
    expect([stop.now(), late.now()]).toEqual(["ABANDONED", "ABANDONED"]);
    expect(shutdown.now()).toBeInstanceOf(AggregateError);
    expect(clock.monotonicMs()).toBe(1_700);
    await end();
  });

  it("L2 brings it forward from inside the stop hook too", async () => {
    const ends: ReturnType<typeof watch>[] = [];
    const { runtime, clock, end } = rig({
      stop: () => {
        ends.push(watch(runtime.shutdown({ timeoutMs: 160 })));
        return new Promise(() => {});
      },
    });
    await runtime.start("w");
    const stop = watch(runtime.stop("w"));
    await clock.advance(159);
    expect(stop.now()).toBe("pending");
    await clock.advance(1);
    expect(stop.now()).toBe("ABANDONED");
    expect(ends[0]?.now()).toBeInstanceOf(AggregateError);
    await end();
  });

  it("L2 in a second group of workers holds up nobody of that group", async () => {
    const idle = () => ({ start: () => {}, stop: () => {} });
    const db = defineWorker({ name: "db", worker: idle() });
    const other = defineWorker({ name: "other", worker: idle() });
    const peer = defineWorker({ name: "peer", dependsOn: [other], worker: idle() });
    const { runtime, clock, context, end } = rig({ dependsOn: [db], others: [db, other, peer] });
    await runtime.startAll();
    const lease = context().admit();
    const stop = watch(runtime.stop("db", { dependants: true }));
    const shutdown = watch(runtime.shutdown());
    await clock.flush();
    expect(runtime.worker("peer")?.state).toBe("draining");
    lease?.release();
    await clock.flush();
    expect([stop.now(), shutdown.now()]).toEqual(["done", "done"]);
    await end();
  });

  it("L2 while a start cleans up after an earlier failure holds up nobody", async () => {
    const hook = gate();
    const peer = defineWorker({ name: "peer", worker: { start: () => {}, stop: () => {} } });
    const { runtime, clock, context, calls, end } = rig({
      stop: () => hook.promise,
      others: [peer],
    });
    await runtime.startAll();
    context().reportFailure(new Error("no"));
    const start = watch(runtime.start("w"));
    const all = watch(runtime.stopAll());
    await clock.flush();
    expect(start.now()).toBe("INTERRUPTED");
    expect(runtime.worker("peer")?.state).toBe("stopped");
    hook.open(undefined);
    await clock.flush();
    expect(all.now()).toBe("done");
    expect(calls).toEqual(["start at 0", "stop at 0"]);
    await end();
  });
});
