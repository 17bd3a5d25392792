import { isWorkerkitError } from "@workerkit/contracts";
import type { FailurePolicy, ReadinessPolicy } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { countedSignal } from "./counted-signal.ts";
import { type Crew, crew } from "./crew.ts";

const lost = new Error("lost");

describe("readiness beside a worker that runs and is ready", () => {
  type Row = readonly [
    what: string,
    act: (it: Crew) => unknown,
    failurePolicy: FailurePolicy,
    contributing: boolean,
    other: boolean,
  ];
  const fail = (it: Crew) => it.context("w").reportFailure(lost);
  const unready = (it: Crew) => it.context("w").setReady(false);
  const busy = (it: Crew) => it.runtime.drain("w");
  const stop = (it: Crew) => it.runtime.stop("w");
  // The runtime is ready where the worker contributes to that, and where it does not.
  const table: readonly Row[] = [
    ["a worker that runs and is ready", () => {}, "isolate", true, true],
    ["a worker that runs and is not ready", unready, "isolate", false, true],
    ["a worker that runs and is not ready", unready, "fail-runtime", false, true],
    ["a worker that drains", busy, "isolate", false, true],
    ["a worker that was stopped", stop, "isolate", false, true],
    ["a worker that was stopped", stop, "fail-runtime", false, true],
    ["a worker that failed", fail, "isolate", false, true],
    ["a worker that failed", fail, "mark-runtime-unready", false, false],
    ["a worker that failed", fail, "fail-runtime", false, false],
  ];

  it.each(table)("R2 %s (%s, policy %s)", async (_, act, failurePolicy, contributing, other) => {
    for (const [contributesToReadiness, ready] of [
      [true, contributing],
      [false, other],
    ] as const) {
      for (const readinessPolicy of ["contributing-workers", "all-workers"] as ReadinessPolicy[]) {
        const w = { failurePolicy, contributesToReadiness };
        const it = crew({ ok: {}, w }, { readinessPolicy });
        await it.runtime.startAll();
        await act(it);
        // Under the policy all-workers everyone contributes.
        expect(it.runtime.status().ready).toBe(
          readinessPolicy === "all-workers" ? contributing : ready,
        );
        await it.end();
      }
    }
  });

  it("R1 a failed worker fails the runtime only with fail-runtime, while others run", async () => {
    for (const failurePolicy of ["isolate", "mark-runtime-unready", "fail-runtime"] as const) {
      const it = crew({ ok: {}, w: { failurePolicy } });
      await it.runtime.startAll();
      fail(it);
      const { state, failedBecause } = it.runtime.status();
      expect({ state, failedBecause }).toEqual(
        failurePolicy === "fail-runtime"
          ? { state: "failed", failedBecause: "w" }
          : { state: "running", failedBecause: undefined },
      );
      await it.runtime.start("w");
      expect(it.runtime.status()).toMatchObject({ state: "running", ready: true });
      await it.end();
    }
  });
});

describe("who counts", () => {
  it("R2 a worker counts from its first start", async () => {
    const it = crew({ ok: {}, w: {} });
    await it.runtime.start("ok");
    expect(it.runtime.status()).toMatchObject({ ready: true, notReadyBecause: [] });
    await it.runtime.start("w");
    await it.runtime.stop("w");
    expect(it.runtime.status()).toMatchObject({
      ready: false,
      notReadyBecause: [{ worker: "w", state: "stopped", ready: false }],
    });
    await it.end();
  });

  it("R2 a worker counts from the first startAll called after its registration, before its turn comes", async () => {
    const it = crew({ ok: {}, slow: { start: ({ sleep }) => sleep(100) }, last: {} });
    await it.runtime.start("ok");
    const all = it.runtime.startAll();
    await it.clock.flush();
    expect(it.runtime.status()).toMatchObject({
      ready: false,
      notReadyBecause: [
        { worker: "slow", state: "starting", ready: false },
        { worker: "last", state: "registered", ready: false },
      ],
    });
    await it.clock.settle(all);
    expect(it.runtime.status().ready).toBe(true);
    await it.end();
  });

  it("R2 a runtime without a running worker is not ready, whoever counts", async () => {
    const it = crew({ w: { contributesToReadiness: false } });
    expect(it.runtime.status().ready).toBe(false);
    await it.runtime.start("w");
    expect(it.runtime.status().ready).toBe(true);
    await it.runtime.stop("w");
    expect(it.runtime.status()).toMatchObject({ ready: false, notReadyBecause: [] });
    await it.end();
  });

  it("R2 stopAll and shutdown make it not ready in the call, until a start is accepted", async () => {
    for (const end of ["stopAll", "shutdown"] as const) {
      const it = crew({ a: {}, b: { dependsOn: ["a"] } });
      await it.runtime.startAll();
      await it.settled();
      const ended = it.runtime[end]();
      expect(it.runtime.status().ready).toBe(false);
      await expect(it.runtime.start("a")).rejects.toMatchObject({ code: "INVALID_RUNTIME_STATE" });
      await it.clock.settle<unknown>(ended);
      await it.clock.flush();
      expect(it.events[0]).toBe("runtime: not ready");
      await it.runtime.start("a", { dependencies: true });
      expect(it.runtime.status().ready).toBe(false); // b counts, and does not run
      await it.runtime.start("b");
      expect(it.runtime.status().ready).toBe(true);
      await it.end();
    }
  });
});

describe("the order of events", () => {
  it("R3 worker transition, readiness, admission, failure, runtime transition, readiness", async () => {
    const it = crew({ w: { failurePolicy: "fail-runtime" }, ok: {} });
    await it.runtime.startAll();
    await it.settled();
    it.context("w").reportFailure(lost);
    await it.clock.flush();
    expect(it.events).toEqual([
      "w: running > failed",
      "w: not ready",
      "w: not accepting",
      "w: failure WORKER_FAILED, final",
      "runtime: running > failed",
      "runtime: not ready",
    ]);
    expect(it.heard.find(([name]) => name === "runtime:transition")?.[1]).toMatchObject({
      failedBecause: "w",
    });
    await it.settled();
    await it.runtime.start("w");
    await it.clock.flush();
    expect(it.events).toEqual([
      "w: failed > starting",
      "runtime: failed > starting",
      "w: starting > running",
      "w: ready",
      "w: accepting",
      "runtime: starting > running",
      "runtime: ready",
    ]);
    await it.end();
  });

  it("R3 the events of one change carry one moment and one reason", async () => {
    const it = crew({ w: {} });
    await it.clock.advance(1_234);
    await it.runtime.start("w");
    await it.clock.flush();
    expect(new Set(it.heard.map(([, { at }]) => at))).toEqual(new Set([1_234]));
    expect(it.heard.filter(([name]) => name === "runtime:transition").at(-1)?.[1]).toEqual({
      ...{ runtime: "shop", at: 1_234, from: "starting", to: "running" },
      reason: "w: started",
    });
    await it.end();
  });

  it("R3 no event for a change that changes nothing", async () => {
    const it = crew({ a: {}, b: {} });
    await it.runtime.startAll();
    await it.settled();
    const { setReady, setAcceptingWork } = it.context("a");
    expect([setReady(true), setAcceptingWork(true)]).toEqual([true, true]);
    await it.runtime.startAll();
    await it.clock.flush();
    expect(it.events).toEqual([]);
    setReady(false);
    setReady(false);
    await it.clock.flush();
    expect(it.events).toEqual(["a: not ready", "runtime: not ready"]);
    await it.settled();
    await it.runtime.stop("b");
    await it.clock.flush();
    // The runtime goes on running, and was not ready before.
    expect(it.events.filter((text) => text.startsWith("runtime:"))).toEqual([
      "runtime: running > draining",
      "runtime: draining > stopping",
      "runtime: stopping > running",
    ]);
    await it.settled();
    await it.runtime.stop("b");
    await it.clock.flush();
    expect(it.events).toEqual([]);
    await it.end();
  });
});

describe("whenReady", () => {
  it("R5 resolves at once if ready", async () => {
    const it = crew({ w: {} });
    await it.runtime.startAll();
    let resolved = false;
    void it.runtime.whenReady().then(() => {
      resolved = true;
    });
    await Promise.resolve();
    expect(resolved).toBe(true);
    await it.end();
  });

  it("R5 resolves for all who wait in the moment in which it becomes ready", async () => {
    const it = crew({ w: { readyOnStart: false } });
    await it.runtime.startAll();
    const resolved: number[] = [];
    for (const who of [1, 2]) void it.runtime.whenReady().then(() => resolved.push(who));
    await it.clock.advance(60_000);
    expect(resolved).toEqual([]);
    it.context("w").setReady(true);
    await Promise.resolve();
    expect(resolved).toEqual([1, 2]);
    expect(it.clock.pending()).toEqual([]);
    await it.end();
  });

  it("R5 rejects with the reason of its signal, and leaves no listener on it", async () => {
    const it = crew({ w: {} });
    const { controller, signal, listeners } = countedSignal();
    const late = it.runtime.whenReady({ signal });
    const { signal: other, listeners: othersListeners } = countedSignal();
    const ready = it.runtime.whenReady({ signal: other });
    expect([listeners(), othersListeners()]).toEqual([1, 1]);
    controller.abort("too long");
    await expect(late).rejects.toBe("too long");
    await expect(it.runtime.whenReady({ signal })).rejects.toBe("too long");
    await it.runtime.startAll();
    await ready;
    expect([listeners(), othersListeners()]).toEqual([0, 0]);
    await it.end();
  });

  it("R5 does not wait for ever: a shutdown ends it", async () => {
    const it = crew({ w: { readyOnStart: false } });
    await it.runtime.startAll();
    const ready = it.runtime.whenReady().catch((error: unknown) => error);
    await it.clock.settle(it.runtime.shutdown());
    expect(isWorkerkitError(await ready, "INVALID_RUNTIME_STATE")).toBe(true);
    await it.end();
  });
});
