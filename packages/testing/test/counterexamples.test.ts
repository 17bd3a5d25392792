// Counterexamples that the simulation found in the runtime, each shrunk to what is left here.

import { defineWorker } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { createTestRuntime, scriptedWorker } from "../src/index.ts";

const worker = (name: string, script = {}) =>
  defineWorker({ name, worker: scriptedWorker(script) });

describe("found by the simulation", () => {
  it("N3 a worker that is unregistered before its turn in a startAll is not started", async () => {
    const { runtime, settle, record, end } = createTestRuntime({
      workers: [worker("a"), worker("b")],
    });
    const started = settle(() => {
      const all = runtime.startAll({ concurrency: 2 });
      runtime.unregister("b");
      return all;
    });
    await started;
    expect(record.lines.filter((line) => line.includes(" b#1 "))).toEqual([]);
    await end();
  });

  it("N3 a worker that is unregistered while its dependencies start is not started", async () => {
    const slow = worker("a", { start: { afterMs: 50 } });
    const late = defineWorker({ name: "b", dependsOn: ["a"], worker: scriptedWorker() });
    const { runtime, advance, record, end } = createTestRuntime({ workers: [slow, late] });
    const outcome = runtime.start("b", { dependencies: true }).catch((error) => error.code);
    runtime.unregister("b");
    await advance(100);
    expect(await outcome).toBe("INVALID_WORKER_STATE");
    expect(record.lines.filter((line) => line.includes(" b#1 "))).toEqual([]);
    await end();
  });

  it("D5 a rollback leaves a worker running that another has come to rely on meanwhile", async () => {
    const dependsOn = ["a"];
    const broken = scriptedWorker({ start: ["fail", "succeed"] });
    const workers = [
      worker("a"),
      defineWorker({ name: "b", dependsOn, worker: broken }),
      defineWorker({ name: "c", dependsOn, worker: scriptedWorker({ stop: { afterMs: 50 } }) }),
    ];
    const { runtime, clock, advance, end } = createTestRuntime({ workers });
    const all = runtime.startAll({ concurrency: Number.POSITIVE_INFINITY }).catch(() => {});
    await clock.flush();
    expect(runtime.worker("c")?.state).toBe("stopping");
    await clock.settle(() => runtime.start("b"));
    await advance(50);
    await all;
    expect(runtime.workers().map(({ state }) => state)).toEqual(["running", "running", "stopped"]);
    await end();
  });

  it("D2 a stop with dependants is refused when another dependant has started meanwhile", async () => {
    const dependsOn = ["a"];
    const slow = scriptedWorker({ stop: { afterMs: 50 } });
    const workers = [
      worker("a"),
      defineWorker({ name: "b", dependsOn, worker: slow }),
      defineWorker({ name: "c", dependsOn, worker: scriptedWorker() }),
    ];
    const { runtime, settle, advance, end } = createTestRuntime({ workers });
    await settle(() => runtime.start("b", { dependencies: true }));
    const stop = runtime.stop("a", { dependants: true }).catch((error) => error.code);
    await settle(() => runtime.start("c"));
    await advance(50);
    expect(await stop).toBe("INVALID_WORKER_STATE");
    expect(runtime.workers().map(({ state }) => state)).toEqual(["running", "stopped", "running"]);
    await end();
  });

  it("N3 a failed worker that is unregistered before its level's turn in a shutdown is not stopped", async () => {
    const failing = scriptedWorker({ start: "fail" });
    const above = scriptedWorker({ stop: { afterMs: 50 } });
    const workers = [
      defineWorker({ name: "failed", worker: failing }),
      worker("a"),
      defineWorker({ name: "b", dependsOn: ["a"], worker: above }),
    ];
    const { runtime, settle, clock, advance } = createTestRuntime({ workers });
    await settle(() => runtime.start("b", { dependencies: true }));
    await settle(() => runtime.start("failed")).catch(() => {});
    const shutdown = runtime.shutdown();
    await clock.flush();
    runtime.unregister("failed");
    await advance(50);
    expect((await shutdown).workers.map((end) => end.worker)).toEqual(["b", "a"]);
    expect(failing.calls.map(({ hook }) => hook)).toEqual(["start"]);
  });

  it("L6 a worker whose late state is being cleaned up stays registered until that is over", async () => {
    const late = scriptedWorker({
      start: { afterMs: 60_000, onAbort: "ignore" },
      stop: ["succeed", { afterMs: 1_000 }],
    });
    const { runtime, advance, end } = createTestRuntime({
      workers: [defineWorker({ name: "a", worker: late, graceMs: 50 })],
    });
    runtime.start("a").catch(() => {});
    runtime.stop("a").catch(() => {});
    await advance(60_000);
    expect(late.calls.map(({ outcome }) => outcome)).toEqual(["succeeded", "succeeded", "working"]);
    expect(() => runtime.unregister("a")).toThrow("its late cleanup still runs");
    await advance(1_000);
    runtime.unregister("a");
    await end();
  });
});
