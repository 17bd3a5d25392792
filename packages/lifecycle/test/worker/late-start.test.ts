// L6: a start that was aborted, or gave way to a stop, and what becomes of a value that comes late.

import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

describe("an aborted start", () => {
  it("L6 rejects at once, stays starting while its hook goes on, and is failed then", async () => {
    const hook = gate();
    const { runtime, clock, state, told, status, end } = rig({ start: () => hook.promise });
    const caller = new AbortController();
    const reason = new Error("enough");
    const start = watch(runtime.start("w", { signal: caller.signal }));
    await told();
    caller.abort(reason);
    await clock.flush();
    expect([start.error(), state()]).toEqual([reason, "starting"]);
    await clock.advance(999);
    expect(state()).toBe("starting");
    hook.fail(new Error("of the hook"));
    expect(await told()).toEqual([
      "starting > failed (start aborted)",
      "failure in start 1: INTERRUPTED, final",
      "runtime starting > failed",
    ]);
    expect(status().lastFailure?.message).toContain("aborted by its caller");
    await end();
  });

  it("L6 is failed when the grace of its hook ends", async () => {
    const { runtime, clock, state, told, end } = rig({
      start: () => new Promise(() => {}),
      graceMs: 200,
    });
    const caller = new AbortController();
    const start = watch(runtime.start("w", { signal: caller.signal }));
    await clock.advance(50);
    await told();
    caller.abort("enough");
    await clock.advance(199);
    expect([start.now(), state()]).toEqual(["enough", "starting"]);
    await clock.advance(1);
    expect(await told()).toEqual([
      'abandoned start "start hook" aged 250',
      "starting > failed (start aborted)",
      "failure in start 1: INTERRUPTED, final",
      "runtime starting > failed",
    ]);
    await end();
  });

  it("L6 aborts the signal of the call with the caller's own reason", async () => {
    const signals: AbortSignal[] = [];
    const { runtime, clock, end } = rig({
      start: (_, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    const caller = new AbortController();
    const reason = { any: "thing" };
    const start = watch(runtime.start("w", { signal: caller.signal }));
    caller.abort(reason);
    await clock.flush();
    expect(start.error()).toBe(reason);
    expect(signals[0]?.reason).toBe(reason);
    await end();
  });

  it("L6 in the wait between two attempts is failed at once", async () => {
    const { runtime, clock, state, end } = rig({
      start: () => {
        throw new Error("no");
      },
      startRetry: { nextDelayMs: () => 500 },
    });
    const caller = new AbortController();
    const start = watch(runtime.start("w", { signal: caller.signal }));
    await clock.flush();
    caller.abort("enough");
    expect(state()).toBe("failed");
    await clock.flush();
    expect(start.now()).toBe("enough");
    await end();
  });

  it("L6 keeps a value that comes in the grace, or after it, for the stop hook of the next start", async () => {
    for (const afterMs of [500, 5_000]) {
      const hook = gate();
      const { runtime, clock, contexts, calls, state, end } = rig({
        start: () => (calls.length === 1 ? hook.promise : "anew"),
      });
      const caller = new AbortController();
      const start = watch(runtime.start("w", { signal: caller.signal }));
      caller.abort("enough");
      await clock.advance(afterMs);
      hook.open("late");
      await clock.flush();
      expect([start.now(), state()]).toEqual(["enough", "failed"]);
      expect(calls).toEqual(["start at 0"]);
      const again = watch(runtime.start("w"));
      await clock.flush();
      expect(again.now()).toBe("done");
      expect(calls).toEqual(["start at 0", `stop at ${afterMs}`, `start at ${afterMs}`]);
      expect(contexts.stop[0]?.state).toBe("late");
      await end();
    }
  });
});

describe("a start that gives way to a stop", () => {
  it("L6 rejects with INTERRUPTED at once, which is no failure; the worker is stopping at once", async () => {
    const hook = gate();
    const { runtime, clock, contexts, state, status, told, end } = rig({
      start: () => hook.promise,
    });
    const start = watch(runtime.start("w"));
    await told();
    const stop = watch(runtime.stop("w"));
    expect(state()).toBe("stopping");
    expect(contexts.start[0]?.signal.aborted).toBe(true);
    await clock.flush();
    expect([start.now(), stop.now()]).toEqual(["INTERRUPTED", "pending"]);
    hook.fail(new Error("of the hook"));
    expect(await told()).toEqual([
      "starting > stopping (stop)",
      "runtime starting > stopping",
      "stopping > stopped (stopped)",
      "runtime stopping > stopped",
    ]);
    expect(stop.now()).toBe("done");
    expect(status().lastFailure).toBe(undefined);
    await end();
  });

  it("L6 runs the stop hook when the start hook has settled, with the value that it gave", async () => {
    const hook = gate();
    const { runtime, clock, calls, contexts, end } = rig({ start: () => hook.promise });
    const start = watch(runtime.start("w"));
    const stop = watch(runtime.stop("w"));
    await clock.advance(300);
    expect(calls).toEqual(["start at 0"]);
    hook.open("just in time");
    await clock.flush();
    expect([start.now(), stop.now()]).toEqual(["INTERRUPTED", "done"]);
    expect(calls).toEqual(["start at 0", "stop at 300"]);
    expect(contexts.stop[0]?.state).toBe("just in time");
    await end();
  });

  it("L6 runs the stop hook when the start hook was abandoned", async () => {
    const { runtime, clock, calls, contexts, state, end } = rig({
      start: () => new Promise(() => {}),
    });
    const start = watch(runtime.start("w"));
    const stop = watch(runtime.stop("w"));
    await clock.advance(1_000);
    expect([start.now(), stop.now(), state()]).toEqual(["INTERRUPTED", "done", "stopped"]);
    expect(calls).toEqual(["start at 0", "stop at 1000"]);
    expect(contexts.stop[0]?.state).toBe(undefined);
    await end();
  });

  it("L6 in the wait between two attempts runs the stop hook at once", async () => {
    const { runtime, clock, calls, state, end } = rig({
      start: () => {
        throw new Error("no");
      },
      startRetry: { nextDelayMs: () => 500 },
    });
    const start = watch(runtime.start("w"));
    await clock.advance(100);
    const stop = watch(runtime.stop("w"));
    await clock.advance(1_000);
    expect([start.now(), stop.now(), state()]).toEqual(["INTERRUPTED", "done", "stopped"]);
    expect(calls).toEqual(["start at 0", "stop at 100"]);
    await end();
  });
});

describe("the value of a start that settles late", () => {
  /** A worker whose start hangs, was stopped, and whose stop hook is the test's. */
  async function stoppedWhileStarting(stop: () => unknown) {
    const hook = gate();
    const built = rig({ start: () => hook.promise, stop });
    const start = watch(built.runtime.start("w"));
    const stopping = watch(built.runtime.stop("w"));
    await built.clock.advance(1_000);
    expect(start.now()).toBe("INTERRUPTED");
    return { ...built, hook, stopping };
  }

  it("L6 is cleaned up by one more stop hook before a new start is allowed", async () => {
    const stops = [gate(), gate()];
    let calls = 0;
    const r = await stoppedWhileStarting(() => stops[calls++]?.promise);
    stops[0]?.open(undefined);
    await r.clock.flush();
    expect([r.stopping.now(), r.state()]).toEqual(["done", "stopped"]);
    r.hook.open("late");
    await r.clock.flush();
    expect(r.calls).toEqual(["start at 0", "stop at 1000", "stop at 1000"]);
    expect(r.contexts.stop.map(({ state }) => state)).toEqual(["late", "late"]);
    const tooSoon = watch(r.runtime.start("w"));
    await r.clock.flush();
    expect(tooSoon.now()).toBe("INVALID_WORKER_STATE");
    stops[1]?.open(undefined);
    await r.clock.flush();
    const start = watch(r.runtime.start("w"));
    await r.clock.flush();
    expect(start.now()).toBe("done");
    await r.end();
  });

  it("L6 waits for a stop hook that runs without it, and then has one of its own", async () => {
    const stops = [gate(), gate()];
    let calls = 0;
    const r = await stoppedWhileStarting(() => stops[calls++]?.promise);
    r.hook.open("late");
    await r.clock.flush();
    expect(r.calls).toEqual(["start at 0", "stop at 1000"]);
    stops[0]?.open(undefined);
    await r.clock.flush();
    expect(r.stopping.now()).toBe("done");
    expect(r.calls).toEqual(["start at 0", "stop at 1000", "stop at 1000"]);
    stops[1]?.open(undefined);
    await r.clock.flush();
    expect(r.calls).toHaveLength(3);
    await r.end();
  });

  it("L6 is in time for a stop hook that runs again, and needs none of its own", async () => {
    const stops = [gate(), gate()];
    let calls = 0;
    const r = await stoppedWhileStarting(() => stops[calls++]?.promise);
    await r.clock.advance(31_000);
    expect([r.stopping.now(), r.state()]).toEqual(["ABANDONED", "failed"]);
    const stop = watch(r.runtime.stop("w"));
    r.hook.open("late");
    await r.clock.flush();
    expect(r.calls).toHaveLength(2);
    stops[0]?.fail(new Error("no"));
    await r.clock.flush();
    // Not two at once: the stop's own run sees the value.
    expect(r.calls).toHaveLength(3);
    expect(r.contexts.stop[1]?.state).toBe("late");
    stops[1]?.open(undefined);
    await r.clock.flush();
    expect([stop.now(), r.state(), r.calls.length]).toEqual(["done", "stopped", 3]);
    await r.end();
  });

  it("L6 is cleaned up before a start that waits behind a stop which waited for an earlier stop hook", async () => {
    const stops = [gate(), gate(), gate()];
    let calls = 0;
    const r = await stoppedWhileStarting(() => stops[calls++]?.promise);
    await r.clock.advance(31_000);
    const stop = watch(r.runtime.stop("w"));
    const start = watch(r.runtime.start("w"));
    r.hook.open("late");
    stops[0]?.open(undefined);
    await r.clock.flush();
    expect([stop.now(), start.now(), r.calls.length]).toEqual(["pending", "pending", 3]);
    expect(r.contexts.stop[1]?.state).toBe("late");
    stops[1]?.open(undefined);
    await r.clock.flush();
    expect([stop.now(), start.now(), r.calls.length]).toEqual(["done", "done", 4]);
    stops[2]?.open(undefined);
    await r.end();
  });

  it("L6 whose cleanup fails is told of, and counts as cleaned up", async () => {
    const outcomes = [() => {}, () => Promise.reject(new Error("no"))];
    let calls = 0;
    const r = await stoppedWhileStarting(() => outcomes[calls++]?.());
    await r.told();
    r.hook.open("late");
    expect(await r.told()).toEqual(["failure in cleanup 1: CLEANUP_FAILED"]);
    expect(r.state()).toBe("stopped");
    const start = watch(r.runtime.start("w"));
    await r.clock.flush();
    expect(start.now()).toBe("done");
    await r.end();
  });

  it("L6 that rejects late is dropped, and allows a new start", async () => {
    const r = await stoppedWhileStarting(() => {});
    await r.told();
    r.hook.fail(new Error("too late"));
    expect(await r.told()).toEqual([]);
    expect(r.status()).toMatchObject({ state: "stopped", abandoned: 0 });
    expect(r.calls).toHaveLength(2);
    await r.end();
  });
});
