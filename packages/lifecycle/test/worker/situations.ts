// Every state of a worker, and every way of being in it that makes a difference: how to get a worker there.

import type { WorkerState } from "@workerkit/contracts";
import { constant } from "@workerkit/retry";
import { type Behaviour, behave } from "./behaviour.ts";
import { type Rig, rig } from "./rig.ts";

/** A worker in a situation, with the hook that goes on in it under a behaviour of its own. */
export interface Situation {
  readonly name: string;
  readonly state: WorkerState;
  /** The hook that goes on in this situation, if one does. */
  readonly running?: "start" | "drain" | "stop";
  /** Brings a new worker there. */
  reach(worker: Scripted, behaviour: Behaviour): Promise<void>;
}

export interface Scripted extends Rig {
  /** What the next calls of each hook do; then they return at once. */
  readonly script: Record<"start" | "drain" | "stop", Behaviour[]>;
  /** Calls an operation that nobody waits for. */
  ask(operation: "start" | "drain" | "stop"): void;
}

/** Limits that differ, so that a mix-up shows. */
export const LIMITS = {
  startTimeoutMs: 3_000,
  stopTimeoutMs: 2_000,
  drainTimeoutMs: 1_500,
  graceMs: 1_000,
} as const;
const BACKOFF_MS = 700;
const RETRY_MS = 800;

/** A worker whose hooks follow a script. */
export function scripted(options: { readonly restarts?: boolean } = {}): Scripted {
  const script: Scripted["script"] = { start: [], drain: [], stop: [] };
  const built: Rig = rig({
    ...LIMITS,
    startRetry: { nextDelayMs: (attempt) => (retries && attempt === 1 ? RETRY_MS : undefined) },
    ...(options.restarts && { restart: { backoff: constant(BACKOFF_MS) } }),
    start: (ctx, call) => behave(next("start"), built.clock)(ctx, call),
    drain: (ctx, call) => behave(next("drain"), built.clock)(ctx, call),
    stop: (ctx, call) => behave(next("stop"), built.clock)(ctx, call),
  });
  const next = (hook: keyof typeof script) => script[hook].shift() ?? "returns";
  // Only a script that says so has a second attempt.
  let retries = false;
  return {
    ...built,
    script,
    ask(operation) {
      retries = script.start[0] === "throws" && script.start.length > 1;
      built.runtime[operation]("w").catch(() => {});
    },
  };
}

const fail = (worker: Scripted) => worker.context().reportFailure(new Error("down"));

async function run(worker: Scripted): Promise<void> {
  worker.ask("start");
  await worker.clock.flush();
}

export const SITUATIONS: readonly Situation[] = [
  { name: "registered", state: "registered", async reach() {} },
  {
    name: "starting",
    state: "starting",
    running: "start",
    async reach(worker, behaviour) {
      worker.script.start.push(behaviour);
      worker.ask("start");
    },
  },
  {
    name: "starting, between two attempts",
    state: "starting",
    async reach(worker) {
      worker.script.start.push("throws", "returns");
      await run(worker);
    },
  },
  {
    name: "starting, cleaning up after a failure",
    state: "starting",
    running: "stop",
    async reach(worker, behaviour) {
      await run(worker);
      fail(worker);
      worker.script.stop.push(behaviour);
      worker.ask("start");
    },
  },
  { name: "running", state: "running", reach: run },
  {
    name: "restarting, cleaning up",
    state: "restarting",
    running: "stop",
    async reach(worker, behaviour) {
      await run(worker);
      worker.script.stop.push(behaviour);
      fail(worker);
    },
  },
  {
    name: "restarting, in backoff",
    state: "restarting",
    async reach(worker) {
      await run(worker);
      fail(worker);
      await worker.clock.flush();
    },
  },
  {
    name: "draining",
    state: "draining",
    running: "drain",
    async reach(worker, behaviour) {
      await run(worker);
      worker.script.drain.push(behaviour);
      worker.ask("drain");
    },
  },
  {
    name: "draining, drained",
    state: "draining",
    async reach(worker) {
      await run(worker);
      worker.ask("drain");
      await worker.clock.flush();
    },
  },
  {
    name: "draining, to stop",
    state: "draining",
    running: "drain",
    async reach(worker, behaviour) {
      await run(worker);
      worker.script.drain.push(behaviour);
      worker.ask("stop");
    },
  },
  {
    name: "stopping",
    state: "stopping",
    running: "stop",
    async reach(worker, behaviour) {
      await run(worker);
      worker.script.stop.push(behaviour);
      worker.ask("drain");
      await worker.clock.flush();
      worker.ask("stop");
    },
  },
  {
    name: "stopped",
    state: "stopped",
    async reach(worker) {
      await run(worker);
      worker.ask("stop");
      await worker.clock.flush();
    },
  },
  {
    name: "failed to start",
    state: "failed",
    async reach(worker) {
      worker.script.start.push("throws");
      await run(worker);
    },
  },
  {
    name: "failed, never cleaned up",
    state: "failed",
    async reach(worker) {
      await run(worker);
      fail(worker);
    },
  },
  {
    name: "failed, its drain hook running",
    state: "failed",
    running: "drain",
    async reach(worker, behaviour) {
      await run(worker);
      worker.script.drain.push(behaviour);
      worker.ask("drain");
      fail(worker);
    },
  },
  {
    name: "failed, its stop hook abandoned",
    state: "failed",
    running: "stop",
    async reach(worker, behaviour) {
      await run(worker);
      worker.script.stop.push(behaviour);
      worker.ask("stop");
      await worker.clock.advance(LIMITS.stopTimeoutMs + LIMITS.graceMs);
    },
  },
];

/** Whether the hook that goes on in a situation can be of this behaviour. */
export function fits({ name, running }: Situation, behaviour: Behaviour): boolean {
  if (running === undefined) return behaviour === "returns";
  if (name.endsWith("abandoned")) return behaviour === "hangs" || behaviour.endsWith("late");
  if (name === "failed, its drain hook running" && behaviour === "obeys") return false;
  return behaviour !== "returns" && behaviour !== "throws";
}
