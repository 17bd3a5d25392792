import { describe, expect, it } from "vitest";
import { countedSignal } from "./counted-signal.ts";
import { crew, type Hook, type Part, part } from "./crew.ts";
import { held, never, outcomeOf } from "./held.ts";

const broken = new Error("broken");
const fails = () => Promise.reject(broken);
const takes =
  (ms: number): Hook =>
  ({ sleep }) =>
    sleep(ms);

describe("starting all", () => {
  it("B1 starts one after the other unless told otherwise", async () => {
    const it = crew({
      c: { dependsOn: ["a"], start: takes(5) },
      a: { start: takes(10) },
      b: { start: takes(1) },
    });
    await it.clock.settle(it.runtime.startAll());
    expect(it.calls).toEqual(["start a at 0", "start c at 10", "start b at 15"]);
    await it.end();
  });

  it("B1 a worker that waits for its dependency takes nobody's place", async () => {
    const it = crew({
      a: { start: takes(100) },
      b: { dependsOn: ["a"] },
      c: { start: takes(30) },
      d: {},
    });
    await it.clock.settle(it.runtime.startAll({ concurrency: 2 }));
    expect(it.calls).toEqual(["start a at 0", "start c at 0", "start d at 30", "start b at 100"]);
    await it.end();
  });

  it("B1 skips what runs, and starts what failed or was stopped", async () => {
    const it = crew({ running: {}, stopped: {}, failed: {}, fresh: {} });
    await it.runtime.startAll();
    await it.runtime.stop("stopped");
    it.context("failed").reportFailure(broken);
    await it.settled();
    await it.runtime.startAll();
    expect(it.calls).toEqual(["start stopped at 0", "stop failed at 0", "start failed at 0"]);
    expect(it.states()).toBe("running running, stopped running, failed running, fresh running");
    await it.end();
  });

  it("B1 of an empty runtime, or one that runs already, does nothing", async () => {
    const it = crew({});
    await it.runtime.startAll();
    expect(it.events).toEqual([]);
    expect(it.runtime.status().ready).toBe(false);
    await it.end();
  });

  it("B1 takes the workers that are registered when its turn comes", async () => {
    const drain = held();
    const it = crew({ a: { drain: drain.hook } });
    await it.runtime.startAll();
    const draining = it.runtime.drainAll();
    const starting = it.runtime.startAll();
    it.runtime.register(part("late", {}));
    drain.open();
    await draining;
    await expect(starting).rejects.toMatchObject({ code: "INVALID_WORKER_STATE" }); // a is draining
    expect(it.state("late")).toBe("registered");
    await it.runtime.stop("a");
    await it.runtime.startAll();
    expect(it.states()).toBe("a running, late running");
    await it.end();
  });

  it("B1 called again after a registration starts the new worker too, although it joins nothing", async () => {
    const start = held();
    const it = crew({ a: { start: start.hook } });
    const first = it.runtime.startAll();
    it.runtime.register(part("late", {}));
    const second = it.runtime.startAll();
    start.open();
    await first;
    await second;
    expect(it.state("late")).toBe("running");
    await it.end();
  });
});

describe("a worker in transition", () => {
  const cases: readonly (readonly [
    what: string,
    part: Part,
    ends: "open" | "fail",
    act: string,
    calls: string[],
  ])[] = [
    ["starting, that then runs", {}, "open", "start", []],
    ["starting, that then fails: it is started anew", {}, "fail", "start", ["start w at 0"]],
    ["stopping, that then stopped: it is started anew", {}, "open", "stop", ["start w at 0"]],
    [
      "stopping, that then failed: cleaned up and started anew",
      {},
      "fail",
      "stop",
      ["stop w at 0", "start w at 0"],
    ],
  ];
  for (const concurrency of [1, 3]) {
    it.each(cases)(
      `B1 is waited for, and then judged (${concurrency} at a time): %s`,
      async (_, part, ends, act, calls) => {
        const hook = held();
        // The hook is held once; when it is called again it does nothing.
        let times = 0;
        const once: Hook = () => {
          times += 1;
          return times === 1 ? hook.hook() : undefined;
        };
        const it = crew({ w: { ...part, [act]: once }, other: {} });
        if (act === "stop") await it.runtime.start("w");
        const operation = outcomeOf(act === "stop" ? it.runtime.stop("w") : it.runtime.start("w"));
        await it.settled();
        const all = outcomeOf(it.runtime.startAll({ concurrency }));
        await it.clock.advance(0);
        expect(all.value).toBe(undefined);
        it.calls.length = 0;
        if (ends === "open") hook.open();
        else hook.fail(broken);
        await it.clock.flush();
        expect(operation.value).toBe(ends === "open" ? "resolved" : broken);
        expect(all.value).toBe("resolved");
        expect(it.states()).toBe("w running, other running");
        expect(it.calls.filter((call) => call.includes(" w "))).toEqual(calls);
        await it.end();
      },
    );
  }

  it("B1 restarting: it starts now, without its backoff", async () => {
    const it = crew({ w: { restart: { backoff: { delayMs: () => 60_000 } } } });
    await it.runtime.startAll();
    it.context("w").reportFailure(broken);
    await it.clock.flush();
    expect(it.state("w")).toBe("restarting");
    await it.runtime.startAll();
    expect(it.state("w")).toBe("running");
    expect(it.clock.monotonicMs()).toBe(0);
    await it.end();
  });

  it("B1 draining: it cannot be started, which is a failure like any other", async () => {
    const it = crew({ w: {}, other: {} });
    await it.runtime.start("w");
    await it.runtime.drain("w");
    await expect(it.runtime.startAll()).rejects.toMatchObject({
      code: "INVALID_WORKER_STATE",
      message: "worker shop/w cannot start: it is draining",
    });
    expect(it.states()).toBe("w draining, other registered");
    await it.end();
  });

  it("B1 that was waited for is not started any more once the whole has failed", async () => {
    const stop = held();
    const it = crew({ slow: { stop: stop.hook }, bad: { start: fails } });
    await it.runtime.start("slow");
    const stopped = it.runtime.stop("slow");
    await expect(it.runtime.startAll({ concurrency: 2 })).rejects.toBe(broken);
    stop.open();
    await stopped;
    await it.clock.flush();
    expect(it.states()).toBe("slow stopped, bad failed");
    await it.end();
  });
});

describe("the caller's signal", () => {
  it("B1 aborted by the last caller ends it at once and rolls back, a start that hangs included", async () => {
    const it = crew({ a: {}, b: { start: never }, c: {} });
    const { controller, signal, listeners } = countedSignal();
    const all = outcomeOf(it.runtime.startAll({ signal }));
    await it.clock.flush();
    controller.abort("enough");
    await it.clock.flush();
    expect(all.value).toBe("enough");
    expect(it.states()).toBe("a stopped, b stopping, c registered");
    await it.clock.advance(1_000);
    expect(it.states()).toBe("a stopped, b stopped, c registered");
    expect(listeners()).toBe(0);
    await it.end();
  });

  it("B1 of one caller among others settles his call alone", async () => {
    const start = held();
    const it = crew({ a: { start: start.hook }, b: {} });
    const { controller, signal, listeners } = countedSignal();
    const mine = outcomeOf(it.runtime.startAll({ signal }));
    const other = outcomeOf(it.runtime.startAll());
    await it.clock.flush();
    controller.abort("enough");
    await it.clock.flush();
    expect([mine.value, other.value]).toEqual(["enough", undefined]);
    start.open();
    await it.clock.flush();
    expect(other.value).toBe("resolved");
    expect(it.states()).toBe("a running, b running");
    expect(listeners()).toBe(0);
    await it.end();
  });

  it("B1 aborted beforehand begins nothing", async () => {
    const it = crew({ a: {} });
    await expect(it.runtime.startAll({ signal: AbortSignal.abort("no") })).rejects.toBe("no");
    await it.clock.flush();
    expect(it.events).toEqual([]);
    await it.end();
  });

  it("D1 aborted while a dependency starts ends that start too, and starts no other", async () => {
    const it = crew({ db: { start: never }, cache: {}, api: { dependsOn: ["db", "cache"] } });
    const { controller, signal, listeners } = countedSignal();
    const started = outcomeOf(it.runtime.start("api", { dependencies: true, signal }));
    await it.clock.flush();
    controller.abort("enough");
    await it.clock.advance(1_000);
    expect(started.value).toBe("enough");
    expect(it.states()).toBe("db failed, cache registered, api registered");
    expect(listeners()).toBe(0);
    await it.end();
  });

  it("D1 aborted while somebody else waits for that dependency leaves it alone", async () => {
    const start = held();
    const it = crew({ db: { start: start.hook }, api: { dependsOn: ["db"] } });
    const mine = outcomeOf(it.runtime.start("db"));
    const { controller, signal } = countedSignal();
    const started = outcomeOf(it.runtime.start("api", { dependencies: true, signal }));
    await it.clock.flush();
    controller.abort("enough");
    start.open();
    await it.clock.flush();
    expect([mine.value, started.value]).toEqual(["resolved", "enough"]);
    expect(it.states()).toBe("db running, api registered");
    await it.end();
  });
});
