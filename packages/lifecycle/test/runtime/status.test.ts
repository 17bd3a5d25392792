import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, type WorkerContext, type WorkerStatus } from "@workerkit/lifecycle";
import { extend } from "@workerkit/lifecycle/extension";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Tally } from "../../src/runtime/tally.ts";
import type { RegisteredWorker } from "../../src/worker/registered-worker.ts";
import { unitsFor } from "../units.ts";
import { crew, part } from "./crew.ts";

afterEach(() => vi.restoreAllMocks());

const WORKER_KEYS = [
  ...["name", "localName", "description", "kind", "state", "ready", "acceptingWork", "inFlight"],
  ...["abandoned", "generation", "restarts", "startedAt", "lastTransition", "lastFailure"],
  "lastCommandFailure",
];
const RUNTIME_KEYS = [
  ...["name", "version", "instanceId", "state", "ready", "notReadyBecause", "failedBecause"],
  ...["inFlight", "abandoned", "workers", "startedAt", "lastTransition"],
];

/** The keys are these, in this order; those of what has not happened are left out. */
const expectKeys = (value: object, keys: readonly string[], absent: readonly string[] = []) => {
  expect(Object.keys(value)).toEqual(keys.filter((key) => !absent.includes(key)));
};

const expectPlain = (value: unknown) => {
  expect(JSON.parse(JSON.stringify(value))).toStrictEqual(value);
};

/** A worker of which everything has happened that status shows. */
const eventful = async () => {
  const it = crew({}, { version: "1.2.3" });
  const units = extend(it.runtime, unitsFor(), {});
  const worker = part("w", {
    description: "does it all",
    failurePolicy: "fail-runtime",
    graceMs: 10,
    stop: () => new Promise(() => {}),
    stopTimeoutMs: 10,
    start: ({ note }: WorkerContext) => note({ nextRunAt: 5, lastRun: { outcome: "ok" } }),
  } as never);
  it.runtime.register(worker);
  await it.runtime.startAll();
  units.port("w").note(1, { command: "w/go", code: "COMMAND_FAILED", message: "it failed", at: 3 });
  await it.clock.settle(it.runtime.stop("w").catch(() => {}));
  return it;
};

describe("the status of a worker", () => {
  it("R4 has the same keys in the same order, and leaves out what has not happened", async () => {
    const fresh = crew({ w: {} });
    const absent = [
      "description",
      "startedAt",
      "lastTransition",
      "lastFailure",
      "lastCommandFailure",
    ];
    for (const status of fresh.runtime.workers()) expectKeys(status, WORKER_KEYS, absent);

    const it = await eventful();
    const status = it.runtime.worker("w") as WorkerStatus;
    expectKeys(status, [...WORKER_KEYS, "nextRunAt", "lastRun"]);
    expectKeys(status.lastTransition as object, ["from", "to", "at", "reason"]);
    expectKeys(status.lastFailure as object, ["code", "message", "at"]);
    expect(Object.keys(status.lastCommandFailure as object).sort()).toEqual([
      "at",
      "code",
      "command",
      "message",
    ]);
    expect(status).toStrictEqual({
      name: "shop/w",
      localName: "w",
      description: "does it all",
      kind: "worker",
      state: "failed",
      ready: false,
      acceptingWork: false,
      inFlight: 0,
      abandoned: 1,
      generation: 1,
      restarts: 0,
      startedAt: 0,
      lastTransition: { from: "stopping", to: "failed", at: 20, reason: "stop failed" },
      lastFailure: { code: "ABANDONED", message: expect.stringContaining("stop hook"), at: 20 },
      lastCommandFailure: { command: "w/go", code: "COMMAND_FAILED", message: "it failed", at: 3 },
      nextRunAt: 5,
      lastRun: { outcome: "ok" },
    });
  });

  it("R4 is plain JSON, whatever happened", async () => {
    const it = await eventful();
    expectPlain(it.runtime.workers());
    expectPlain(it.runtime.worker("w"));
    expectPlain(it.runtime.status());
  });

  it("R4 is a copy: what a reader does with it changes nothing", async () => {
    const it = await eventful();
    const before = structuredClone([it.runtime.status(), ...it.runtime.workers()]);
    for (const value of [it.runtime.status(), it.runtime.worker("w"), ...it.runtime.workers()]) {
      deface(value);
    }
    expect([it.runtime.status(), ...it.runtime.workers()]).toStrictEqual(before);
  });

  it("R4 comes in the order of registration", async () => {
    const it = crew({ c: { dependsOn: ["a"] }, a: {}, b: {} });
    await it.runtime.startAll();
    it.runtime.register(part("0", {}));
    expect(it.runtime.workers().map(({ localName }) => localName)).toEqual(["c", "a", "b", "0"]);
    await it.end();
  });
});

function deface(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    deface(inner);
    (value as Record<string, unknown>)[key] = "defaced";
  }
}

describe("the status of a runtime", () => {
  it("R4 has the same keys in the same order, and leaves out what has not happened", async () => {
    const fresh = crew({ w: {} });
    const absent = ["version", "failedBecause", "startedAt", "lastTransition"];
    expectKeys(fresh.runtime.status(), RUNTIME_KEYS, absent);
    const it = await eventful();
    const status = it.runtime.status();
    expectKeys(status, RUNTIME_KEYS);
    expect(status).toStrictEqual({
      name: "shop",
      version: "1.2.3",
      instanceId: "test",
      state: "failed",
      ready: false,
      notReadyBecause: [{ worker: "w", state: "failed", ready: false }],
      failedBecause: "w",
      inFlight: 0,
      abandoned: 1,
      workers: 1,
      startedAt: 0,
      lastTransition: { from: "stopping", to: "failed", at: 20, reason: "w: stop failed" },
    });
  });

  it("R4 sums the work in flight and the abandoned code of its workers", async () => {
    const it = crew({ a: {}, b: {} });
    await it.runtime.startAll();
    const leases = ["a", "a", "b"].map((name) => it.context(name).admit());
    const sums = () => {
      const { inFlight, abandoned } = it.runtime.status();
      const of = (key: "inFlight" | "abandoned") =>
        it.runtime.workers().reduce((sum, worker) => sum + worker[key], 0);
      expect([of("inFlight"), of("abandoned")]).toEqual([inFlight, abandoned]);
      return [inFlight, abandoned];
    };
    expect(sums()).toEqual([3, 0]);
    leases[0]?.release();
    leases[0]?.release();
    expect(sums()).toEqual([2, 0]);
    it.context("a").reportFailure(new Error("lost"));
    await it.clock.advance(1_000);
    expect(sums()).toEqual([1, 1]);
    leases[1]?.release();
    leases[1]?.release();
    leases[2]?.release();
    expect(sums()).toEqual([0, 0]);
    await it.end();
  });

  it("R4 names at most ten of those that keep it from being ready, those that have done so longest", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `w${index}`);
    const it = crew(Object.fromEntries(names.map((name) => [name, {}])));
    await it.runtime.startAll();
    const blockers = () => it.runtime.status().notReadyBecause.map(({ worker }) => worker);
    for (const name of names.toReversed()) it.context(name).setReady(false);
    expect(blockers()).toEqual(names.slice(2));
    it.context("w5").setReady(true);
    expect(blockers()).toEqual(["w1", ...names.slice(2).filter((name) => name !== "w5")]);
    for (const name of names) it.context(name).setReady(true);
    expect(blockers()).toEqual([]);
    await it.end();
  });

  it("R4 takes the same number of steps for ten workers and for ten thousand", async () => {
    /** How often status() reads anything of any worker, where all of them keep the runtime from being ready. */
    const reads = (count: number) => {
      const workers: RegisteredWorker[] = [];
      const add = vi.spyOn(Tally.prototype, "add").mockImplementation((worker) => {
        workers.push(worker);
      });
      const runtime = createLifecycle({
        name: "shop",
        clock: createFakeClock(),
        workers: Array.from({ length: count }, (_, index) => part(`w${index}`, {})),
      });
      add.mockRestore();
      void runtime.startAll({ concurrency: Number.POSITIVE_INFINITY }).catch(() => {});
      expect(runtime.status().notReadyBecause).toHaveLength(10);
      let steps = 0;
      // The first ten are the ones it may look at; of the others a sample, as each costs 40 accessors.
      for (const worker of workers.filter((_, index) => index < 10 || index % 100 === 0)) {
        for (const key of Object.keys(worker) as (keyof RegisteredWorker)[]) {
          let value = worker[key];
          Object.defineProperty(worker, key, {
            get() {
              steps += 1;
              return value;
            },
            set(next: never) {
              value = next;
            },
          });
        }
      }
      runtime.status();
      return steps;
    };
    const ten = reads(10);
    expect(ten).toBeGreaterThan(10);
    expect(reads(10_000)).toBe(ten);
  });
});
