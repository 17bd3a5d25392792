import { extend } from "@workerkit/lifecycle/extension";
import { describe, expect, it } from "vitest";
import { unitsFor } from "../units.ts";
import { countedSignal } from "./counted-signal.ts";
import { crew, type Hook } from "./crew.ts";
import { never, outcomeOf } from "./held.ts";

const takes =
  (ms: number): Hook =>
  ({ clock }) =>
    new Promise<void>((resolve) => clock.setTimeout(resolve, ms));

describe("waiting for idle", () => {
  it("B4 resolves at once when nothing is in flight", async () => {
    const it = crew({ a: {} });
    const idle = [outcomeOf(it.runtime.waitIdle("a")), outcomeOf(it.runtime.waitAllIdle())];
    await Promise.resolve();
    expect(idle.map(({ value }) => value)).toEqual(["resolved", "resolved"]);
    expect(it.clock.pending()).toEqual([]);
  });

  it("B4 resolves in the microtask in which the last lease is released, and asks nobody before", async () => {
    const it = crew({ a: {}, b: {} });
    await it.runtime.startAll();
    const [first, second] = [it.context("a").admit(), it.context("a").admit()];
    const other = it.context("b").admit();
    const idle = {
      a: outcomeOf(it.runtime.waitIdle("a")),
      all: outcomeOf(it.runtime.waitAllIdle()),
    };
    await it.clock.advance(4_999); // not even a timer fires before there is something to tell
    first?.release();
    await it.clock.flush();
    expect([idle.a.value, idle.all.value]).toEqual([undefined, undefined]);
    second?.release();
    await Promise.resolve();
    expect([idle.a.value, idle.all.value]).toEqual(["resolved", undefined]);
    other?.release();
    await Promise.resolve();
    expect(idle.all.value).toBe("resolved");
    await it.end();
  });

  it("B4 does not wait for work that was left to itself", async () => {
    const it = crew({ a: { graceMs: 100 } });
    await it.runtime.start("a");
    it.context("a").admit("stuck");
    const idle = [outcomeOf(it.runtime.waitIdle("a")), outcomeOf(it.runtime.waitAllIdle())];
    it.context("a").reportFailure(new Error("lost"));
    await it.clock.advance(99);
    expect(idle.map(({ value }) => value)).toEqual([undefined, undefined]);
    await it.clock.advance(1);
    expect(idle.map(({ value }) => value)).toEqual(["resolved", "resolved"]);
    expect(it.runtime.worker("a")).toMatchObject({ inFlight: 0, abandoned: 1 });
    await it.end();
  });

  it("B4 resolves for all who wait, and a lease that comes later holds up none of them", async () => {
    const it = crew({ a: {} });
    await it.runtime.start("a");
    const lease = it.context("a").admit();
    const waiting = [1, 2, 3].map(() => outcomeOf(it.runtime.waitIdle("a")));
    lease?.release();
    const next = it.context("a").admit();
    await it.clock.flush();
    expect(waiting.map(({ value }) => value)).toEqual(["resolved", "resolved", "resolved"]);
    next?.release();
    await it.end();
  });

  it("B4 aborting settles the call with the signal's reason, and leaves no listener and no timer behind", async () => {
    const it = crew({ a: {} });
    await it.runtime.start("a");
    const lease = it.context("a").admit();
    const { controller, signal, listeners } = countedSignal();
    const waiting = [
      outcomeOf(it.runtime.waitIdle("a", { signal })),
      outcomeOf(it.runtime.waitAllIdle({ signal })),
    ];
    const other = outcomeOf(it.runtime.waitIdle("a"));
    expect(listeners()).toBe(1);
    controller.abort("enough");
    await Promise.resolve();
    expect(waiting.map(({ value }) => value)).toEqual(["enough", "enough"]);
    expect([other.value, listeners()]).toEqual([undefined, 0]);
    await expect(it.runtime.waitIdle("a", { signal })).rejects.toBe("enough");
    await expect(it.runtime.waitAllIdle({ signal })).rejects.toBe("enough");
    lease?.release();
    await it.clock.flush();
    expect(other.value).toBe("resolved");
    // The one timer that is left waits for nobody, and holds no process.
    expect(it.clock.pending().filter(({ refed }) => refed)).toEqual([]);
    await it.end();
  });

  it("B4 leaves no listener on a signal that never aborts", async () => {
    const it = crew({ a: {} });
    await it.runtime.start("a");
    const { signal, listeners } = countedSignal();
    for (let round = 0; round < 100; round += 1) {
      const lease = it.context("a").admit();
      const waiting = [it.runtime.waitIdle("a", { signal }), it.runtime.waitAllIdle({ signal })];
      lease?.release();
      await Promise.all(waiting);
    }
    expect(listeners()).toBe(0);
    await it.end();
  });
});

describe("what a long wait says", () => {
  it("B5 a shutdown: after 5 000, then after twice as long each time, with the budget left", async () => {
    const it = crew({});
    const units = extend(it.runtime, unitsFor(), {});
    const limits = { drainTimeoutMs: 120_000, stopTimeoutMs: 120_000 };
    it.add("db", { ...limits, stop: takes(3_000) });
    it.add("api", { ...limits, dependsOn: ["db"], drain: takes(9_000) });
    await it.runtime.startAll();
    const early = units.run("api", "orders/ship");
    await it.clock.advance(1_000);
    const late = it.context("api").admit("batch 7");
    await it.settled();
    const shutdown = it.runtime.shutdown({ timeoutMs: 100_000 });
    await it.clock.advance(16_000);
    early.release();
    await it.clock.advance(20_000);
    late?.release();
    await it.clock.settle(shutdown);
    const at = (afterMs: number) => ({ runtime: "shop", at: 1_000 + afterMs, phase: "shutdown" });
    expect(
      it.heard.filter(([name]) => name === "runtime:waiting").map(([, event]) => event),
    ).toEqual([
      {
        ...{ ...at(5_000), leftMs: 95_000 },
        held: [
          { worker: "api", label: "drain hook", ageMs: 5_000 },
          { worker: "api", label: "orders/ship", ageMs: 6_000 },
          { worker: "api", label: "batch 7", ageMs: 5_000 },
        ],
      },
      {
        ...{ ...at(15_000), leftMs: 85_000 },
        held: [
          { worker: "api", label: "orders/ship", ageMs: 16_000 },
          { worker: "api", label: "batch 7", ageMs: 15_000 },
        ],
      },
      {
        ...{ ...at(35_000), leftMs: 65_000 },
        held: [{ worker: "api", label: "batch 7", ageMs: 35_000 }],
      },
    ]);
    expect(it.clock.pending()).toEqual([]);
  });

  it("B5 a stop names its worker alone, and has no budget", async () => {
    const it = crew({ a: { drainTimeoutMs: 20_000 }, b: {} });
    await it.runtime.startAll();
    for (const name of ["a", "b"]) it.context(name).admit(`work of ${name}`);
    await it.settled();
    const stop = it.runtime.stop("a");
    await it.clock.advance(6_000);
    expect(it.heard.find(([name]) => name === "runtime:waiting")?.[1]).toEqual({
      ...{ runtime: "shop", at: 5_000, phase: "stop" },
      held: [{ worker: "a", label: "work of a", ageMs: 5_000 }],
    });
    await it.clock.settle(stop);
    await it.clock.settle(it.runtime.shutdown({ timeoutMs: 0 }).catch(() => {}));
  });

  it("B5 a stop with dependants names them all; a stopAll that becomes a shutdown says so from then on", async () => {
    const it = crew({
      db: { drainTimeoutMs: 60_000 },
      api: { dependsOn: ["db"], stop: takes(12_000) },
    });
    await it.runtime.startAll();
    await it.settled();
    await it.clock.settle(it.runtime.stop("db", { dependants: true }));
    const waits = () =>
      it.heard.flatMap(([name, event]) => (name === "runtime:waiting" ? [event] : []));
    expect(waits()).toMatchObject([
      { phase: "stop", held: [{ worker: "api", label: "stop hook", ageMs: 5_000 }] },
    ]);
    await it.runtime.start("db");
    it.context("db").admit("work");
    await it.settled();
    const stopAll = it.runtime.stopAll().catch(() => {});
    await it.clock.advance(5_000);
    const shutdown = it.runtime.shutdown({ timeoutMs: 30_000 }).catch(() => {});
    await it.clock.advance(10_000);
    expect(waits().map(({ phase, leftMs }) => [phase, leftMs])).toEqual([
      ["stop", undefined],
      ["shutdown", 20_000],
    ]);
    await it.clock.settle(Promise.all([stopAll, shutdown]));
  });

  it("B5 waitIdle says what it waits for, and says no more once it is over", async () => {
    const it = crew({ a: {}, b: {} });
    await it.runtime.startAll();
    const leases = ["a", "b"].map((name) => it.context(name).admit(`work of ${name}`));
    await it.settled();
    const idle = [it.runtime.waitIdle("a"), it.runtime.waitAllIdle()];
    await it.clock.advance(5_000);
    const told = it.heard.flatMap(([name, event]) => (name === "runtime:waiting" ? [event] : []));
    expect(told.map(({ phase, held }) => [phase, held.map(({ label }) => label)])).toEqual([
      ["idle", ["work of a"]],
      ["idle", ["work of a", "work of b"]],
    ]);
    expect(told.every((event) => !("leftMs" in event))).toBe(true);
    for (const lease of leases) lease?.release();
    await Promise.all(idle);
    await it.settled();
    await it.clock.advance(100_000);
    expect(it.events).toEqual([]);
    await it.end();
  });

  it("B5 says nothing of what takes less than 5 000", async () => {
    const it = crew({ a: { stop: takes(4_999) } });
    await it.runtime.startAll();
    await it.clock.settle(it.runtime.shutdown());
    await it.clock.flush();
    expect(it.events).not.toContain("runtime:waiting");
  });

  it("B5 what is abandoned is held no more", async () => {
    const it = crew({ a: { drainTimeoutMs: 0, graceMs: 100, stop: never, stopTimeoutMs: 60_000 } });
    await it.runtime.startAll();
    it.context("a").admit("stuck");
    const stop = it.runtime.stop("a").catch(() => {});
    await it.clock.advance(5_000);
    const waiting = it.heard.find(([name]) => name === "runtime:waiting")?.[1];
    expect(waiting).toMatchObject({ held: [{ label: "stop hook", ageMs: 4_900 }] });
    await it.clock.settle(stop);
  });
});
