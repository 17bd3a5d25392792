import { isWorkerkitError } from "@workerkit/contracts";
import { describe, expect, it } from "vitest";
import { crew, type Hook } from "./crew.ts";
import { held, never, outcomeOf } from "./held.ts";

const broken = new Error("broken");
const fails = () => Promise.reject(broken);
const takes =
  (ms: number): Hook =>
  ({ sleep }) =>
    sleep(ms);

describe("the first failure", () => {
  it("B1 interrupts the starts in progress and stops again what was started, dependants first", async () => {
    const it = crew({
      db: {},
      cache: { dependsOn: ["db"] },
      slow: { start: never },
      bad: { dependsOn: ["cache"], start: fails },
      later: { dependsOn: ["slow"] },
    });
    const all = outcomeOf(it.runtime.startAll({ concurrency: 3 }));
    await it.clock.advance(2_000);
    expect(all.value).toBe(broken);
    expect(it.states()).toBe(
      "db stopped, cache stopped, slow stopped, bad failed, later registered",
    );
    expect(it.calls.filter((call) => call.startsWith("stop"))).toEqual([
      "stop cache at 0",
      "stop db at 0",
      "stop slow at 1000",
    ]);
    await it.end();
  });

  it("B1 leaves alone what it did not start", async () => {
    const it = crew({ mine: {}, a: {}, bad: { start: fails } });
    await it.runtime.start("mine");
    await expect(it.runtime.startAll()).rejects.toBe(broken);
    expect(it.states()).toBe("mine running, a stopped, bad failed");
    expect(it.runtime.status().inFlight).toBe(0);
    await it.end();
  });

  it("B1 leaves running what somebody has come to rely on meanwhile", async () => {
    const start = held();
    const it = crew({ db: {}, cache: {}, bad: { start: start.hook }, api: { dependsOn: ["db"] } });
    const all = outcomeOf(it.runtime.startAll());
    await it.clock.flush();
    await it.runtime.start("api");
    start.fail(broken);
    await it.clock.flush();
    expect(all.value).toBe(broken);
    expect(it.states()).toBe("db running, cache stopped, bad failed, api running");
    await it.end();
  });

  it("B1 with rollback: false keeps what was started, and starts nothing more", async () => {
    const it = crew({ a: {}, bad: { start: fails }, slow: { start: takes(50) }, c: {}, d: {} });
    const all = outcomeOf(it.runtime.startAll({ rollback: false, concurrency: 3 }));
    await it.clock.flush();
    expect(all.value).toBe(broken);
    await it.clock.advance(1_000);
    expect(it.states()).toBe("a running, bad failed, slow running, c registered, d registered");
    expect(it.calls.some((call) => call.startsWith("stop"))).toBe(false);
    await it.end();
  });

  it("B1 is thrown with the errors of the rollback attached", async () => {
    const stopBroken = new Error("stop broken");
    const it = crew({
      a: { stop: () => Promise.reject(stopBroken) },
      b: {},
      bad: { start: fails },
    });
    const error: unknown = await it.runtime.startAll().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors).toEqual([broken, stopBroken]);
    expect((error as AggregateError).cause).toBe(broken);
    expect(it.states()).toBe("a failed, b stopped, bad failed");
    await it.end();
  });

  it("B1 leaves the runtime able to begin anew", async () => {
    let works = false;
    const it = crew({ a: {}, b: { start: () => (works ? undefined : fails()) } });
    await expect(it.runtime.startAll()).rejects.toBe(broken);
    works = true;
    await it.runtime.startAll();
    expect(it.states()).toBe("a running, b running");
    expect(it.runtime.status().ready).toBe(true);
    await it.end();
  });

  it("B1 a call that comes while it rolls back is another start, with an outcome of its own", async () => {
    const stop = held();
    let works = false;
    const it = crew({ a: { stop: stop.hook }, b: { start: () => (works ? undefined : fails()) } });
    const first = outcomeOf(it.runtime.startAll());
    await it.clock.flush();
    expect(it.states()).toBe("a stopping, b failed");
    works = true;
    const second = outcomeOf(it.runtime.startAll());
    stop.open();
    await it.clock.flush();
    expect([first.value, second.value]).toEqual([broken, "resolved"]);
    expect(it.states()).toBe("a running, b running");
    stop.open();
    await it.clock.settle(it.runtime.shutdown().catch(() => {}));
  });
});

describe("interrupted by the end of all workers", () => {
  it.each(["stopAll", "shutdown"] as const)(
    "B1 by %s: it rejects at once and rolls nothing back",
    async (end) => {
      const it = crew({ db: {}, api: { dependsOn: ["db"] }, slow: { start: never }, last: {} });
      const all = outcomeOf(it.runtime.startAll({ concurrency: 2 }));
      await it.clock.flush();
      expect(it.states()).toBe("db running, api running, slow starting, last running");
      const ended = it.runtime[end]();
      await it.clock.flush();
      expect(isWorkerkitError(all.value, "INTERRUPTED")).toBe(true);
      await it.clock.settle<unknown>(ended.catch(() => {})); // slow was left behind
      expect(it.states()).toBe("db stopped, api stopped, slow stopped, last stopped");
      expect(it.calls.filter((call) => call.startsWith("stop"))).toEqual([
        ...["stop api at 0", "stop db at 0", "stop last at 0"],
        "stop slow at 1000",
      ]);
      await it.end();
    },
  );

  it("B1 a worker caught starting on a lower level goes on until its level's turn", async () => {
    const stop = held();
    const it = crew({
      db: {},
      slow: { start: never },
      api: { dependsOn: ["db"], stop: stop.hook },
    });
    await it.runtime.start("api", { dependencies: true });
    const all = outcomeOf(it.runtime.startAll());
    await it.clock.flush();
    const ended = it.runtime.stopAll();
    await it.clock.flush();
    expect(isWorkerkitError(all.value, "INTERRUPTED")).toBe(true);
    expect(it.states()).toBe("db running, slow starting, api stopping");
    stop.open();
    await it.clock.flush();
    expect(it.states()).toBe("db stopped, slow stopping, api stopped");
    await it.clock.settle(ended);
    await it.end();
  });
});
