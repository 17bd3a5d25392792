// L13 and the time limits that always hold: a deadline, a grace, and past that the code is left to itself.

import { sleep, WorkerkitError } from "@workerkit/contracts";
import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { type Hook, rig } from "./rig.ts";

/** What a deadline's error must carry. */
const details = (phase: string, limitMs: number, graceMs: number) => ({
  ...{ worker: "rt/w", phase, limitMs, graceMs },
  waitedFor: `its ${phase} hook`,
});

const afterAbort = (then: () => unknown): Hook =>
  function hook(_, { signal }) {
    return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())).then(
      then,
    );
  };

describe("a hook at its deadline", () => {
  it("L13 is told by its signal, with a TIMEOUT that says where, how long and for what", async () => {
    const signals: AbortSignal[] = [];
    const { runtime, clock, end } = rig({
      start: (_, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
      startTimeoutMs: 250,
      graceMs: 50,
    });
    const start = watch(runtime.start("w"));
    await clock.advance(249);
    expect(signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(signals[0]?.reason).toMatchObject({
      code: "TIMEOUT",
      details: details("start", 250, 50),
    });
    await clock.advance(50);
    expect(start.error()).toMatchObject({
      code: "ABANDONED",
      details: details("start", 250, 50),
      cause: signals[0]?.reason,
    });
    await end();
  });

  it("L13 has a grace in which a value counts", async () => {
    const { runtime, clock, contexts, state, end } = rig({
      start: afterAbort(() => "just in time"),
      startTimeoutMs: 100,
    });
    const start = watch(runtime.start("w"));
    await clock.advance(100);
    expect([start.now(), state()]).toEqual(["done", "running"]);
    expect(contexts.start[0]?.state).toBe("just in time");
    await end();
  });

  it("L13 has a grace in which an error becomes TIMEOUT, with that error as cause", async () => {
    const error = new Error("of the hook");
    const { runtime, clock, end } = rig({
      start: afterAbort(() => {
        throw error;
      }),
      startTimeoutMs: 100,
    });
    const start = watch(runtime.start("w"));
    await clock.advance(100);
    expect(start.error()).toMatchObject({
      code: "TIMEOUT",
      details: details("start", 100, 1_000),
      cause: error,
    });
    await end();
  });

  it("L13 says the same of drain and stop hooks", async () => {
    const { runtime, clock, heard, end } = rig({
      drain: () => new Promise(() => {}),
      stop: afterAbort(() => Promise.reject(new Error("no"))),
      stopTimeoutMs: 300,
      graceMs: 20,
    });
    await runtime.start("w");
    void runtime.drain("w");
    await clock.advance(320);
    const stop = watch(runtime.stop("w"));
    await clock.advance(300);
    expect(stop.error()).toMatchObject({ code: "TIMEOUT", details: details("stop", 300, 20) });
    const failures = heard.flatMap(([name, event]) => (name === "worker:failure" ? [event] : []));
    expect(failures[0]?.error).toMatchObject({
      code: "ABANDONED",
      details: details("drain", 300, 20),
    });
    await end();
  });

  it("L13 ends it at once when its limit is 0, and never when that is Infinity", async () => {
    const at = { none: gate(), forEver: gate() };
    for (const [hook, startTimeoutMs, after] of [
      [at.none, 0, "ABANDONED"],
      [at.forEver, Number.POSITIVE_INFINITY, "pending"],
    ] as const) {
      const { runtime, clock, end } = rig({
        start: () => hook.promise,
        startTimeoutMs,
        graceMs: 0,
      });
      const start = watch(runtime.start("w"));
      await clock.advance(86_400_000);
      expect(start.now()).toBe(after);
      hook.open("late");
      await clock.flush();
      await end();
    }
  });

  it("L13 shows a signal that is first read afterwards as aborted, for the same reason", async () => {
    const seen: unknown[] = [];
    const { runtime, clock, end } = rig({
      start: async (_, call) => {
        await sleep(clock, 150);
        seen.push(call.signal.reason);
      },
      startTimeoutMs: 100,
    });
    const start = watch(runtime.start("w"));
    await clock.advance(200);
    expect(start.now()).toBe("done");
    expect(seen).toEqual([expect.objectContaining({ code: "TIMEOUT" })]);
    await end();
  });
});

describe("what a hook throws", () => {
  const thrown: readonly (readonly [string, unknown])[] = [
    ["undefined", undefined],
    ["null", null],
    ["a string", "no"],
    ["a symbol", Symbol("no")],
    ["a plain object", { code: "NO" }],
    ["a frozen object", Object.freeze({ no: true })],
    ["a revoked proxy", revoked()],
    ["an object whose getters throw", throwing()],
  ];

  it.each(thrown)("C6 is an Error with the value as its cause: %s", async (_, value) => {
    for (const hook of ["start", "stop"] as const) {
      for (const how of [() => Promise.reject(value), () => thrower(value)]) {
        const { runtime, clock, heard, state, end } = rig({ [hook]: how });
        const start = watch(runtime.start("w"));
        await clock.flush();
        const call = hook === "start" ? start : watch(runtime.stop("w"));
        await clock.flush();
        const error = call.error();
        expect(error).toBeInstanceOf(Error);
        expect(Object.is((error as Error).cause, value)).toBe(true);
        expect(state()).toBe("failed");
        const failure = heard.find(([name]) => name === "worker:failure")?.[1];
        expect(failure).toMatchObject({ code: "WORKER_FAILED", message: "the worker failed" });
        expect(Object.is((failure as { error?: unknown }).error, error)).toBe(true);
        await end();
      }
    }
  });

  it("C6 is left as it is when it is an Error, frozen or circular", async () => {
    const circular = new Error("round");
    circular.cause = circular;
    for (const error of [Object.freeze(new TypeError("no")), circular]) {
      const { runtime, clock, end } = rig({ start: () => Promise.reject(error) });
      const start = watch(runtime.start("w"));
      await clock.flush();
      expect(start.error()).toBe(error);
      await end();
    }
  });

  it("C6 may come of a promise that breaks whoever reads it", async () => {
    const hostile = Object.defineProperty(Promise.resolve(), "constructor", {
      get() {
        throw new Error("a trap");
      },
    });
    // biome-ignore lint/suspicious/noThenProperty: a thenable that throws is what this is about
    const thenable = { then: () => thrower(new Error("a trap")) };
    for (const result of [hostile, thenable]) {
      const { runtime, clock, state, end } = rig({ start: () => result });
      const start = watch(runtime.start("w"));
      await clock.flush();
      expect([start.now(), state()]).toEqual([new Error("a trap"), "failed"]);
      await end();
    }
  });

  it("C6 shows to strangers no more than a code and a fixed text, unless it is ours", async () => {
    for (const [error, code, message] of [
      [new Error("secret"), "WORKER_FAILED", "the worker failed"],
      [new WorkerkitError("SATURATED", "full up"), "SATURATED", "full up"],
    ] as const) {
      const { runtime, clock, status, end } = rig({ start: () => Promise.reject(error) });
      void runtime.start("w").catch(() => {});
      await clock.flush();
      expect(status().lastFailure).toMatchObject({ code, message });
      await end();
    }
  });
});

function thrower(value: unknown): never {
  throw value;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwing(): object {
  const trap = { get: () => thrower(new Error("a trap")), enumerable: true };
  return Object.defineProperties({}, { name: trap, message: trap, code: trap, cause: trap });
}
