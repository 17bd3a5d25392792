// L9: two stop hooks of a worker never overlap, and code that was left to itself blocks a new start.

import { describe, expect, it } from "vitest";
import { type Gate, gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { type Rig, rig } from "./rig.ts";

/** A worker that runs no more, whose stop hook was abandoned and still runs. */
async function abandonedStop(): Promise<
  Rig & { readonly hooks: Gate[]; readonly most: () => number }
> {
  const hooks: Gate[] = [];
  let running = 0;
  let most = 0;
  const built = rig({
    stopTimeoutMs: 500,
    graceMs: 100,
    stop: async () => {
      running += 1;
      most = Math.max(most, running);
      const hook = gate();
      hooks.push(hook);
      await hook.promise.finally(() => {
        running -= 1;
      });
    },
  });
  await built.runtime.start("w");
  const stop = watch(built.runtime.stop("w"));
  await built.clock.advance(600);
  expect([stop.now(), built.state(), built.status().abandoned]).toEqual(["ABANDONED", "failed", 1]);
  await built.told();
  return { ...built, hooks, most: () => most };
}

describe("a stop while an earlier stop hook still runs", () => {
  it("L9 waits for it, and is done when that succeeds", async () => {
    const r = await abandonedStop();
    const stop = watch(r.runtime.stop("w"));
    await r.clock.advance(400);
    expect([stop.now(), r.state(), r.hooks.length]).toEqual(["pending", "stopping", 1]);
    r.hooks[0]?.open(undefined);
    await r.clock.flush();
    expect([stop.now(), r.state(), r.hooks.length]).toEqual(["done", "stopped", 1]);
    expect(r.status().abandoned).toBe(0);
    await r.end();
  });

  it("L9 runs the hook again when that fails", async () => {
    const r = await abandonedStop();
    const stop = watch(r.runtime.stop("w"));
    await r.clock.advance(400);
    r.hooks[0]?.fail(new Error("no"));
    await r.clock.advance(200);
    expect([stop.now(), r.state(), r.hooks.length, r.most()]).toEqual([
      "pending",
      "stopping",
      2,
      1,
    ]);
    r.hooks[1]?.open(undefined);
    await r.clock.flush();
    expect([stop.now(), r.state()]).toEqual(["done", "stopped"]);
    await r.end();
  });

  it("L9 waits under its own limits, and says what it waited for", async () => {
    const r = await abandonedStop();
    const stop = watch(r.runtime.stop("w"));
    await r.clock.advance(499);
    expect(stop.now()).toBe("pending");
    await r.clock.advance(1);
    expect(stop.error()).toMatchObject({
      code: "TIMEOUT",
      details: {
        worker: "rt/w",
        phase: "stop",
        limitMs: 500,
        waitedFor: "an earlier run of its stop hook",
      },
      cause: { code: "ABANDONED" },
    });
    expect(await r.told()).toEqual([
      "failed > stopping (stop)",
      "runtime failed > stopping",
      "stopping > failed (stop failed)",
      "failure in stop 1: TIMEOUT, final",
      "runtime stopping > failed",
    ]);
    r.hooks[0]?.open(undefined);
    await r.clock.flush();
    expect([r.state(), r.hooks.length]).toEqual(["failed", 1]);
    await r.end();
  });

  it("L9 waits no longer than whoever joins it allows", async () => {
    const r = await abandonedStop();
    const stop = watch(r.runtime.stop("w"));
    const shutdown = watch(r.runtime.shutdown({ timeoutMs: 160 }));
    await r.clock.advance(150);
    expect(stop.now()).toBe("TIMEOUT");
    expect(shutdown.now()).toBeInstanceOf(AggregateError);
    r.hooks[0]?.open(undefined);
    await r.end();
  });
});

describe("a start", () => {
  it("L9 is refused while an abandoned stop hook runs, naming it", async () => {
    const r = await abandonedStop();
    const before = r.status();
    const start = watch(r.runtime.start("w"));
    await r.clock.flush();
    expect(start.error()).toMatchObject({
      code: "INVALID_WORKER_STATE",
      message: "worker rt/w cannot start: its abandoned stop hook still runs",
    });
    expect([r.status(), await r.told()]).toEqual([before, []]);
    r.hooks[0]?.open(undefined);
    await r.clock.flush();
    const again = watch(r.runtime.start("w"));
    await r.clock.flush();
    // It succeeded, late: there is nothing left to clean up.
    expect([again.now(), r.hooks.length]).toEqual(["done", 1]);
    const stop = watch(r.runtime.stop("w"));
    r.hooks[1]?.open(undefined);
    await r.clock.flush();
    expect(stop.now()).toBe("done");
    await r.end();
  });

  it("L9 is blocked by no abandoned unit of work", async () => {
    const { runtime, clock, context, status, end } = rig({ drainTimeoutMs: 100, graceMs: 100 });
    await runtime.start("w");
    const lease = context().admit("stays");
    await clock.settle(runtime.stop("w"));
    expect(status()).toMatchObject({ state: "stopped", abandoned: 1 });
    await runtime.start("w");
    expect(status()).toMatchObject({ state: "running", abandoned: 1, inFlight: 0 });
    lease?.release();
    lease?.release();
    expect(status()).toMatchObject({ state: "running", abandoned: 0, inFlight: 0 });
    await end();
  });

  it("L9 whose cleanup was stopped from inside its own stop hook runs that hook once", async () => {
    const hook = gate();
    const stops: ReturnType<typeof watch>[] = [];
    const { runtime, clock, context, calls, state, end } = rig({
      stop: () => {
        stops.push(watch(runtime.stop("w")));
        return hook.promise;
      },
    });
    await runtime.start("w");
    context().reportFailure(new Error("down"));
    const start = watch(runtime.start("w"));
    await clock.flush();
    expect([start.now(), state()]).toEqual(["INTERRUPTED", "stopping"]);
    hook.open(undefined);
    await clock.flush();
    expect([stops[0]?.now(), state()]).toEqual(["done", "stopped"]);
    expect(calls).toEqual(["start at 0", "stop at 0"]);
    await end();
  });
});
