import { isWorkerkitError } from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, type Lifecycle } from "@workerkit/lifecycle";
import { extend } from "@workerkit/lifecycle/extension";
import { describe, expect, it, vi } from "vitest";
import { unitsFor } from "../units.ts";
import { type Crew, crew, type Part, part } from "./crew.ts";

const never = () => new Promise<void>(() => {});
const worker = { start: () => {}, stop: () => {} };

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** What must be as before when something was refused. */
const seen = ({ runtime, events }: Crew) =>
  structuredClone({ status: runtime.status(), workers: runtime.workers(), events });

describe("finding a worker", () => {
  it("N2 takes its local name, its full name and its definition", async () => {
    const db = part("db", {});
    const runtime = createLifecycle({ name: "shop", workers: [db], clock: createFakeClock() });
    for (const reference of ["db", "shop/db", db]) {
      expect(runtime.worker(reference)?.name).toBe("shop/db");
      await runtime.start(reference);
      await runtime.drain(reference);
      await runtime.stop(reference);
      await runtime.waitIdle(reference);
    }
    expect(runtime.worker("db")?.generation).toBe(3);
  });

  it("R4 answers undefined for a name that it does not know", () => {
    const runtime = createLifecycle({ name: "shop", workers: [part("db", {})] });
    for (const reference of ["api", "shop/api", "store/db", part("db", {})]) {
      expect(runtime.worker(reference)).toBe(undefined);
    }
  });

  it("N2 one definition serves in many runtimes, each with a worker of its own", async () => {
    const db = part("db", {});
    const [a, b] = ["a", "b"].map((name) => createLifecycle({ name, workers: [db] }));
    await a?.start(db);
    expect(a?.worker(db)?.state).toBe("running");
    expect(b?.worker(db)?.state).toBe("registered");
    await a?.stop(db);
  });
});

describe("register", () => {
  it("N3 starts nothing, and tells of the worker", async () => {
    const it = crew({ db: {} });
    await it.runtime.startAll();
    await it.settled();
    const kind = { ...worker, kind: "cron" };
    it.runtime.register(defineWorker({ name: "late", description: "comes late", worker: kind }));
    await it.clock.flush();
    expect(it.heard).toEqual([
      [
        "worker:registered",
        {
          runtime: "shop",
          at: 0,
          worker: "late",
          generation: 0,
          kind: "cron",
          state: "registered",
        },
      ],
    ]);
    expect(it.calls).toEqual([]);
    expect(it.runtime.worker("late")).toEqual({
      ...{ name: "shop/late", localName: "late", description: "comes late", kind: "cron" },
      ...{ state: "registered", ready: false, acceptingWork: false, inFlight: 0 },
      ...{ abandoned: 0, generation: 0, restarts: 0 },
    });
    expect(it.runtime.status()).toMatchObject({ workers: 2, state: "running", ready: true });
    await it.end();
  });

  const DURING: readonly (readonly [
    what: string,
    parts: Record<string, Part>,
    act: (r: Lifecycle) => unknown,
  ])[] = [
    ["before anything began", { db: {} }, () => {}],
    ["while workers start", { db: { start: never } }, (r) => r.startAll()],
    ["while they run", { db: {} }, (r) => r.startAll()],
    ["while they drain", { db: { drain: never } }, (r) => r.startAll().then(() => r.drainAll())],
    [
      "while all of them stop",
      { db: { stop: never } },
      (r) => r.startAll().then(() => r.stopAll()),
    ],
    ["once they have stopped", { db: {} }, (r) => r.startAll().then(() => r.stopAll())],
    [
      "once one has failed",
      { db: { start: () => Promise.reject(new Error("no")) } },
      (r) => r.startAll(),
    ],
    ["after a shutdown", { db: {} }, (r) => r.startAll().then(() => r.shutdown())],
  ];
  it.each(DURING)("N3 is legal %s", async (_, parts, act) => {
    const it = crew(parts);
    void Promise.resolve(act(it.runtime)).catch(() => {});
    await it.clock.flush();
    it.runtime.register(defineWorker({ name: "late", worker }));
    expect(it.state("late")).toBe("registered");
    await it.end();
  });

  it("N3 is refused while the runtime shuts down, and leaves no trace", async () => {
    let stopped = () => {};
    const stop = () =>
      new Promise<void>((resolve) => {
        stopped = resolve;
      });
    const it = crew({ db: { stop } });
    await it.runtime.startAll();
    const shutdown = it.runtime.shutdown();
    await it.clock.flush();
    const before = seen(it);
    const late = defineWorker({ name: "late", worker });
    const error = thrownBy(() => it.runtime.register(late));
    expect(isWorkerkitError(error, "INVALID_RUNTIME_STATE")).toBe(true);
    expect((error as Error).message).toBe("runtime shop takes no worker while it shuts down");
    await it.clock.flush();
    expect(seen(it)).toEqual(before);
    stopped();
    await it.clock.settle(shutdown);
    it.runtime.register(late);
    expect(it.state("late")).toBe("registered");
    await it.end();
  });

  it("N3 that is refused leaves the name free, and no dependant behind", async () => {
    const it = crew({ db: {} });
    await it.clock.flush();
    const before = seen(it);
    const bad = { name: "late", dependsOn: ["db"], retries: 3, worker };
    expect(() => it.runtime.register(defineWorker(bad as never))).toThrow("retries is no option");
    await it.clock.flush();
    expect(seen(it)).toEqual(before);
    it.runtime.unregister("db");
    it.runtime.register(defineWorker({ name: "late", worker }));
    await it.end();
  });

  it("N3 leaves no trace when an extension refuses, and takes it back from the one before", async () => {
    const clock = createFakeClock();
    const runtime = createLifecycle({ name: "shop", clock });
    const events: string[] = [];
    runtime.events.onAny((...[name]) => events.push(name));
    const first = extend(runtime, { ...unitsFor(), name: "first", workerOptions: {} }, {});
    const onUnregister = vi.fn();
    extend(
      runtime,
      { ...unitsFor("bad"), name: "second", workerOptions: { units: Number }, onUnregister },
      {},
    );
    runtime.register(part("good", {}));
    await clock.flush();
    events.length = 0;
    const before = { status: runtime.status(), workers: runtime.workers() };
    expect(() => runtime.register(part("bad", { dependsOn: ["good"] }))).toThrow("no bad here");
    expect({ status: runtime.status(), workers: runtime.workers() }).toEqual(before);
    expect(events).toEqual([]);
    expect(first.gone).toEqual(["bad"]);
    expect(onUnregister).not.toHaveBeenCalled();
    await clock.flush();
    expect(events).toEqual([]);
    runtime.unregister("good");
    expect(onUnregister).toHaveBeenCalledTimes(1);
  });

  it("N4 copies the runtime's defaults when a worker is registered; its own options win", async () => {
    const defaults = { readyOnStart: false, acceptingWorkOnStart: false };
    const clock = createFakeClock();
    const runtime = createLifecycle({ name: "shop", defaults, clock });
    runtime.register(part("before", {}));
    defaults.readyOnStart = true;
    runtime.register(part("after", { acceptingWorkOnStart: true, drainTimeoutMs: undefined }));
    await runtime.startAll();
    expect(runtime.workers()).toMatchObject([
      { ready: false, acceptingWork: false },
      { ready: false, acceptingWork: true },
    ]);
    await runtime.shutdown();
  });

  it("N4 keeps the options as they were when the worker was defined", async () => {
    const options = { name: "db", readyOnStart: false, dependsOn: [] as string[], worker };
    const definition = defineWorker(options);
    options.readyOnStart = true;
    const runtime = createLifecycle({ name: "shop", workers: [definition] });
    await runtime.start("db");
    expect(runtime.worker("db")?.ready).toBe(false);
    await runtime.stop("db");
  });
});

describe("unregister", () => {
  const fail = (it: Crew) => it.context("db").reportFailure(new Error("lost"));

  const LEGAL: readonly (readonly [state: string, parts: Part, act: (it: Crew) => unknown])[] = [
    ["registered", {}, () => {}],
    ["stopped", {}, (it) => it.runtime.start("db").then(() => it.runtime.stop("db"))],
    ["failed", {}, (it) => it.runtime.start("db").then(() => fail(it))],
  ];
  it.each(LEGAL)("N3 removes a %s worker, and frees its name", async (state, db, act) => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const it = crew({ db, other: {} });
    await act(it);
    await it.settled();
    expect(it.state("db")).toBe(state);
    const { generation } = it.runtime.worker("db") ?? {};
    it.runtime.unregister("db");
    await it.clock.flush();
    expect(it.heard[0]).toEqual([
      "worker:unregistered",
      { runtime: "shop", at: 0, worker: "db", generation, kind: "worker", state },
    ]);
    expect(it.runtime.worker("db")).toBe(undefined);
    expect(it.runtime.status()).toMatchObject({ workers: 1, state: "registered" });
    it.runtime.register(part("db", {}));
    expect(it.runtime.workers().map(({ localName }) => localName)).toEqual(["other", "db"]);
    await it.runtime.startAll();
    expect(it.runtime.status().ready).toBe(true);
    await it.end();
  });

  const REFUSED: readonly (readonly [why: string, db: Part, act: (it: Crew) => unknown])[] = [
    ["it is starting", { start: never }, (it) => it.runtime.start("db")],
    ["it is running", {}, (it) => it.runtime.start("db")],
    [
      "it is restarting",
      { restart: { backoff: { delayMs: () => 1_000 } } },
      (it) => it.runtime.start("db").then(() => fail(it)),
    ],
    ["it is draining", {}, (it) => it.runtime.start("db").then(() => it.runtime.drain("db"))],
    [
      "it is stopping",
      { stop: never },
      (it) => it.runtime.start("db").then(() => it.runtime.stop("db")),
    ],
    [
      "it has work in flight (1)",
      {},
      (it) =>
        it.runtime.start("db").then(() => {
          it.context("db").admit("job");
          fail(it);
        }),
    ],
    [
      "its abandoned code still runs (1)",
      { start: never, startTimeoutMs: 10, graceMs: 10 },
      (it) => it.runtime.start("db"),
    ],
  ];
  it.each(REFUSED)("N3 is refused while %s", async (why, db, act) => {
    const it = crew({ db });
    void Promise.resolve(act(it)).catch(() => {});
    await it.clock.advance(30);
    const before = seen(it);
    const error = thrownBy(() => it.runtime.unregister("db"));
    expect(isWorkerkitError(error, "INVALID_WORKER_STATE")).toBe(true);
    expect((error as Error).message).toBe(`worker shop/db cannot unregister: ${why}`);
    await it.clock.flush();
    expect(seen(it)).toEqual(before);
    await it.end();
  });

  it("N3 is refused while a worker is registered that depends on it", async () => {
    const it = crew({ api: { dependsOn: ["db"] }, db: {}, web: { dependsOn: ["db"] } });
    await it.clock.flush();
    const before = seen(it);
    const error = thrownBy(() => it.runtime.unregister("db"));
    expect(isWorkerkitError(error, "INVALID_WORKER_STATE")).toBe(true);
    expect((error as Error).message).toBe(
      "worker shop/db cannot unregister: it is depended on by api, web",
    );
    expect(seen(it)).toEqual(before);
    for (const name of ["api", "web", "db"]) it.runtime.unregister(name);
    expect(it.runtime.workers()).toEqual([]);
    await it.end();
  });

  it("N3 lets what waits for abandoned code go once that has ended", async () => {
    let end = () => {};
    const stop = () =>
      new Promise<void>((resolve) => {
        end = resolve;
      });
    const it = crew({ db: { stop, stopTimeoutMs: 10, graceMs: 10 } });
    await it.runtime.start("db");
    await expect(it.clock.settle(it.runtime.stop("db"))).rejects.toMatchObject({
      code: "ABANDONED",
    });
    expect(() => it.runtime.unregister("db")).toThrow("abandoned code still runs");
    end();
    await it.clock.flush();
    it.runtime.unregister("db");
    await it.end();
  });

  it("R2 takes with it what kept the runtime from being ready, or had failed it", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const it = crew({ api: {}, db: { failurePolicy: "fail-runtime" } });
    await it.runtime.startAll();
    fail(it);
    expect(it.runtime.status()).toMatchObject({
      state: "failed",
      ready: false,
      failedBecause: "db",
    });
    await it.settled();
    it.runtime.unregister("db");
    await it.clock.flush();
    expect(it.events).toEqual([
      "db: worker:unregistered",
      "runtime: failed > running",
      "runtime: ready",
    ]);
    expect(it.runtime.status()).toMatchObject({
      state: "running",
      ready: true,
      notReadyBecause: [],
    });
    await it.end();
  });
});
