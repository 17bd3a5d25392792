// L3, L4, L5: what a start does, attempt by attempt, and what a worker is after it.

import { Panic, withFatal } from "@workerkit/contracts";
import { attempts, attemptsIf, constant, none } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { rig } from "./rig.ts";

/** A start hook that fails some times with errors numbered from 1. */
const failing = (times: number) => {
  let calls = 0;
  return () => {
    calls += 1;
    if (calls <= times) throw new Error(`no ${calls}`);
    return `state ${calls}`;
  };
};

describe("start", () => {
  it("L3 is legal from registered, stopped and failed, and takes a new generation each time", async () => {
    const { runtime, clock, context, status, end } = rig({ start: failing(1) });
    const generations: number[] = [];
    const first = watch(runtime.start("w"));
    await clock.flush();
    expect(first.now()).toEqual(new Error("no 1"));
    generations.push(status().generation);
    await runtime.start("w");
    generations.push(status().generation, context().generation);
    await runtime.stop("w");
    await runtime.start("w");
    generations.push(status().generation, context().generation);
    expect(generations).toEqual([1, 2, 2, 3, 3]);
    await end();
  });

  it("L3 from failed first runs the stop hook of the generation that ran", async () => {
    const { runtime, context, contexts, calls, told, end } = rig();
    await runtime.start("w");
    context().reportFailure(new Error("down"));
    await told();
    await runtime.start("w");
    expect(calls).toEqual(["start at 0", "stop at 0", "start at 0"]);
    expect(contexts.stop[0]).toMatchObject({ generation: 1, state: "state" });
    expect(await told()).toEqual([
      "failed > starting (start)",
      "runtime failed > starting",
      "starting > running (started)",
      "ready",
      "accepting",
      "runtime starting > running",
      "runtime ready",
    ]);
    await end();
  });

  it("L3 from failed fails when that stop hook does, and tries it again the next time", async () => {
    let stops = 0;
    const { runtime, clock, context, calls, told, status, end } = rig({
      stop: () => {
        stops += 1;
        if (stops === 1) throw new Error("stuck");
      },
    });
    await runtime.start("w");
    context().reportFailure(new Error("down"));
    await told();
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect(start.now()).toEqual(new Error("stuck"));
    expect(await told()).toEqual([
      "failed > starting (start)",
      "runtime failed > starting",
      "starting > failed (stop failed)",
      "failure in stop 1: WORKER_FAILED, final",
      "runtime starting > failed",
    ]);
    expect(status().generation).toBe(2);
    await runtime.start("w");
    expect(calls).toEqual(["start at 0", "stop at 0", "stop at 0", "start at 0"]);
    await end();
  });

  it("L3 from failed runs no stop hook for a generation that never ran or was cleaned up", async () => {
    const { runtime, clock, calls, context, end } = rig({ start: failing(1) });
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect(start.now()).toEqual(new Error("no 1"));
    await runtime.start("w");
    context().reportFailure(new Error("down"));
    await runtime.stop("w");
    await runtime.start("w");
    expect(calls).toEqual(["start at 0", "start at 0", "stop at 0", "start at 0"]);
    await end();
  });

  it("L3 repeats a failed attempt as startRetry says, in a context of its own each time", async () => {
    const { runtime, clock, contexts, calls, told, status, end } = rig({
      start: failing(2),
      startRetry: attempts(3, constant(100), none),
    });
    const start = watch(runtime.start("w"));
    await clock.flush();
    const [first] = contexts.start;
    expect(first?.signal.aborted).toBe(true);
    expect(first?.setReady(true)).toBe(false);
    expect(first?.admit()).toBe(undefined);
    expect(first?.reportFailure(new Error("late"))).toBe(false);
    expect(status()).toMatchObject({ state: "starting", generation: 1 });
    await clock.advance(200);
    expect(start.now()).toBe("done");
    expect(calls).toEqual(["start at 0", "start at 100", "start at 200"]);
    expect(new Set(contexts.start).size).toBe(3);
    expect(contexts.start.map(({ generation }) => generation)).toEqual([1, 1, 1]);
    expect(await told()).toEqual([
      "registered > starting (start)",
      "runtime registered > starting",
      "failure in start 1: WORKER_FAILED",
      "failure in start 2: WORKER_FAILED",
      "starting > running (started)",
      "ready",
      "accepting",
      "runtime starting > running",
      "runtime ready",
    ]);
    expect(status().lastFailure).toBe(undefined);
    await end();
  });

  it("L3 fails with the last error once startRetry allows no more", async () => {
    const { runtime, clock, told, end } = rig({
      start: failing(9),
      startRetry: attempts(2, constant(100), none),
    });
    const start = watch(runtime.start("w"));
    await clock.advance(100);
    expect(start.now()).toEqual(new Error("no 2"));
    expect((await told()).slice(2)).toEqual([
      "failure in start 1: WORKER_FAILED",
      "starting > failed (start failed)",
      "failure in start 2: WORKER_FAILED, final",
      "runtime starting > failed",
    ]);
    await end();
  });

  it("L3 gives each attempt its own startTimeoutMs and its own signal", async () => {
    const signals: AbortSignal[] = [];
    const { runtime, clock, calls, end } = rig({
      start: (_, { signal }) => {
        signals.push(signal);
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        );
      },
      startTimeoutMs: 50,
      startRetry: attempts(2, constant(100), none),
    });
    const start = watch(runtime.start("w"));
    await clock.advance(149);
    expect(calls).toEqual(["start at 0"]);
    await clock.advance(51);
    expect(calls).toEqual(["start at 0", "start at 150"]);
    expect(start.now()).toBe("TIMEOUT");
    expect(new Set(signals).size).toBe(2);
    await end();
  });

  it.each([
    ["a panic", () => new Panic("never")],
    ["a ReferenceError", () => new ReferenceError("never")],
    ["a fatal error", () => withFatal(new Error("never"))],
    ["what isPanic says is one", () => new TypeError("never")],
  ])("L3 never repeats after %s", async (_, error) => {
    const { runtime, clock, calls, end } = rig({
      isPanic: (given) => given instanceof TypeError,
      start: () => {
        throw error();
      },
      startRetry: attempts(5, constant(1), none),
    });
    const start = watch(runtime.start("w"));
    await clock.advance(1_000);
    expect(start.now()).toEqual(error());
    expect(calls).toHaveLength(1);
    await end();
  });

  it("L3 never repeats an attempt that was abandoned, nor starts beside it", async () => {
    const hook = gate();
    const { runtime, clock, calls, state, end } = rig({
      start: () => hook.promise,
      startTimeoutMs: 50,
      startRetry: attempts(5, constant(1), none),
    });
    const start = watch(runtime.start("w"));
    await clock.advance(5_000);
    expect([start.now(), state(), calls.length]).toEqual(["ABANDONED", "failed", 1]);
    const again = watch(runtime.start("w"));
    await clock.flush();
    expect(again.error()).toMatchObject({
      code: "INVALID_WORKER_STATE",
      message: expect.stringContaining("its abandoned start hook still runs"),
    });
    hook.open(undefined);
    await end();
  });

  it("L3 lets a policy that stops the worker have its way", async () => {
    const { runtime, clock, state, events, end } = rig({
      start: failing(1),
      startRetry: attemptsIf(3, constant(0), none, () => {
        void runtime.stop("w");
        return true;
      }),
    });
    const start = watch(runtime.start("w"));
    await clock.advance(100);
    expect([start.now(), state()]).toEqual(["INTERRUPTED", "stopped"]);
    expect(events).not.toContain("failure in start 1: WORKER_FAILED");
    await end();
  });

  it("L3 tells of every change of lastFailure exactly once", async () => {
    const { runtime, clock, heard, status, end } = rig({
      start: failing(2),
      startRetry: attempts(2, constant(0), none),
    });
    const start = watch(runtime.start("w"));
    await clock.advance(10);
    expect(start.now()).toEqual(new Error("no 2"));
    const failures = heard.flatMap(([name, event]) => (name === "worker:failure" ? [event] : []));
    expect(failures.map(({ attempt, final }) => [attempt, final])).toEqual([
      [1, false],
      [2, true],
    ]);
    const last = failures.at(-1);
    expect(status().lastFailure).toEqual({
      code: last?.code,
      message: last?.message,
      at: last?.at,
    });
    await end();
  });
});

describe("a started worker", () => {
  const READY_CASES = [
    { says: undefined, byDefault: true, is: true },
    { says: undefined, byDefault: false, is: false },
    { says: true, byDefault: false, is: true },
    { says: false, byDefault: true, is: false },
  ];

  it.each(READY_CASES)(
    "L4 is ready ($is) as it said in start ($says), else as readyOnStart ($byDefault)",
    async ({ says, byDefault, is }) => {
      const { runtime, status, end } = rig({
        start: ({ setReady }) => says !== undefined && setReady(says),
        readyOnStart: byDefault,
      });
      await runtime.start("w");
      expect(status()).toMatchObject({ ready: is, acceptingWork: true });
      await end();
    },
  );

  it.each(READY_CASES)(
    "L4 accepts work ($is) as it said in start ($says), else as acceptingWorkOnStart ($byDefault)",
    async ({ says, byDefault, is }) => {
      const { runtime, status, end } = rig({
        start: ({ setAcceptingWork }) => says !== undefined && setAcceptingWork(says),
        acceptingWorkOnStart: byDefault,
      });
      await runtime.start("w");
      expect(status()).toMatchObject({ ready: true, acceptingWork: is });
      await end();
    },
  );

  it("L4 goes by the last thing that the attempt that held said, not by an earlier one", async () => {
    let calls = 0;
    const { runtime, clock, status, end } = rig({
      start: ({ setReady }) => {
        calls += 1;
        if (calls === 1) {
          setReady(false);
          throw new Error("no");
        }
        setReady(false);
        setReady(true);
      },
      readyOnStart: false,
      startRetry: attempts(2, constant(0), none),
    });
    await clock.settle(runtime.start("w"));
    expect(status().ready).toBe(true);
    await end();
  });

  it("L4 has no lastFailure any more, and keeps when it started", async () => {
    const { runtime, clock, status, context, end } = rig();
    await runtime.start("w");
    context().reportFailure(new Error("down"));
    expect(status().lastFailure).toMatchObject({ code: "WORKER_FAILED" });
    await clock.advance(10);
    await runtime.start("w");
    expect(status()).toMatchObject({ startedAt: 10 });
    expect(status().lastFailure).toBe(undefined);
    await end();
  });
});

describe("a failed start", () => {
  it("L5 leaves the worker failed and calls no stop hook", async () => {
    const { runtime, clock, calls, status, end } = rig({ start: failing(1) });
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect(start.now()).toEqual(new Error("no 1"));
    expect(status()).toMatchObject({ state: "failed", ready: false, acceptingWork: false });
    expect(calls).toEqual(["start at 0"]);
    await end();
  });

  it("L5 can be followed by a stop, whose hook runs without a state", async () => {
    const { runtime, clock, calls, contexts, state, end } = rig({ start: failing(1) });
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect(start.now()).toEqual(new Error("no 1"));
    await runtime.stop("w");
    expect(state()).toBe("stopped");
    expect(calls).toEqual(["start at 0", "stop at 0"]);
    expect(contexts.stop[0]?.state).toBe(undefined);
    await end();
  });

  it("L5 comes of a failure that was reported while it went on, once the hook has settled", async () => {
    const hook = gate();
    const reported = new Error("reported");
    const { runtime, clock, context, state, told, end } = rig({ start: () => hook.promise });
    const start = watch(runtime.start("w"));
    expect(context().reportFailure(reported)).toBe(true);
    expect(context().reportFailure(new Error("a second"))).toBe(true);
    await told();
    expect(state()).toBe("starting");
    hook.open("state");
    await clock.flush();
    expect([start.error(), state()]).toEqual([reported, "failed"]);
    expect(await told()).toEqual([
      "starting > failed (start failed)",
      "failure in start 1: WORKER_FAILED, final",
      "runtime starting > failed",
    ]);
    await end();
  });

  it("L5 rejects with what the hook threw rather than with what was reported", async () => {
    const { runtime, clock, end } = rig({
      start: ({ reportFailure }) => {
        reportFailure(new Error("reported"));
        throw new Error("thrown");
      },
    });
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect(start.now()).toEqual(new Error("thrown"));
    await end();
  });
});
