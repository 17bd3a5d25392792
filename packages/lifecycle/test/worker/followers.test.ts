// D3: what a failed or restarting dependency means for those that depend on it.

import { createFakeClock } from "@workerkit/contracts/fake-clock";
import {
  createLifecycle,
  defineWorker,
  type WorkerContext,
  type WorkerDefinition,
  type WorkerOptions,
} from "@workerkit/lifecycle";
import { constant } from "@workerkit/retry";
import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";
import { checkFold, checkWalk, type inWords } from "./rig.ts";

type Follower = Partial<Omit<WorkerOptions<unknown>, "worker" | "name">> & {
  readonly stop?: () => unknown;
  readonly start?: () => unknown;
};

/** A runtime of workers that write down what their hooks do. */
function shop() {
  const clock = createFakeClock({ now: 0 });
  const log: string[] = [];
  const contexts = new Map<string, WorkerContext<void>>();
  const runtime = createLifecycle({ name: "rt", clock });
  const heard: Parameters<typeof inWords>[0][] = [];
  runtime.events.onAny((...event) => void heard.push(event));
  const add = (name: string, options: Follower = {}): WorkerDefinition => {
    const { start, stop, ...policy } = options;
    const definition = defineWorker<unknown>({
      name,
      ...policy,
      worker: {
        start: (ctx) => {
          log.push(`start ${name} at ${clock.monotonicMs()}`);
          contexts.set(name, ctx);
          return start?.();
        },
        stop: async () => {
          log.push(`stop ${name} at ${clock.monotonicMs()}`);
          await stop?.();
          log.push(`stopped ${name} at ${clock.monotonicMs()}`);
        },
      },
    });
    runtime.register(definition);
    return definition;
  };
  return {
    ...{ clock, log, runtime, add },
    fail: (name: string) => contexts.get(name)?.reportFailure(new Error(`${name} is down`)),
    states: () =>
      Object.fromEntries(runtime.workers().map(({ localName, state }) => [localName, state])),
    restarts: (name: string) => runtime.worker(name)?.restarts,
    async end() {
      await clock.settle(runtime.shutdown().catch(() => {}));
      expect(clock.pending()).toEqual([]);
      await clock.flush();
      for (const status of runtime.workers()) {
        checkWalk(heard, status.localName);
        checkFold(heard, status);
      }
    },
  };
}

const follow = (worker: WorkerDefinition) => [{ worker, onRestart: "restart" as const }];
const restart = { backoff: constant(100) };

describe("a dependency that restarts", () => {
  it("D3 leaves its dependants running", async () => {
    const s = shop();
    const db = s.add("db", { restart });
    s.add("api", { dependsOn: [db] });
    await s.runtime.startAll();
    s.fail("db");
    expect(s.states()).toEqual({ db: "restarting", api: "running" });
    await s.clock.advance(100);
    expect(s.states()).toEqual({ db: "running", api: "running" });
    expect(s.log).toEqual([
      "start db at 0",
      "start api at 0",
      "stop db at 0",
      "stopped db at 0",
      "start db at 100",
    ]);
    await s.end();
  });

  it("D3 takes those with it that asked for it: stop hooks dependants first, started when it runs again", async () => {
    const hook = gate();
    const s = shop();
    const db = s.add("db", { restart });
    s.add("api", { dependsOn: follow(db), stop: () => hook.promise });
    await s.runtime.startAll();
    s.fail("db");
    expect(s.states()).toEqual({ db: "restarting", api: "restarting" });
    await s.clock.advance(30);
    expect(s.log.slice(2)).toEqual(["stop api at 0"]);
    hook.open(undefined);
    await s.clock.flush();
    expect(s.log.slice(3)).toEqual(["stopped api at 30", "stop db at 30", "stopped db at 30"]);
    await s.clock.advance(99);
    expect(s.states()).toEqual({ db: "restarting", api: "restarting" });
    await s.clock.advance(1);
    expect(s.states()).toEqual({ db: "running", api: "running" });
    expect(s.log.slice(6)).toEqual(["start db at 130", "start api at 130"]);
    expect([s.restarts("db"), s.restarts("api")]).toEqual([1, 0]);
    await s.end();
  });

  it("D3 takes those with it that follow those who follow", async () => {
    const s = shop();
    const db = s.add("db", { restart });
    const api = s.add("api", { dependsOn: follow(db) });
    s.add("web", { dependsOn: follow(api) });
    s.add("other", { dependsOn: [api] });
    await s.runtime.startAll();
    s.fail("db");
    await s.clock.advance(100);
    expect(s.log.slice(4)).toEqual([
      ...["stop web at 0", "stopped web at 0", "stop api at 0", "stopped api at 0"],
      ...["stop db at 0", "stopped db at 0", "start db at 100", "start api at 100"],
      "start web at 100",
    ]);
    expect(Object.values(s.states())).toEqual(["running", "running", "running", "running"]);
    await s.end();
  });

  it("D3 waits for the cleanup of all who follow it, those that are clean already included", async () => {
    const hook = gate();
    const s = shop();
    const db = s.add("db", { restart });
    s.add("clean", { dependsOn: follow(db), restart: { backoff: constant(5_000) } });
    s.add("slow", { dependsOn: follow(db), stop: () => hook.promise });
    await s.runtime.startAll();
    s.fail("clean");
    await s.clock.flush();
    expect(s.states()).toMatchObject({ clean: "restarting", slow: "running" });
    s.fail("db");
    await s.clock.advance(50);
    expect(s.log).not.toContain("stop db at 0");
    hook.open(undefined);
    await s.clock.flush();
    expect(s.log.at(-2)).toBe("stop db at 50");
    await s.clock.advance(150);
    expect(s.states()).toEqual({ db: "running", clean: "restarting", slow: "running" });
    await s.clock.advance(5_000);
    expect(s.states()).toEqual({ db: "running", clean: "running", slow: "running" });
    await s.end();
  });

  it("D3 waits for the grace of those who follow it", async () => {
    const s = shop();
    const db = s.add("db", { restart });
    const contexts: WorkerContext<void>[] = [];
    const api = defineWorker({
      name: "api",
      dependsOn: follow(db),
      graceMs: 200,
      worker: {
        start: (ctx) => void contexts.push(ctx),
        stop: () => void s.log.push(`stop api at ${s.clock.monotonicMs()}`),
      },
    });
    s.runtime.register(api);
    await s.runtime.startAll();
    contexts[0]?.admit("stays");
    s.fail("db");
    await s.clock.advance(200);
    expect(s.log).toEqual([
      "start db at 0",
      "stop api at 200",
      "stop db at 200",
      "stopped db at 200",
    ]);
    await s.end();
  });

  it("D3 restarts a worker that was starting while it went down", async () => {
    const hook = gate();
    let starts = 0;
    const s = shop();
    const db = s.add("db", { restart });
    s.add("api", {
      dependsOn: follow(db),
      start: () => {
        starts += 1;
        return starts === 1 ? hook.promise : undefined;
      },
    });
    await s.runtime.start("db");
    const start = watch(s.runtime.start("api"));
    s.fail("db");
    await s.clock.advance(10);
    hook.open(undefined);
    await s.clock.flush();
    expect([start.now(), s.states()]).toEqual(["done", { db: "restarting", api: "restarting" }]);
    await s.clock.advance(100);
    expect(s.states()).toEqual({ db: "running", api: "running" });
    expect(starts).toBe(2);
    await s.end();
  });
});

describe("a dependency that fails for good", () => {
  it("D3 leaves its dependants running", async () => {
    const s = shop();
    const db = s.add("db");
    s.add("api", { dependsOn: [db] });
    await s.runtime.startAll();
    s.fail("db");
    await s.clock.advance(10_000);
    expect(s.states()).toEqual({ db: "failed", api: "running" });
    await s.end();
  });

  it("D3 ends those that follow it as stopped", async () => {
    const s = shop();
    const db = s.add("db");
    s.add("api", { dependsOn: follow(db) });
    await s.runtime.startAll();
    const walk: string[] = [];
    s.runtime.events.on("worker:transition", ({ worker, to }) => {
      if (worker === "api") walk.push(to);
    });
    s.fail("db");
    await s.clock.advance(10);
    expect(s.states()).toEqual({ db: "failed", api: "stopped" });
    expect(walk).toEqual(["restarting", "stopping", "stopped"]);
    await s.end();
  });

  it("D3 after restarts that did not help ends those that follow it too", async () => {
    let starts = 0;
    const s = shop();
    const db = s.add("db", {
      restart: { ...restart, maxRestarts: 2 },
      start: () => {
        starts += 1;
        if (starts > 1) throw new Error("no");
      },
    });
    s.add("api", { dependsOn: follow(db) });
    await s.runtime.startAll();
    s.fail("db");
    await s.clock.advance(199);
    expect(s.states()).toEqual({ db: "restarting", api: "restarting" });
    await s.clock.advance(1);
    expect(s.states()).toEqual({ db: "failed", api: "stopped" });
    await s.end();
  });

  it("D3 that is stopped while it restarts ends those that follow it", async () => {
    const s = shop();
    const db = s.add("db", { restart });
    s.add("api", { dependsOn: follow(db) });
    await s.runtime.startAll();
    s.fail("db");
    await s.clock.advance(10);
    await s.runtime.stop("db");
    expect(s.states()).toEqual({ db: "stopped", api: "stopped" });
    await s.end();
  });
});

describe("a worker whose own restart finds its dependency down", () => {
  it("S1 waits while that is on its way", async () => {
    const s = shop();
    const db = s.add("db", { restart: { backoff: constant(1_000) } });
    s.add("api", { dependsOn: [db], restart });
    await s.runtime.startAll();
    s.fail("db");
    s.fail("api");
    await s.clock.advance(500);
    expect(s.states()).toEqual({ db: "restarting", api: "restarting" });
    await s.clock.advance(500);
    expect(s.states()).toEqual({ db: "running", api: "running" });
    expect([s.restarts("db"), s.restarts("api")]).toEqual([1, 1]);
    await s.end();
  });

  it("S2 counts each try against the window while that is failed", async () => {
    const s = shop();
    const db = s.add("db");
    s.add("api", { dependsOn: [db], restart: { ...restart, maxRestarts: 3 } });
    await s.runtime.startAll();
    s.fail("db");
    s.fail("api");
    await s.clock.advance(299);
    expect(s.states()).toEqual({ db: "failed", api: "restarting" });
    await s.clock.advance(1);
    expect(s.states()).toEqual({ db: "failed", api: "failed" });
    expect(s.runtime.worker("api")?.lastFailure).toMatchObject({ code: "RESTARTS_EXHAUSTED" });
    await s.end();
  });

  it("D1 refuses an operator's start, which changes nothing", async () => {
    const s = shop();
    const db = s.add("db");
    s.add("api", { dependsOn: [db], restart });
    await s.runtime.startAll();
    s.fail("db");
    s.fail("api");
    await s.clock.advance(10);
    const before = s.runtime.workers();
    const start = watch(s.runtime.start("api"));
    await s.clock.flush();
    expect(start.error()).toMatchObject({
      code: "INVALID_WORKER_STATE",
      message: "worker rt/api cannot start: it depends on workers that do not run: db is failed",
    });
    expect(s.runtime.workers()).toEqual(before);
    await s.end();
  });

  it("D1 refuses it once: it does not come back when the restart has failed", async () => {
    let starts = 0;
    const s = shop();
    const db = s.add("db");
    s.add("api", {
      dependsOn: [db],
      restart: { ...restart, maxRestarts: 2 },
      start: () => {
        starts += 1;
        if (starts > 1) throw new Error("no");
      },
    });
    await s.runtime.startAll();
    s.fail("db");
    s.fail("api");
    const start = watch(s.runtime.start("api"));
    await s.runtime.start("db");
    await s.clock.advance(10_000);
    expect([start.now(), starts]).toEqual(["INVALID_WORKER_STATE", 3]);
    expect(s.states()).toEqual({ db: "running", api: "failed" });
    await s.end();
  });

  it("D3 tells an operator who joined a follower's restart that it will not run", async () => {
    const cleaning = gate();
    const s = shop();
    const db = s.add("db");
    s.add("api", { dependsOn: follow(db), restart, stop: () => cleaning.promise });
    await s.runtime.startAll();
    s.fail("api");
    const start = watch(s.runtime.start("api"));
    s.fail("db");
    await s.clock.flush();
    expect(start.now()).toBe("pending");
    cleaning.open(undefined);
    await s.clock.flush();
    expect([start.now(), s.states()]).toEqual([
      "INVALID_WORKER_STATE",
      { db: "failed", api: "stopped" },
    ]);
    await s.end();
  });

  it("S3 lets an operator stop a follower while what it follows restarts", async () => {
    const s = shop();
    const db = s.add("db", { restart });
    s.add("api", { dependsOn: follow(db) });
    await s.runtime.startAll();
    s.fail("db");
    await s.clock.advance(10);
    const start = watch(s.runtime.start("api"));
    await s.runtime.stop("api");
    await s.clock.advance(100);
    expect([start.now(), s.states()]).toEqual([
      "INVALID_WORKER_STATE",
      { db: "running", api: "stopped" },
    ]);
    await s.end();
  });
});
