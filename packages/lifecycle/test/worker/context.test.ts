// L10: what a worker may say of itself, in which state, and that an ended generation says nothing.

import type { WorkerState } from "@workerkit/contracts";
import { defineWorker, type WorkerContext } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { rig } from "./rig.ts";
import { SITUATIONS, scripted } from "./situations.ts";

const COUNTS: Readonly<Record<string, readonly WorkerState[]>> = {
  "setReady(true)": ["starting", "running"],
  "setReady(false)": ["starting", "running", "draining"],
  "setAcceptingWork(true)": ["starting", "running"],
  "setAcceptingWork(false)": ["starting", "running", "draining"],
  "reportFailure(error)": ["starting", "running", "draining", "stopping"],
  "reportFailure(undefined)": ["starting", "running", "draining", "stopping"],
  "admit()": ["starting", "running", "draining"],
  "heartbeat()": ["starting", "running", "draining", "stopping"],
};

const SAY: Readonly<Record<string, (ctx: WorkerContext<unknown>) => unknown>> = {
  "setReady(true)": ({ setReady }) => setReady(true),
  "setReady(false)": ({ setReady }) => setReady(false),
  "setAcceptingWork(true)": ({ setAcceptingWork }) => setAcceptingWork(true),
  "setAcceptingWork(false)": ({ setAcceptingWork }) => setAcceptingWork(false),
  "reportFailure(error)": ({ reportFailure }) => reportFailure(new Error("down")),
  "reportFailure(undefined)": ({ reportFailure }) => reportFailure(undefined),
  "admit()": ({ admit }) => admit() !== undefined,
  "heartbeat()": ({ heartbeat }) => heartbeat(),
};

/** Where the last context belongs to a generation that has ended although its worker is in a state that counts. */
const ENDED = ["starting, between two attempts", "starting, cleaning up after a failure"];

describe.each(SITUATIONS)("a worker that is $name", (situation) => {
  it.each(Object.keys(COUNTS))(
    "L10 says %s when that counts, and else changes nothing",
    async (what) => {
      const worker = scripted({ restarts: situation.state === "restarting" });
      await situation.reach(worker, situation.name.endsWith("abandoned") ? "hangs" : "obeys");
      const ctx = worker.contexts.start.at(-1);
      if (ctx === undefined) return expect(situation.name).toBe("registered");
      expect(worker.state()).toBe(situation.state);
      await worker.told();
      const before = worker.status();
      const counts = COUNTS[what]?.includes(situation.state) && !ENDED.includes(situation.name);
      expect(SAY[what]?.(ctx)).toBe(counts === true);
      if (!counts) {
        expect(worker.status()).toEqual(before);
        expect(await worker.told()).toEqual([]);
      }
      await worker.end();
    },
  );
});

describe("a context", () => {
  it("L10 tells readiness and admission when they change, and only then", async () => {
    const { runtime, context, told, status, end } = rig();
    await runtime.start("w");
    await told();
    const { setReady, setAcceptingWork } = context();
    expect([setReady(true), setAcceptingWork(true)]).toEqual([true, true]);
    expect(await told()).toEqual([]);
    setReady(false);
    expect(await told()).toEqual(["not ready", "runtime not ready"]);
    setAcceptingWork(false);
    expect(await told()).toEqual(["not accepting"]);
    setReady(true);
    setAcceptingWork(true);
    expect(await told()).toEqual(["ready", "runtime ready", "accepting"]);
    expect(status()).toMatchObject({ ready: true, acceptingWork: true });
    await end();
  });

  it("L10 of an ended generation throws at nothing, whatever it is given", async () => {
    const { runtime, context, told, status, end } = rig();
    await runtime.start("w");
    const ctx = context();
    await runtime.stop("w");
    await told();
    const before = status();
    const nonsense = Symbol("nonsense") as never;
    expect(ctx.setReady(nonsense)).toBe(false);
    expect(ctx.setAcceptingWork(nonsense)).toBe(false);
    expect(ctx.reportFailure(nonsense)).toBe(false);
    expect(ctx.admit(nonsense)).toBe(undefined);
    expect(ctx.note({ not: () => "cloneable" })).toBe(false);
    expect(ctx.emit("check:end", nonsense)).toBe(false);
    expect(ctx.heartbeat()).toBe(false);
    expect(ctx.requestStop(nonsense)).toBe(false);
    expect(ctx.requestShutdown(nonsense)).toBe(false);
    expect([status(), await told()]).toEqual([before, []]);
    await end();
  });

  it("L10 of an ended generation stays ended while the next one runs", async () => {
    const { runtime, contexts, told, status, end } = rig();
    await runtime.start("w");
    await runtime.stop("w");
    await runtime.start("w");
    await told();
    const [old, current] = contexts.start;
    expect(old?.setReady(false)).toBe(false);
    expect(old?.reportFailure(new Error("stale"))).toBe(false);
    expect(old?.requestStop("stale")).toBe(false);
    expect(status()).toMatchObject({ state: "running", ready: true, generation: 2 });
    expect(await told()).toEqual([]);
    expect(current?.setReady(false)).toBe(true);
    await end();
  });

  it("L10 says undefined for a failure too", async () => {
    const { runtime, context, heard, status, clock, end } = rig();
    await runtime.start("w");
    expect(context().reportFailure(undefined)).toBe(true);
    await clock.flush();
    expect(status()).toMatchObject({ state: "failed", lastFailure: { code: "WORKER_FAILED" } });
    const failure = heard.find(([name]) => name === "worker:failure")?.[1];
    expect(failure).toMatchObject({ error: expect.any(Error) });
    await end();
  });

  it("L10 binds its methods, so that each may be passed on", async () => {
    const { runtime, context, clock, state, end } = rig();
    await runtime.start("w");
    const { requestStop, sleep, status, heartbeat } = context();
    expect(heartbeat()).toBe(true);
    expect(status()).toEqual(runtime.worker("w"));
    const slept = sleep(5).then(() => clock.monotonicMs());
    await clock.advance(5);
    expect(await slept).toBe(5);
    expect(requestStop("enough")).toBe(true);
    await clock.flush();
    expect(state()).toBe("stopped");
    await end();
  });

  it("L10 ends a sleep with the reason of its signal", async () => {
    const { runtime, context, clock, end } = rig();
    await runtime.start("w");
    const { sleep, signal } = context();
    const woken: unknown[] = [];
    sleep(10_000).catch((reason) => woken.push(reason));
    await runtime.stop("w");
    sleep(10_000).catch((reason) => woken.push(reason));
    await clock.flush();
    expect(woken).toEqual([signal.reason, signal.reason]);
    await end();
  });

  it("L10 refuses claims that are no claims while it lives", async () => {
    const { runtime, context, end } = rig();
    await runtime.start("w");
    const { setReady } = context();
    expect(() => setReady("yes" as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
    await end();
  });
});

describe("ctx.use", () => {
  const db = defineWorker({ name: "db", worker: { start: () => ({ pool: 1 }), stop: () => {} } });
  const other = defineWorker({ name: "other", worker: { start: () => {}, stop: () => {} } });

  it("D4 gives the state of a dependency that runs or drains, in the stop hook too", async () => {
    const seen: unknown[] = [];
    const { runtime, end } = rig({
      others: [db],
      dependsOn: [db],
      start: (ctx) => seen.push(ctx.use(db)),
      stop: (ctx) => seen.push(ctx.use(db)),
    });
    await runtime.startAll();
    await runtime.drainAll();
    await runtime.stopAll();
    expect(seen).toEqual([{ pool: 1 }, { pool: 1 }]);
    await end();
  });

  it("D4 refuses a dependency that does not run, and one that was not declared", async () => {
    const { runtime, context, end } = rig({ others: [db, other], dependsOn: [db] });
    await runtime.startAll();
    const ctx = context();
    expect(() => ctx.use(other)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    await runtime.stop("w");
    expect(ctx.use(db)).toEqual({ pool: 1 });
    await runtime.stop("db");
    expect(() => ctx.use(db)).toThrow(
      expect.objectContaining({
        code: "INVALID_WORKER_STATE",
        details: { worker: "rt/db", state: "stopped" },
      }),
    );
    await end();
  });
});
