import { defineWorker } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { createTestRuntime, scriptedWorker, type WorkerScript } from "../src/index.ts";

function rig(script: WorkerScript, policy: { readonly graceMs?: number } = {}) {
  const worker = scriptedWorker(script);
  const test = createTestRuntime({ workers: [defineWorker({ name: "db", worker, ...policy })] });
  return { ...test, worker };
}

describe("a scripted worker", () => {
  it("succeeds at once where its script says nothing", async () => {
    const { runtime, settle, worker, end } = rig({});
    await settle(() => runtime.start("db"));
    await end();
    expect(worker.calls.map(({ hook, outcome }) => `${hook} ${outcome}`)).toEqual([
      "start succeeded",
      "stop succeeded",
    ]);
  });

  it("fails as often as it is told to, and then goes on with its last step", async () => {
    const { runtime, settle, end } = rig({ start: [{ ends: "fail", times: 2 }, "succeed"] });
    for (const expected of ["rejected", "rejected", "fulfilled", "fulfilled"]) {
      const [start] = await Promise.allSettled([settle(() => runtime.start("db"))]);
      expect(start.status).toBe(expected);
      await settle(() => runtime.stop("db"));
    }
    await end();
  });

  it("throws from the call itself when told to", async () => {
    const error = new Error("at once");
    const { runtime, settle, end } = rig({ start: { ends: "fail", sync: true, error } });
    await expect(settle(() => runtime.start("db"))).rejects.toBe(error);
    await end();
  });

  it("returns the value of its step, or else its state", async () => {
    const { runtime, settle, worker } = rig({ start: [{ value: "first" }, "succeed"], state: "s" });
    await settle(() => runtime.start("db"));
    expect(worker.context?.state).toBe("first");
    await settle(() => runtime.stop("db"));
    await settle(() => runtime.start("db"));
    expect(worker.context?.state).toBe("s");
  });

  it("hangs until its signal aborts, and obeys it", async () => {
    const { runtime, clock, settle, end } = rig({ stop: "hang" });
    await settle(() => runtime.start("db"));
    const error = await settle(() => runtime.stop("db")).catch((reason) => reason);
    expect(error.code).toBe("TIMEOUT");
    expect(clock.monotonicMs()).toBe(30_000);
    await end().catch(() => {});
  });

  it("ignores its signal when told to, and is abandoned", async () => {
    const { runtime, settle } = rig({ stop: { ends: "hang", onAbort: "ignore" } });
    await settle(() => runtime.start("db"));
    const error = await settle(() => runtime.stop("db")).catch((reason) => reason);
    expect(error.code).toBe("ABANDONED");
    expect(runtime.worker("db")?.abandoned).toBe(1);
  });

  it("ends late, in the grace or after it", async () => {
    const late = { ends: "hang", onAbort: { afterMs: 1_500, ends: "succeed" } } as const;
    for (const [graceMs, code] of [
      [2_000, "TIMEOUT"],
      [1_000, "ABANDONED"],
    ] as const) {
      const { runtime, advance, settle, worker } = rig({ start: late }, { graceMs });
      const start = settle(() => runtime.start("db")).catch((error) => error.code);
      // A value within the grace counts.
      expect(await start).toBe(code === "TIMEOUT" ? undefined : code);
      await advance(2_000);
      expect(worker.calls[0]?.outcome).toBe("succeeded");
    }
  });

  it("is a loop when its script says what it runs", async () => {
    const { runtime, settle, advance, end } = rig({ run: { afterMs: 5_000, ends: "fail" } });
    await settle(() => runtime.start("db"));
    expect(runtime.worker("db")?.kind).toBe("loop");
    await advance(5_000);
    expect(runtime.worker("db")?.state).toBe("failed");
    await end();
  });

  it.each([
    [{ start: "explode" }, "script.start", '"succeed" or "fail" or "hang"'],
    [{ start: [] }, "script.start", "at least one step"],
    [{ stop: [{ afterMs: -1 }] }, "script.stop[0].afterMs", "a number of ms, 0 or more"],
    [{ run: 5 }, "script.run", '"succeed", "fail", "hang", or { ends, afterMs, ... }'],
    [{ stop: { onAbort: "maybe" } }, "script.stop.onAbort", '"obey" or "ignore"'],
    [{ stop: { onAbort: { afterMs: 1 } } }, "script.stop.onAbort.ends", '"succeed" or "fail"'],
    [{ start: { times: 0 } }, "script.start.times", "a whole number of 1 or more"],
    [{ start: { sync: true } }, "script.start.sync", 'ends: "fail"'],
    [{ begin: "fail" }, "script.begin", "one of drain, run, start, state, stop"],
  ])("refuses %j", (script, path, expected) => {
    let error: unknown;
    try {
      scriptedWorker(script as WorkerScript);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "INVALID_OPTION", details: { path } });
    expect(String(error)).toContain(expected);
  });
});
