import { isWorkerkitError } from "@workerkit/contracts";
import { extend } from "@workerkit/lifecycle/extension";
import { describe, expect, it } from "vitest";
import { unitsFor } from "../units.ts";
import { countedSignal } from "./counted-signal.ts";
import { crew, type Hook, part } from "./crew.ts";
import { held, never, outcomeOf } from "./held.ts";

const lost = new Error("lost");
const takes =
  (ms: number): Hook =>
  ({ clock }) =>
    new Promise<void>((resolve) => clock.setTimeout(resolve, ms));

describe("stopping all", () => {
  it("B2 goes level by level, dependants first, side by side within a level", async () => {
    const it = crew({
      db: { stop: takes(10) },
      cache: { dependsOn: ["db"], stop: takes(20) },
      queue: { dependsOn: ["db"], stop: takes(50) },
      api: { dependsOn: ["cache", "queue"], stop: takes(5) },
      alone: { stop: takes(1) },
    });
    await it.runtime.startAll();
    await it.settled();
    await it.clock.settle(it.runtime.stopAll());
    expect(it.calls).toEqual([
      "stop api at 0",
      ...["stop cache at 5", "stop queue at 5"],
      ...["stop db at 55", "stop alone at 55"],
    ]);
    expect(it.clock.monotonicMs()).toBe(65);
    await it.end();
  });

  it("B2 stops every worker to which a stop applies, whatever it is doing", async () => {
    const it = crew({
      fresh: {},
      stopped: {},
      running: {},
      draining: {},
      failed: {},
      restarting: { restart: { backoff: { delayMs: () => 60_000 } } },
      starting: { start: takes(100) },
    });
    for (const name of ["stopped", "running", "draining", "failed", "restarting"]) {
      await it.runtime.start(name);
    }
    await it.runtime.stop("stopped");
    await it.runtime.drain("draining");
    it.context("failed").reportFailure(lost);
    it.context("restarting").reportFailure(lost);
    const start = outcomeOf(it.runtime.start("starting"));
    await it.settled();
    await it.clock.settle(it.runtime.stopAll());
    expect(isWorkerkitError(start.value, "INTERRUPTED")).toBe(true);
    expect(it.states()).toBe(
      "fresh registered, stopped stopped, running stopped, draining stopped, failed stopped, " +
        "restarting stopped, starting stopped",
    );
    // The cleanup of the one in backoff ran before; the one that was starting has had its 100 ms.
    expect(it.calls.sort()).toEqual([
      ...["stop draining at 0", "stop failed at 0", "stop running at 0", "stop starting at 100"],
    ]);
    await it.end();
  });

  it("B2 goes on after failures, and rejects with one AggregateError", async () => {
    const errors = { a: new Error("a"), b: new Error("b") };
    const it = crew({
      a: { stop: () => Promise.reject(errors.a) },
      b: { dependsOn: ["a"], stop: () => Promise.reject(errors.b) },
      c: { dependsOn: ["a"] },
    });
    await it.runtime.startAll();
    const error: unknown = await it.runtime.stopAll().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors).toEqual([errors.b, errors.a]);
    expect((error as AggregateError).message).toBe("2 workers of shop did not stop");
    expect(it.states()).toBe("a failed, b failed, c stopped");
    await it.end();
  });

  it("B2 lets a stop hook use what it depends on, which still runs", async () => {
    const db = part("db", { start: () => "pool" });
    const used: unknown[] = [];
    const it = crew({});
    it.runtime.register(db);
    it.runtime.register(
      part("api", { dependsOn: [db], stop: (ctx) => used.push(ctx.use(db), it.state("db")) }),
    );
    await it.runtime.startAll();
    await it.runtime.stopAll();
    expect(used).toEqual(["pool", "running"]);
    await it.end();
  });

  it("B2 has no budget: each worker has its own limits, and no more", async () => {
    const it = crew({
      a: { stop: never, stopTimeoutMs: 300, graceMs: 40 },
      b: { dependsOn: ["a"], drainTimeoutMs: 500, graceMs: 60 },
    });
    await it.runtime.startAll();
    it.context("b").admit();
    const error = await it.clock.settle(it.runtime.stopAll().catch((thrown: unknown) => thrown));
    expect(error).toHaveProperty("errors.0.code", "ABANDONED");
    expect(it.clock.monotonicMs()).toBe(500 + 60 + 300 + 40);
    await it.end();
  });

  it("B2 a caller's signal settles his call; the stop goes on", async () => {
    const stop = held();
    const it = crew({ a: { stop: stop.hook } });
    await it.runtime.startAll();
    const { controller, signal, listeners } = countedSignal();
    const mine = outcomeOf(it.runtime.stopAll({ signal }));
    const other = outcomeOf(it.runtime.stopAll());
    await it.clock.flush();
    controller.abort("enough");
    await it.clock.flush();
    expect([mine.value, other.value]).toEqual(["enough", undefined]);
    expect(listeners()).toBe(0);
    stop.open();
    await it.clock.flush();
    expect(other.value).toBe("resolved");
    await expect(it.runtime.stopAll({ signal })).rejects.toBe("enough");
    await it.end();
  });
});

describe("admission", () => {
  it("B2 closes for outside work in the call, for all workers; the next accepted start reopens it", async () => {
    const stop = held();
    const it = crew({}, {});
    const units = extend(it.runtime, unitsFor(), {});
    it.runtime.register(part("db", {}));
    it.runtime.register(part("api", { dependsOn: ["db"], stop: stop.hook }));
    await it.runtime.startAll();
    expect(units.refusal("db")).toBe(undefined);
    const stopped = it.runtime.stopAll();
    expect(units.refusal("db")?.code).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    expect(it.state("db")).toBe("running");
    await it.clock.flush();
    await expect(it.runtime.start("db")).rejects.toMatchObject({ code: "INVALID_RUNTIME_STATE" });
    expect(units.refusal("db")?.code).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    stop.open();
    await stopped;
    await expect(it.runtime.start("api")).rejects.toMatchObject({ code: "INVALID_WORKER_STATE" });
    expect(units.refusal("db")?.code).toBe("RUNTIME_NOT_ACCEPTING_WORK");
    await it.runtime.start("db");
    expect(units.refusal("db")).toBe(undefined);
    await it.end();
  });
});

describe("restarts", () => {
  it("B6 none begins once all are being stopped: who fails is failed, who waits is stopped at its turn", async () => {
    const stop = held();
    const restart = { backoff: { delayMs: () => 100 } };
    const it = crew({
      db: { restart },
      waits: { restart },
      api: { dependsOn: ["db"], stop: stop.hook },
    });
    await it.runtime.startAll();
    it.context("waits").reportFailure(lost);
    await it.clock.flush();
    const stopped = it.runtime.stopAll();
    await it.clock.flush();
    expect(it.states()).toBe("db running, waits restarting, api stopping");
    it.context("db").reportFailure(lost);
    await it.clock.advance(5_000);
    expect(it.states()).toBe("db failed, waits restarting, api stopping");
    stop.open();
    await it.clock.settle(stopped);
    expect(it.states()).toBe("db stopped, waits stopped, api stopped");
    expect(it.calls.filter((call) => call.startsWith("start"))).toHaveLength(3);
    await it.end();
  });
});
