import type { LeaseOptions, WorkerContext } from "@workerkit/lifecycle";
import { workLeaseOf } from "@workerkit/lifecycle/extension";
import { describe, expect, it } from "vitest";
import { rig } from "./rig.ts";

async function admitted(options: LeaseOptions, policy: Parameters<typeof rig>[0] = {}) {
  const { clock, runtime, ...rest } = rig({ graceMs: 100, ...policy });
  await runtime.start("w");
  const context: WorkerContext<unknown> = rest.context();
  const lease = context.admit("import", options);
  if (lease === undefined) throw new Error("nothing was admitted");
  return { clock, runtime, ...rest, lease };
}

describe("a lease with options", () => {
  it("L13 aborts with TIMEOUT at its limit, which says what was being waited for", async () => {
    const { clock, lease, end } = await admitted({ timeoutMs: 50 });
    await clock.advance(49);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lease.signal.reason).toMatchObject({
      code: "TIMEOUT",
      message: "import of worker rt/w took longer than 50 ms",
      details: { worker: "rt/w", phase: "lease", limitMs: 50, graceMs: 100, waitedFor: "import" },
    });
    lease.release();
    await end();
  });

  it("L13 is abandoned a grace later, and counts so until it is released", async () => {
    const said: unknown[] = [];
    const { clock, lease, status, told, end } = await admitted({
      timeoutMs: 50,
      onAbort: (reason) => said.push((reason as { code: string }).code),
      onAbandoned: () => said.push("abandoned"),
    });
    await clock.advance(149);
    expect(said).toEqual(["TIMEOUT"]);
    expect(status()).toMatchObject({ inFlight: 1, abandoned: 0 });
    await clock.advance(1);
    expect(said).toEqual(["TIMEOUT", "abandoned"]);
    expect(status()).toMatchObject({ inFlight: 0, abandoned: 1 });
    expect(await told()).toContain('abandoned lease "import" aged 150');
    lease.release();
    lease.release();
    expect(status()).toMatchObject({ inFlight: 0, abandoned: 0 });
    await end();
  });

  it("L13 is told nothing when it is released in time, or within the grace", async () => {
    for (const releasedAtMs of [49, 149]) {
      const said: unknown[] = [];
      const { clock, lease, status, end } = await admitted({
        timeoutMs: 50,
        onAbandoned: () => said.push("abandoned"),
      });
      await clock.advance(releasedAtMs);
      lease.release();
      await clock.advance(10_000);
      expect(said).toEqual([]);
      expect(status()).toMatchObject({ inFlight: 0, abandoned: 0 });
      await end();
    }
  });

  it("L8 hears of the cut once, and then has the grace of the stop, not what is left of its own time", async () => {
    const said: string[] = [];
    const { clock, runtime, end } = await admitted(
      {
        timeoutMs: 520,
        onAbort: (reason) =>
          said.push(`${(reason as { code: string }).code} at ${clock.monotonicMs()}`),
        onAbandoned: () => said.push(`abandoned at ${clock.monotonicMs()}`),
      },
      { drainTimeoutMs: 500 },
    );
    await clock.settle(runtime.stop("w"));
    expect(said).toEqual(["WORKER_STOPPING at 500", "abandoned at 600"]);
    await end();
  });

  it("15 leaves no timer when a stop abandons it long before its own limit", async () => {
    const { clock, runtime, end } = await admitted({ timeoutMs: 60_000 }, { drainTimeoutMs: 500 });
    await clock.settle(runtime.stop("w"));
    expect(clock.monotonicMs()).toBe(600);
    expect(clock.pending().filter(({ refed }) => refed)).toEqual([]);
    await end();
  });

  it("L8 that is past its time at the cut keeps the grace it has", async () => {
    const said: string[] = [];
    const { clock, runtime, end } = await admitted(
      {
        timeoutMs: 480,
        onAbort: (reason) =>
          said.push(`${(reason as { code: string }).code} at ${clock.monotonicMs()}`),
        onAbandoned: () => said.push(`abandoned at ${clock.monotonicMs()}`),
      },
      { drainTimeoutMs: 500 },
    );
    await clock.settle(runtime.stop("w"));
    expect(said).toEqual(["TIMEOUT at 480", "abandoned at 580"]);
    await end();
  });

  it("L11 hears of the failure of its worker", async () => {
    const said: unknown[] = [];
    const { clock, context, end } = await admitted({
      onAbort: (reason) => said.push((reason as { code: string }).code),
      onAbandoned: () => said.push("abandoned"),
    });
    context().reportFailure(new Error("broken"));
    expect(said).toEqual(["WORKER_FAILED"]);
    await clock.advance(100);
    expect(said).toEqual(["WORKER_FAILED", "abandoned"]);
    await end();
  });

  it("is known to extensions, as every lease is and nothing else", async () => {
    const { lease, context, end } = await admitted({});
    const plain = context().admit("plain");
    expect(workLeaseOf(lease)).toMatchObject({ label: "import", state: "open" });
    expect(workLeaseOf(plain ?? {})).toMatchObject({ label: "plain", state: "open" });
    expect(workLeaseOf({ ...lease })).toBeUndefined();
    const { release } = lease;
    release();
    plain?.[Symbol.dispose]();
    expect(workLeaseOf(lease)).toMatchObject({ ended: true });
    await end();
  });

  it("costs no timer without a limit", async () => {
    const { clock, lease, end } = await admitted({ onAbort: () => {} });
    expect(clock.pending().filter(({ refed }) => refed)).toEqual([]);
    lease.release();
    await end();
  });

  it("17 a listener that throws holds nobody up: it becomes an uncaught exception", async () => {
    const uncaught: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => uncaught.push(error.message));
    const fail = (what: string) => () => {
      throw new Error(what);
    };
    const { clock, status, end } = await admitted({
      ...{ timeoutMs: 50, onAbort: fail("onAbort"), onAbandoned: fail("onAbandoned") },
    });
    await clock.advance(150);
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(uncaught).toEqual(["onAbort", "onAbandoned"]);
    expect(status()).toMatchObject({ state: "running", abandoned: 1 });
    await end();
  });
});
