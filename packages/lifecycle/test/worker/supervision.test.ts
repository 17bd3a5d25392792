// S2: when a worker is given up, and what counts towards that.

import { Panic, withFatal } from "@workerkit/contracts";
import type { Failure } from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watch } from "./outcome.ts";
import { type RigOptions, rig } from "./rig.ts";

async function running(options: RigOptions) {
  const built = rig(options);
  await built.runtime.start("w");
  await built.told();
  const fail = (error: unknown = new Error("down")) => built.context().reportFailure(error);
  return { ...built, fail };
}

const lastError = (heard: Awaited<ReturnType<typeof running>>["heard"]) =>
  heard.flatMap(([name, event]) => (name === "worker:failure" ? [event.error] : [])).at(-1);

describe("too many restarts", () => {
  it("S2 within the window end it for good, with the last failure as cause", async () => {
    const r = await running({
      restart: { backoff: constant(100), maxRestarts: 2, withinMs: 10_000 },
    });
    for (const _ of [1, 2]) {
      r.fail();
      await r.clock.advance(100);
      expect(r.state()).toBe("running");
    }
    await r.told();
    const last = new Error("the last");
    r.fail(last);
    expect(await r.told()).toEqual([
      "running > failed (run failed)",
      "not ready",
      "not accepting",
      "failure in run 1: RESTARTS_EXHAUSTED, final",
      "runtime running > failed",
      "runtime not ready",
    ]);
    expect(lastError(r.heard)).toMatchObject({ code: "RESTARTS_EXHAUSTED", cause: last });
    expect(r.status()).toMatchObject({
      restarts: 2,
      lastFailure: { message: expect.stringContaining("it was restarted 2 times within 10000 ms") },
    });
    await r.clock.advance(100_000);
    expect(r.state()).toBe("failed");
    await r.end();
  });

  it("S2 are counted in a window that moves: to the millisecond", async () => {
    for (const [waitMs, state] of [
      [999, "failed"],
      [1_000, "restarting"],
    ] as const) {
      const r = await running({
        restart: { backoff: constant(100), maxRestarts: 1, withinMs: 1_000 },
      });
      r.fail();
      await r.clock.advance(100);
      await r.clock.advance(waitMs);
      r.fail();
      expect(r.state()).toBe(state);
      await r.end();
    }
  });

  it("S2 never exceed maxRestarts in any window, however it fails", async () => {
    const maxRestarts = 3;
    const withinMs = 1_000;
    const r = await running({ restart: { backoff: constant(90), maxRestarts, withinMs } });
    const restartedAt: number[] = [];
    r.runtime.events.on("worker:transition", ({ from, to, at }) => {
      if (from === "restarting" && to === "starting") restartedAt.push(at);
    });
    for (const waitMs of [0, 200, 300, 450, 10, 900, 120, 350, 80]) {
      await r.clock.advance(waitMs);
      if (r.state() === "failed") await r.runtime.start("w");
      if (r.state() === "running") r.fail();
    }
    await r.clock.flush();
    expect(restartedAt.length).toBeGreaterThan(3);
    for (const at of restartedAt) {
      const inWindow = restartedAt.filter((other) => other >= at && other < at + withinMs);
      expect(inWindow.length).toBeLessThanOrEqual(maxRestarts);
    }
    await r.end();
  });

  it("S2 count a restart whose start failed", async () => {
    let starts = 0;
    const r = await running({
      restart: { backoff: constant(100), maxRestarts: 3 },
      start: () => {
        starts += 1;
        if (starts > 1) throw new Error(`no ${starts}`);
      },
    });
    r.fail();
    await r.clock.advance(10_000);
    expect([r.state(), starts]).toEqual(["failed", 4]);
    expect(lastError(r.heard)).toMatchObject({
      code: "RESTARTS_EXHAUSTED",
      cause: new Error("no 4"),
    });
    await r.end();
  });

  it("S2 leave a worker failed that an operator can start and stop again", async () => {
    const r = await running({ restart: { backoff: constant(0), maxRestarts: 1 } });
    r.fail();
    await r.clock.flush();
    r.fail();
    expect(r.state()).toBe("failed");
    await r.runtime.start("w");
    expect(r.state()).toBe("running");
    await r.end();
  });
});

describe("a worker is not restarted", () => {
  let stopFirst: () => boolean = () => true;

  it("S2 when `when` says false; it hears the error, whether it is a panic, and the phase", async () => {
    const asked: Failure[] = [];
    const r = await running({
      restart: {
        backoff: constant(0),
        when: (failure) => {
          asked.push(failure);
          return asked.length < 2;
        },
      },
    });
    const [first, second] = [new Error("first"), new Panic("second")];
    r.fail(first);
    await r.clock.flush();
    expect(r.state()).toBe("running");
    r.fail(second);
    expect(r.state()).toBe("failed");
    expect(asked).toEqual([
      { error: first, panic: false, phase: "run" },
      { error: second, panic: true, phase: "run" },
    ]);
    await r.clock.flush();
    expect(lastError(r.heard)).toMatchObject({ code: "RESTARTS_EXHAUSTED", cause: second });
    await r.end();
  });

  it("S2 when `when` throws or returns nonsense", async () => {
    for (const when of [() => "yes" as never, () => thrower()]) {
      const r = await running({ restart: { backoff: constant(0), when } });
      r.fail();
      expect(r.state()).toBe("failed");
      await r.end();
    }
  });

  it("S2 when its failure is marked as fatal", async () => {
    const r = await running({ restart: { backoff: constant(0) } });
    r.fail(withFatal(new Error("never")));
    await r.clock.flush();
    expect(r.state()).toBe("failed");
    expect(lastError(r.heard)).toMatchObject({ code: "RESTARTS_EXHAUSTED" });
    await r.end();
  });

  it("S2 when its cleanup was abandoned", async () => {
    const r = await running({
      restart: { backoff: constant(0) },
      stop: () => new Promise(() => {}),
      stopTimeoutMs: 100,
      graceMs: 50,
    });
    r.fail();
    await r.clock.advance(149);
    expect(r.state()).toBe("restarting");
    await r.told();
    await r.clock.advance(1);
    expect(await r.told()).toEqual([
      'abandoned cleanup "cleanup hook" aged 150',
      "restarting > failed (cleanup failed)",
      "failure in cleanup 1: RESTARTS_EXHAUSTED, final",
      "runtime starting > failed",
    ]);
    expect(lastError(r.heard)).toMatchObject({ cause: { code: "ABANDONED" } });
    await r.end();
  });

  it("S2 beside a start that was abandoned and still runs", async () => {
    let starts = 0;
    const r = await running({
      restart: { backoff: constant(10) },
      start: () => {
        starts += 1;
        return starts > 1 ? new Promise(() => {}) : undefined;
      },
      startTimeoutMs: 100,
      graceMs: 50,
    });
    r.fail();
    await r.clock.advance(100_000);
    expect([r.state(), starts]).toEqual(["failed", 2]);
    expect(lastError(r.heard)).toMatchObject({
      code: "RESTARTS_EXHAUSTED",
      cause: { code: "ABANDONED" },
    });
    await r.end();
  });

  it("S2 whose `when` or backoff stops it instead", async () => {
    for (const policy of [
      { backoff: constant(0), when: () => stopFirst() },
      { backoff: { delayMs: () => Number(stopFirst()) } },
    ]) {
      const r = await running({ restart: policy });
      stopFirst = () => {
        void r.runtime.stop("w");
        return true;
      };
      expect(() => r.fail()).not.toThrow();
      await r.clock.flush();
      expect(r.state()).toBe("stopped");
      await r.end();
    }
  });

  it("S2 is how its failurePolicy comes to count, and only then", async () => {
    const r = await running({
      restart: { backoff: constant(100), maxRestarts: 1 },
      failurePolicy: "fail-runtime",
    });
    r.fail();
    expect(r.runtime.status()).toMatchObject({ state: "starting" });
    expect(r.runtime.status().failedBecause).toBe(undefined);
    await r.clock.advance(100);
    expect(r.runtime.status()).toMatchObject({ state: "running", ready: true });
    r.fail();
    expect(r.runtime.status()).toMatchObject({ state: "failed", failedBecause: "w" });
    await r.end();
  });

  it("B6 once stopAll or shutdown has begun", async () => {
    const r = await running({
      restart: { backoff: constant(0) },
      drain: () => new Promise(() => {}),
    });
    const stop = watch(r.runtime.stopAll());
    r.fail();
    await r.clock.advance(20_000);
    expect([stop.now(), r.state()]).toEqual(["done", "stopped"]);
    expect(r.calls.filter((call) => call.startsWith("start"))).toHaveLength(1);
    await r.end();
  });
});

describe("a backoff that throws", () => {
  const printing = process.listeners("warning");
  beforeEach(() => void process.removeAllListeners("warning"));
  afterEach(() => {
    for (const listener of printing) process.on("warning", listener);
  });

  it("S2 is no reason for another try", async () => {
    const r = await running({ restart: { backoff: { delayMs: () => thrower() } } });
    r.fail();
    await r.clock.flush();
    expect(r.state()).toBe("failed");
    await r.end();
  });
});

function thrower(): never {
  throw new Error("a trap");
}
