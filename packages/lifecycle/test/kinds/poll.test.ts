import type { PollOptions, WorkContext } from "@workerkit/lifecycle";
import { describe, expect, it, vi } from "vitest";
import { wrong } from "../hostile.ts";
import { gate } from "../worker/gate.ts";
import { polling } from "./polling.ts";

describe("W3 when it runs", () => {
  it("W3 runs at once, and rests everyMs after the end of each run", async () => {
    const hosted = polling((ctx) => ctx.sleep(30));
    await hosted.start();
    await hosted.clock.advance(300);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 130", "run 3 at 260"]);
    await hosted.end();
  });

  it("W3 never overlaps itself, however long a run takes", async () => {
    const slow = gate();
    const hosted = polling((_ctx, nth) => (nth === 1 ? slow.promise : undefined));
    await hosted.start();
    await hosted.clock.advance(10_000);
    expect(hosted.log).toEqual(["run 1 at 0"]);
    slow.open(undefined);
    await hosted.clock.advance(100);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 10100"]);
    await hosted.end();
  });

  it("W3 waits initialDelayMs for its first run", async () => {
    const hosted = polling(() => {}, { initialDelayMs: 40 });
    await hosted.start();
    expect(hosted.status()).toMatchObject({ state: "running", ready: true, nextRunAt: 40 });
    await hosted.clock.advance(39);
    expect(hosted.log).toEqual([]);
    await hosted.clock.advance(1);
    expect(hosted.log).toEqual(["run 1 at 40"]);
    await hosted.end();
  });

  it.each([
    [0, 0.1, 90],
    [1, 0.1, 110],
    [0, undefined, 90],
    [0.75, 0.5, 125],
    [0, 0, 100],
    [0, 1, 0],
  ])("W3 with chance at %f and jitter %s it rests for %i", async (chance, jitter, restMs) => {
    const hosted = polling(() => {}, { jitter }, { random: () => chance });
    await hosted.start();
    expect(hosted.status().nextRunAt).toBe(restMs);
    await hosted.end();
  });

  it("W3 next says how long to rest, without jitter, and is told of the last run", async () => {
    const told: unknown[] = [];
    const next: PollOptions["next"] = (last) => {
      told.push(last);
      return told.length === 1 ? 7 : 1_000;
    };
    const hosted = polling((ctx) => ctx.sleep(20), { next }, { random: () => 0 });
    await hosted.start();
    await hosted.clock.advance(27);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 27"]);
    await hosted.clock.advance(999);
    expect(hosted.log).toHaveLength(2);
    expect(told).toEqual([
      { startedAt: 0, durationMs: 20, outcome: "ok" },
      { startedAt: 27, durationMs: 20, outcome: "ok" },
    ]);
    await hosted.end();
  });

  it.each([
    ["nothing", () => undefined, 100],
    ["no number", () => "soon", 100],
    ["NaN", () => Number.NaN, 100],
    ["a promise that rejects", () => Promise.reject(new Error("nonsense")), 100],
    ["less than 0", () => -5, 0],
    ["Infinity", () => Number.POSITIVE_INFINITY, 2 ** 31 - 1],
  ])("W3 when next returns %s it rests for %s ms", async (_name, next, restMs) => {
    const hosted = polling(() => {}, { next: wrong(next) });
    await hosted.start();
    expect(hosted.status().nextRunAt).toBe(restMs);
    await hosted.end();
  });

  it("W3 a next that throws harms nobody: the process is warned, and it rests everyMs", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const hosted = polling(() => {}, {
      next: () => {
        throw new Error("broken");
      },
    });
    await hosted.start();
    await hosted.clock.advance(100);
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 100"]);
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
    await hosted.end();
  });

  it("W3 with everyMs Infinity it runs again only when it is triggered", async () => {
    const everyMs = Number.POSITIVE_INFINITY;
    const hosted = polling(() => {}, { everyMs, jitter: 1 }, { random: () => 0 });
    await hosted.start();
    await hosted.clock.advance(1e9);
    expect(hosted.log).toEqual(["run 1 at 0"]);
    expect(hosted.status()).not.toHaveProperty("nextRunAt");
    hosted.worker.trigger();
    await hosted.clock.flush();
    expect(hosted.log).toEqual(["run 1 at 0", "run 2 at 1000000000"]);
    await hosted.end();
  });
});

describe("W3 what status shows", () => {
  it("W3 notes the last run and when the next is due", async () => {
    const hosted = polling((ctx) => ctx.sleep(30));
    await hosted.start();
    expect(hosted.status()).not.toHaveProperty("lastRun");
    expect(hosted.status()).not.toHaveProperty("nextRunAt");
    expect(hosted.status()).toMatchObject({ kind: "poll", inFlight: 1 });
    await hosted.clock.advance(30);
    expect(hosted.status()).toMatchObject({
      inFlight: 0,
      lastRun: { startedAt: 0, durationMs: 30, outcome: "ok" },
      nextRunAt: 130,
    });
    await hosted.clock.advance(100);
    expect(hosted.status()).toHaveProperty("lastRun.startedAt", 0);
    expect(hosted.status()).not.toHaveProperty("nextRunAt");
    await hosted.end();
    expect(hosted.status()).not.toHaveProperty("nextRunAt");
  });

  it("W3 shows no next run that an earlier generation was due", async () => {
    const contexts: WorkContext<void>[] = [];
    const second = gate();
    const hosted = polling((ctx, nth) => {
      contexts.push(ctx);
      return nth === 2 ? second.promise : undefined;
    });
    await hosted.start();
    contexts[0]?.reportFailure(new Error("broken"));
    await hosted.start();
    expect(hosted.status()).toMatchObject({ state: "running", generation: 2, inFlight: 1 });
    expect(hosted.status()).not.toHaveProperty("nextRunAt");
    second.open(undefined);
    await hosted.end();
  });

  it("W3 has noted a run when the last work in flight is released", async () => {
    const hosted = polling((ctx) => ctx.sleep(30));
    await hosted.start();
    const idle = hosted.runtime.waitIdle("w").then(() => hosted.status().lastRun);
    await hosted.clock.advance(30);
    expect(await idle).toEqual({ startedAt: 0, durationMs: 30, outcome: "ok" });
    await hosted.end();
  });

  it("W3 is ready as any worker is by default, and after the first success with readyAfter", async () => {
    const hosted = polling(
      (_ctx, nth) => {
        if (nth === 1) throw new Error("not yet");
      },
      { readyAfter: "first-success", onError: "continue" },
    );
    await hosted.start();
    expect(hosted.status()).toMatchObject({ state: "running", ready: false });
    await hosted.clock.advance(100);
    expect(hosted.status()).toMatchObject({ state: "running", ready: true });
    await hosted.end();
  });

  it("W3 what a run said of its readiness stands, by default", async () => {
    const hosted = polling((ctx, nth) => nth === 1 && ctx.setReady(false));
    await hosted.start();
    await hosted.clock.advance(250);
    expect(hosted.log).toHaveLength(3);
    expect(hosted.status()).toMatchObject({ ready: false });
    await hosted.end();
  });

  it("W3 a run that has said it is not ready is believed after the first success too", async () => {
    const hosted = polling((ctx, nth) => nth === 2 && ctx.setReady(false), {
      readyAfter: "first-success",
    });
    await hosted.start();
    await hosted.clock.advance(250);
    expect(hosted.log).toHaveLength(3);
    expect(hosted.status()).toMatchObject({ ready: false });
    await hosted.end();
  });
});
