import { defineWorker, loop, type Worker } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { runWorker, scriptedWorker } from "../src/index.ts";

const db = defineWorker({ name: "db", worker: { start: () => "a pool", stop: () => {} } });

describe("runWorker", () => {
  it("starts, drains and stops a worker, and says what each hook did", async () => {
    const worker = scriptedWorker({ start: { afterMs: 50, value: 7 }, drain: "succeed" });
    const run = await runWorker(worker);
    expect(run.state).toBe(7);
    expect(run.hooks).toEqual([
      { hook: "start", outcome: "returned", durationMs: 50 },
      { hook: "drain", outcome: "returned", durationMs: 0 },
      { hook: "stop", outcome: "returned", durationMs: 0 },
    ]);
  });

  it("writes down what the worker says, and lets a test look after each step", async () => {
    const seen: unknown[] = [];
    const worker: Worker<string> = {
      start: (ctx) => {
        ctx.setReady(false);
        ctx.note({ seen: ctx.use(db) });
        ctx.admit("import");
        return "state";
      },
      stop: ({ heartbeat, requestShutdown }) => [heartbeat(), requestShutdown("enough")],
    };
    const run = await runWorker(worker, {
      uses: [[db, "a fake pool"]],
      after: (step, { inFlight, ready }) => seen.push([step, inFlight, ready]),
      steps: ["start", "stop"],
    });
    expect(run.notes).toEqual({ seen: "a fake pool" });
    expect(run.admitted).toEqual(["import"]);
    expect(run.heartbeats).toBe(1);
    expect(run.requests).toEqual([{ what: "shutdown", reason: "enough" }]);
    expect(seen).toEqual([
      ["start", 1, false],
      ["stop", 1, false],
    ]);
  });

  it("runs a loop: time passes, drain tells it to end, and its failure is written down", async () => {
    let rounds = 0;
    const polite = loop(async ({ draining, sleep }) => {
      while (!draining.aborted) {
        await sleep(1_000);
        rounds++;
      }
    });
    const run = await runWorker(polite, {
      steps: ["start", { advanceMs: 3_500 }, "drain", "stop"],
    });
    expect(rounds).toBe(3);
    expect(run.failures).toEqual([]);
    const broken = loop(() => Promise.reject(new Error("no")));
    const failed = await runWorker(broken, { steps: ["start"] });
    expect(failed.failures).toEqual([new Error("no")]);
  });

  it("keeps what a hook threw, and ends the generation of a start that failed", async () => {
    const error = new Error("no");
    const run = await runWorker(scriptedWorker({ start: { ends: "fail", error } }), {
      steps: ["start"],
      after: (_, { hooks }) => expect(hooks).toHaveLength(1),
    });
    expect(run.hooks).toEqual([{ hook: "start", outcome: "threw", error, durationMs: 0 }]);
  });

  it("fences what an ended generation says", async () => {
    const worker = scriptedWorker({});
    const run = await runWorker(worker, { steps: ["start", "fail"] });
    const { context } = worker;
    expect(context?.signal.aborted).toBe(true);
    expect([context?.setReady(true), context?.reportFailure("late")]).toEqual([false, false]);
    expect(context?.admit()).toBeUndefined();
    expect(run.failures).toEqual([]);
  });

  it("rejects when a hook hangs, with what it waits on", async () => {
    const worker = scriptedWorker({ stop: { ends: "hang", onAbort: "ignore" } });
    await expect(runWorker(worker)).rejects.toThrow(
      "did not settle: no timer is set, so it would wait for ever",
    );
  });

  it.each([
    [{ steps: ["explode"] }, "script.steps[0]"],
    [{ steps: [{ advanceMs: -1 }] }, "script.steps[0].advanceMs"],
    [{ steps: [{}] }, "script.steps[0].advanceMs"],
    [{ steps: "start" }, "script.steps"],
    [{ uses: [db] }, "script.uses[0]"],
    [{ clock: {} }, "script.clock"],
    [{ speed: 1 }, "script.speed"],
  ])("refuses the script %j", async (script, path) => {
    await expect(runWorker(scriptedWorker(), script as object)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      details: { path },
    });
  });

  it("refuses what is no worker, and a dependency without a state", async () => {
    await expect(runWorker({ start: 1 } as never)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      details: { path: "worker.start" },
    });
    const run = await runWorker(
      { start: ({ use }) => use(db), stop: () => {} },
      { steps: ["start"] },
    );
    expect(run.hooks[0]?.error).toMatchObject({
      code: "INVALID_OPTION",
      details: { path: "script.uses", value: '"none"' },
    });
  });
});
