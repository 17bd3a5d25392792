// W1: starting and stopping a worker that is a loop.

import { sleep } from "@workerkit/contracts";
import { loop, type WorkerContext } from "@workerkit/lifecycle";
import { attempts, constant, none } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { gate } from "../worker/gate.ts";
import { watch } from "../worker/outcome.ts";
import { rig } from "../worker/rig.ts";
import { looping, thrower, untilStopped } from "./looping.ts";

describe("starting a loop", () => {
  it("W1 runs onStart, launches run, and is running and ready at launch", async () => {
    const setUp = gate();
    const r = looping({ onStart: () => setUp.promise, run: untilStopped });
    const start = watch(r.runtime.start("w"));
    await r.clock.advance(10);
    expect([r.log, r.state()]).toEqual([["onStart at 0"], "starting"]);
    setUp.open("state");
    await r.clock.flush();
    expect(r.log).toEqual(["onStart at 0", "run at 10"]);
    expect(start.now()).toBe("done");
    expect(r.status()).toMatchObject({ kind: "loop", state: "running", ready: true });
    await r.end();
  });

  it("W1 may be just a function", async () => {
    const r = rig({ worker: loop(untilStopped) });
    await r.runtime.start("w");
    expect(r.status()).toMatchObject({ kind: "loop", ready: true });
    await r.runtime.stop("w");
    expect(r.state()).toBe("stopped");
    await r.end();
  });

  it("W1 launches run in a microtask of its own, before the worker runs", async () => {
    const states: string[] = [];
    let launched = false;
    const r = looping({
      onStart: () => {
        queueMicrotask(() => states.push(`onStart is over, launched ${launched}`));
      },
      run: (ctx) => {
        launched = true;
        states.push(r.state());
        return untilStopped(ctx);
      },
    });
    await r.runtime.start("w");
    expect(states).toEqual(["onStart is over, launched false", "starting"]);
    await r.end();
  });

  it("W1 gives the loop, and onStop, what onStart returned as state", async () => {
    const seen: unknown[] = [];
    const state = { pool: 1 };
    const r = looping({
      onStart: async () => state,
      run: (ctx) => {
        seen.push(ctx.state, ctx.name);
        return untilStopped(ctx);
      },
      onStop: (ctx) => seen.push(ctx.state),
    });
    await r.runtime.start("w");
    await r.runtime.stop("w");
    expect(seen).toEqual([state, "rt/w", state]);
    await r.end();
  });

  it.each([
    { what: "autoReady false", ready: false, hooks: { autoReady: false } },
    {
      what: "autoReady true although readyOnStart is false",
      ready: true,
      hooks: { autoReady: true },
      readyOnStart: false,
    },
    { what: "readyOnStart false", ready: false, hooks: {}, readyOnStart: false },
    {
      what: "what onStart said, rather than autoReady",
      ready: true,
      hooks: { autoReady: false, onStart: (ctx: WorkerContext<void>) => void ctx.setReady(true) },
    },
    {
      what: "what the loop itself said, rather than autoReady",
      ready: false,
      hooks: {
        autoReady: true,
        run: (ctx: WorkerContext<void>) => {
          ctx.setReady(false);
          return untilStopped(ctx);
        },
      },
    },
  ])("W1 is ready ($ready) by $what", async ({ ready, hooks, readyOnStart }) => {
    const r = looping<void>({ run: untilStopped, ...hooks }, { readyOnStart });
    await r.runtime.start("w");
    expect(r.status()).toMatchObject({ state: "running", ready });
    await r.end();
  });

  it("W1 fails when onStart does, and a stop then runs onStop without a state", async () => {
    const seen: unknown[] = [];
    const r = looping<unknown>({
      onStart: () => Promise.reject(new Error("no")),
      run: untilStopped,
      onStop: (ctx) => seen.push(ctx.state),
    });
    const start = watch(r.runtime.start("w"));
    await r.clock.flush();
    expect([start.now(), r.log]).toEqual([new Error("no"), ["onStart at 0"]]);
    await r.runtime.stop("w");
    expect([r.state(), seen, r.log.at(-1)]).toEqual(["stopped", [undefined], "onStop at 0"]);
    await r.end();
  });

  it.each([
    ["throws at once", () => thrower(), "no"],
    ["rejects at once", () => Promise.reject(new Error("no")), "no"],
    ["ends at once", () => {}, "the loop of worker rt/w ended by itself"],
  ])("W1 fails when the loop %s, before the worker runs", async (_, run, message) => {
    const r = looping<void>({ run });
    const start = watch(r.runtime.start("w"));
    expect(await r.told()).toEqual([
      "registered > starting (start)",
      "runtime registered > starting",
      "starting > failed (start failed)",
      expect.stringMatching(/^failure in start 1: (WORKER_FAILED|LOOP_EXITED), final$/),
      "runtime starting > failed",
    ]);
    expect(start.error()).toMatchObject({ message });
    expect(r.log).toEqual(["run at 0", "onStop at 0"]);
    await r.runtime.stop("w");
    expect(r.log).toHaveLength(2);
    await r.end();
  });
});

describe("stopping a loop", () => {
  it("W1 aborts ctx.signal, waits for the loop, and runs onStop once", async () => {
    const rest = gate();
    const r = looping({
      run: async (ctx) => {
        await untilStopped(ctx);
        await rest.promise;
      },
    });
    await r.runtime.start("w");
    const stop = watch(r.runtime.stop("w"));
    await r.clock.advance(40);
    expect([stop.now(), r.log]).toEqual(["pending", ["run at 0"]]);
    rest.open(undefined);
    await r.clock.flush();
    expect([stop.now(), r.state()]).toEqual(["done", "stopped"]);
    expect(r.log).toEqual(["run at 0", "onStop at 40"]);
    await r.end();
  });

  it("W1 tries onStop again by a later stop when it failed, one at a time", async () => {
    let running = 0;
    let most = 0;
    let calls = 0;
    const r = looping({
      run: untilStopped,
      onStop: async () => {
        calls += 1;
        running += 1;
        most = Math.max(most, running);
        await sleep(r.clock, 10);
        running -= 1;
        if (calls === 1) throw new Error("stuck");
      },
    });
    await r.runtime.start("w");
    const stops = [1, 2].map(() => watch(r.runtime.stop("w")));
    await r.clock.advance(20);
    expect(stops.map(({ now }) => now())).toEqual([new Error("stuck"), new Error("stuck")]);
    const again = watch(r.runtime.stop("w"));
    await r.clock.advance(10);
    expect([again.now(), r.state(), calls, most]).toEqual(["done", "stopped", 2, 1]);
    await r.end();
  });

  it("W1 that hangs leaves a loop behind that blocks a new start until it ends, and is cleaned up then", async () => {
    const hung = gate();
    const r = looping({ run: () => hung.promise }, { stopTimeoutMs: 100, graceMs: 50 });
    await r.runtime.start("w");
    const stop = watch(r.runtime.stop("w"));
    await r.clock.advance(150);
    expect([stop.now(), r.state()]).toEqual(["ABANDONED", "failed"]);
    const start = watch(r.runtime.start("w"));
    await r.clock.flush();
    expect(start.now()).toBe("INVALID_WORKER_STATE");
    expect(r.log).toEqual(["run at 0"]);
    hung.open(undefined);
    await r.clock.flush();
    expect(r.log).toEqual(["run at 0", "onStop at 150"]);
    const again = watch(r.runtime.start("w"));
    await r.clock.flush();
    expect(r.log.slice(2)).toEqual(["run at 150", "onStop at 150"]);
    expect(again.now()).toBe("LOOP_EXITED");
    await r.end();
  });

  it("W1 while onStart goes on launches no loop, and cleans up what that returned", async () => {
    const setUp = gate<string>();
    const seen: unknown[] = [];
    const r = looping<string>({
      onStart: () => setUp.promise,
      run: untilStopped,
      onStop: (ctx) => seen.push(ctx.state),
    });
    const start = watch(r.runtime.start("w"));
    const stop = watch(r.runtime.stop("w"));
    await r.clock.advance(10);
    setUp.open("pool");
    await r.clock.flush();
    expect([start.now(), stop.now()]).toEqual(["INTERRUPTED", "done"]);
    expect([r.log, seen]).toEqual([["onStart at 0", "onStop at 10"], ["pool"]]);
    await r.end();
  });

  it("W1 cleans up once more what an abandoned onStart returned late", async () => {
    for (const during of ["after", "during"] as const) {
      const setUp = gate<string>();
      const first = gate();
      const seen: unknown[] = [];
      const r = looping<string>({
        onStart: () => setUp.promise,
        run: untilStopped,
        onStop: (ctx) => {
          seen.push(ctx.state);
          return seen.length === 1 ? first.promise : undefined;
        },
      });
      void r.runtime.start("w").catch(() => {});
      const stop = watch(r.runtime.stop("w"));
      await r.clock.advance(1_000);
      if (during === "after") first.open(undefined);
      await r.clock.flush();
      setUp.open("pool");
      await r.clock.flush();
      first.open(undefined);
      await r.clock.flush();
      expect([stop.now(), seen]).toEqual(["done", [undefined, "pool"]]);
      expect(r.log).toEqual(["onStart at 0", "onStop at 1000", "onStop at 1000"]);
      await r.end();
    }
  });
});

describe("a loop and startRetry", () => {
  it("W1 gives each attempt a life of its own", async () => {
    let calls = 0;
    const r = looping(
      {
        onStart: () => {
          calls += 1;
          if (calls === 1) thrower();
          return calls;
        },
        run: untilStopped,
      },
      { startRetry: attempts(2, constant(10), none) },
    );
    await r.clock.settle(r.runtime.start("w"));
    expect(r.log).toEqual(["onStart at 0", "onStart at 10", "run at 10"]);
    await r.end();
  });
});

describe("what loop is given", () => {
  it.each([
    [undefined, "loop"],
    [{}, "loop.run"],
    [{ run: "no" }, "loop.run"],
    [{ run: () => {}, onStart: 1 }, "loop.onStart"],
    [{ run: () => {}, onStop: 1 }, "loop.onStop"],
    [{ run: () => {}, autoReady: "yes" }, "loop.autoReady"],
    [{ run: () => {}, onEnd: () => {} }, "loop.onEnd"],
  ])("N4 refuses %j, naming %s", (given, path) => {
    expect(() => loop(given as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining(path) }),
    );
  });
});
