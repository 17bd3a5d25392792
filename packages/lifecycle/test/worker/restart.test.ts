// S1, S3: a worker that failed while running is cleaned up, waits, and starts again, unless an operator says otherwise.

import { constant, exponential } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { type RigOptions, rig } from "./rig.ts";

const down = () => new Error("down");

/** A worker that runs and restarts 500 ms after each failure. */
async function running(options: RigOptions = {}) {
  const built = rig({ restart: { backoff: constant(500) }, ...options });
  await built.runtime.start("w");
  await built.told();
  return { ...built, fail: () => built.context().reportFailure(down()) };
}

describe("a restart", () => {
  it("S1 is off by default", async () => {
    const { runtime, clock, context, calls, state, end } = rig();
    await runtime.start("w");
    context().reportFailure(down());
    await clock.advance(1_000_000);
    expect([state(), calls]).toEqual(["failed", ["start at 0"]]);
    await end();
  });

  it("S1 goes through restarting: cleanup by the stop hook, then backoff, then starting", async () => {
    const hook = gate();
    const r = await running({ stop: () => hook.promise });
    r.fail();
    expect(r.state()).toBe("restarting");
    await r.clock.advance(300);
    hook.open(undefined);
    await r.clock.advance(499);
    expect([r.state(), r.calls]).toEqual(["restarting", ["start at 0", "stop at 0"]]);
    await r.clock.advance(1);
    expect([r.state(), r.calls.at(-1)]).toEqual(["running", "start at 800"]);
    expect(await r.told()).toEqual([
      "running > restarting (run failed)",
      "not ready",
      "not accepting",
      "failure in run 1: WORKER_FAILED",
      "runtime running > starting",
      "runtime not ready",
      "restart 1 in 500: WORKER_FAILED",
      "restarting > starting (start)",
      "starting > running (started)",
      "ready",
      "accepting",
      "runtime starting > running",
      "runtime ready",
    ]);
    expect(r.status()).toMatchObject({ restarts: 1, generation: 2 });
    expect(r.contexts.stop[0]).toMatchObject({ generation: 1, state: "state" });
    await r.end();
  });

  it("S1 carries its attempt, its delay and its cause", async () => {
    const r = await running({ restart: { backoff: exponential(100, 3) } });
    for (const delayMs of [100, 300, 900]) {
      r.fail();
      await r.clock.advance(delayMs);
    }
    const restarts = r.heard.flatMap(([name, event]) => (name === "worker:restart" ? [event] : []));
    expect(restarts.map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([
      [1, 100],
      [2, 300],
      [3, 900],
    ]);
    for (const { error } of restarts) expect(error).toEqual(down());
    await r.end();
  });

  it("S1 goes on although its cleanup throws, and tells of that", async () => {
    const r = await running({ stop: () => Promise.reject(new Error("stuck")) });
    r.fail();
    await r.clock.flush();
    expect((await r.told()).at(-1)).toBe("failure in cleanup 1: CLEANUP_FAILED");
    expect(r.status()).toMatchObject({
      state: "restarting",
      lastFailure: { code: "CLEANUP_FAILED", message: "the cleanup of worker rt/w failed" },
    });
    await r.clock.advance(500);
    expect(r.state()).toBe("running");
    const failure = r.heard.findLast(([name]) => name === "worker:failure")?.[1];
    expect(failure).toMatchObject({ error: { cause: new Error("stuck") } });
    await r.runtime.stop("w").catch(() => {});
    await r.end();
  });

  it("S1 whose start fails is a further failure in the window", async () => {
    let starts = 0;
    const r = await running({
      start: () => {
        starts += 1;
        if (starts === 2 || starts === 3) throw down();
      },
    });
    r.fail();
    await r.clock.advance(1_500);
    expect(r.calls).toEqual([
      "start at 0",
      "stop at 0",
      "start at 500",
      "start at 1000",
      "start at 1500",
    ]);
    expect((await r.told()).filter((event) => event.startsWith("restart "))).toEqual([
      "restart 1 in 500: WORKER_FAILED",
      "restart 2 in 500: WORKER_FAILED",
      "restart 3 in 500: WORKER_FAILED",
    ]);
    expect(r.status()).toMatchObject({ state: "running", restarts: 3, generation: 4 });
    await r.end();
  });

  it("S1 begins at attempt 1 again after a stable stretch", async () => {
    const r = await running({ restart: { backoff: constant(500), withinMs: 10_000 } });
    r.fail();
    await r.clock.advance(500);
    r.fail();
    await r.clock.advance(500);
    await r.clock.advance(10_000);
    r.fail();
    expect((await r.told()).filter((event) => event.startsWith("restart "))).toEqual([
      "restart 1 in 500: WORKER_FAILED",
      "restart 2 in 500: WORKER_FAILED",
      "restart 1 in 500: WORKER_FAILED",
    ]);
    await r.end();
  });

  it("S1 is not what a failed first start gets, nor an operator's start from failed", async () => {
    let fails = true;
    const { runtime, clock, state, events, end } = rig({
      restart: { backoff: constant(500) },
      start: () => {
        if (fails) throw down();
      },
    });
    for (const _ of [1, 2]) {
      const start = watch(runtime.start("w"));
      await clock.advance(5_000);
      expect([start.now(), state()]).toEqual([down(), "failed"]);
    }
    expect(events.join()).not.toContain("restart");
    fails = false;
    await end();
  });

  it("S1 without a delay follows its cleanup at once", async () => {
    const r = await running({ restart: { backoff: constant(0) } });
    r.fail();
    await r.clock.flush();
    expect([r.state(), r.calls]).toEqual(["running", ["start at 0", "stop at 0", "start at 0"]]);
    await r.end();
  });

  it("S1 runs no cleanup for a start that failed, and one for a start that reported a failure", async () => {
    let starts = 0;
    const r = await running({
      start: ({ reportFailure }) => {
        starts += 1;
        if (starts === 2) throw down();
        if (starts === 3) reportFailure(down());
        return starts;
      },
    });
    r.fail();
    await r.clock.advance(1_500);
    expect(r.calls).toEqual([
      "start at 0",
      "stop at 0",
      "start at 500",
      "start at 1000",
      "stop at 1000",
      "start at 1500",
    ]);
    expect(r.contexts.stop[1]?.state).toBe(3);
    await r.end();
  });
});

describe("an operator, in backoff", () => {
  it("S3 starts the worker now", async () => {
    const r = await running();
    r.fail();
    await r.clock.advance(100);
    const start = watch(r.runtime.start("w"));
    expect(r.state()).toBe("starting");
    await r.clock.flush();
    expect([start.now(), r.state(), r.calls.at(-1)]).toEqual(["done", "running", "start at 100"]);
    await r.clock.advance(10_000);
    expect(r.calls).toHaveLength(3);
    await r.end();
  });

  it.each(["stop", "drain"] as const)(
    "S3 ends it by %s, which is no failure",
    async (operation) => {
      const r = await running();
      r.fail();
      await r.clock.advance(100);
      await r.told();
      const call = watch(r.runtime[operation]("w"));
      expect(r.state()).toBe("stopped");
      expect(await r.told()).toEqual([
        `restarting > stopping (${operation})`,
        "runtime starting > stopping",
        "stopping > stopped (stopped)",
        "runtime stopping > stopped",
      ]);
      expect(call.now()).toBe("done");
      await r.clock.advance(10_000);
      expect([r.state(), r.calls]).toEqual(["stopped", ["start at 0", "stop at 0"]]);
      await r.end();
    },
  );

  it("S3 is told INTERRUPTED for a start that a stop overtakes", async () => {
    const hook = gate();
    const r = await running({ stop: () => hook.promise });
    r.fail();
    const start = watch(r.runtime.start("w"));
    const stop = watch(r.runtime.stop("w"));
    await r.clock.flush();
    expect([start.now(), stop.now()]).toEqual(["INTERRUPTED", "pending"]);
    hook.open(undefined);
    await r.clock.flush();
    expect([stop.now(), r.state()]).toEqual(["done", "stopped"]);
    await r.end();
  });
});

describe("an operator, during cleanup", () => {
  it("S3 starts the worker when it is cleaned up, without waiting for the backoff", async () => {
    const hook = gate();
    const r = await running({ stop: () => hook.promise });
    r.fail();
    const start = watch(r.runtime.start("w"));
    await r.clock.advance(100);
    expect([start.now(), r.state()]).toEqual(["pending", "restarting"]);
    hook.open(undefined);
    await r.clock.flush();
    expect([start.now(), r.calls.at(-1)]).toEqual(["done", "start at 100"]);
    await r.end();
  });

  it.each(["stop", "drain"] as const)("S3 waits for it by %s, then the same", async (operation) => {
    const hook = gate();
    const r = await running({ stop: () => hook.promise });
    r.fail();
    const call = watch(r.runtime[operation]("w"));
    await r.clock.advance(100);
    expect([call.now(), r.state()]).toEqual(["pending", "restarting"]);
    hook.open(undefined);
    await r.clock.advance(10_000);
    expect([call.now(), r.state()]).toEqual(["done", "stopped"]);
    expect(r.calls).toEqual(["start at 0", "stop at 0"]);
    await r.end();
  });

  it("S3 is told when the cleanup is abandoned", async () => {
    const r = await running({ stop: () => new Promise(() => {}), stopTimeoutMs: 200, graceMs: 50 });
    r.fail();
    const stop = watch(r.runtime.stop("w"));
    const start = watch(r.runtime.start("w"));
    await r.clock.advance(250);
    expect([stop.now(), start.now(), r.state()]).toEqual([
      "RESTARTS_EXHAUSTED",
      "INVALID_WORKER_STATE",
      "failed",
    ]);
    await r.end();
  });

  it("S3 brings the limits of a cleanup forward that has not begun yet", async () => {
    const r = await running({ stop: () => new Promise(() => {}) });
    r.context().admit("stays");
    r.fail();
    const shutdown = watch(r.runtime.shutdown({ timeoutMs: 320 }));
    await r.clock.advance(20);
    expect(r.calls.at(-1)).toBe("stop at 20");
    await r.clock.advance(299);
    expect(shutdown.now()).toBe("pending");
    await r.clock.advance(1);
    expect(shutdown.now()).toBeInstanceOf(AggregateError);
    expect(r.clock.monotonicMs()).toBe(320);
    await r.end();
  });

  it("S3 brings the limits of a cleanup forward that a stop waits for", async () => {
    const r = await running({ stop: () => new Promise(() => {}) });
    r.fail();
    const stop = watch(r.runtime.stop("w"));
    await r.clock.advance(100);
    const shutdown = watch(r.runtime.shutdown({ timeoutMs: 160 }));
    await r.clock.advance(159);
    expect([stop.now(), shutdown.now()]).toEqual(["pending", "pending"]);
    await r.clock.advance(1);
    expect(stop.now()).toBe("RESTARTS_EXHAUSTED");
    expect(shutdown.now()).toBeInstanceOf(AggregateError);
    await r.end();
  });

  it("S3 who stops it from inside the cleanup itself waits for that", async () => {
    const hook = gate();
    const stops: ReturnType<typeof watch>[] = [];
    const r = await running({
      stop: () => {
        stops.push(watch(r.runtime.shutdown({ timeoutMs: 160 })));
        return hook.promise;
      },
    });
    r.fail();
    await r.clock.advance(100);
    hook.open(undefined);
    await r.clock.flush();
    expect([stops[0]?.now(), r.state(), r.calls.length]).toEqual(["done", "stopped", 2]);
    await r.end();
  });
});

describe("a start that fails in a restart", () => {
  it("S1 is told to the operator who joined it, while the restart goes on", async () => {
    let starts = 0;
    const r = await running({
      start: () => {
        starts += 1;
        if (starts === 2) throw down();
      },
    });
    r.fail();
    await r.clock.flush();
    const start = watch(r.runtime.start("w"));
    await r.clock.flush();
    expect([start.now(), r.state()]).toEqual([down(), "restarting"]);
    await r.clock.advance(500);
    expect(r.state()).toBe("running");
    await r.end();
  });

  it("S3 lets a drain that waited behind it stop the worker", async () => {
    const hook = gate();
    let starts = 0;
    const r = await running({
      start: () => {
        starts += 1;
        return starts === 2 ? hook.promise : undefined;
      },
    });
    r.fail();
    await r.clock.advance(500);
    expect(r.state()).toBe("starting");
    const drain = watch(r.runtime.drain("w"));
    hook.fail(down());
    await r.clock.flush();
    expect([drain.now(), r.state()]).toEqual(["done", "stopped"]);
    await r.end();
  });

  it("S1 is ended by nobody's leaving", async () => {
    const hook = gate();
    let starts = 0;
    const r = await running({
      start: () => {
        starts += 1;
        return starts === 2 ? hook.promise : undefined;
      },
    });
    r.fail();
    await r.clock.flush();
    const caller = new AbortController();
    const start = watch(r.runtime.start("w", { signal: caller.signal }));
    caller.abort("enough");
    await r.clock.flush();
    expect([start.now(), r.state()]).toEqual(["enough", "starting"]);
    hook.open(undefined);
    await r.clock.flush();
    expect(r.state()).toBe("running");
    await r.end();
  });
});
