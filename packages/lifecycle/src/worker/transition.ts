// The one place where a worker changes: written whole, then told, and only then do signals abort.

import type { WorkerState } from "@workerkit/contracts";
import type { ClosingReason } from "../runtime/core.ts";
import { crashes, type WorkerFailure } from "./failure.ts";
import type { Generation } from "./generation.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import { isLegal } from "./states.ts";

/** How a worker is in its new state, beyond the state itself. */
export interface Outcome {
  /** Default false. */
  readonly ready?: boolean;
  /** Default false. */
  readonly acceptingWork?: boolean;
  /** What felled it. */
  readonly failure?: WorkerFailure;
}

/** Takes a worker to another state; what abort listeners do then is a change of its own. */
export function transition(
  worker: RegisteredWorker,
  to: WorkerState,
  reason: string,
  outcome: Outcome = NEITHER,
): void {
  const { core, state: from, generation } = worker;
  if (!isLegal(from, to)) {
    throw new Error(`worker ${worker.fullName} must not go from ${from} to ${to}`);
  }
  const { ready = false, acceptingWork = false, failure } = outcome;
  const at = core.clock.now();
  const wasReady = worker.ready;
  const wasAccepting = worker.acceptingWork;

  worker.state = to;
  worker.ready = ready;
  worker.acceptingWork = acceptingWork;
  worker.cameFrom = from;
  worker.changedAt = at;
  worker.reason = reason;
  if (to === "starting") worker.counted = true;
  if (to === "draining") worker.drainBegan = core.nextNumber();
  if (to === "running") {
    worker.startedAt = at;
    worker.lastFailure = undefined;
    core.startedAt ??= at;
  }
  if (failure !== undefined) {
    worker.lastFailure = { code: failure.code, message: failure.message, at };
  }
  const ends = to === "failed" || to === "restarting" || from === "stopping";
  if (ends && generation !== undefined) generation.ended = true;
  core.tally.moved(worker, from);
  if (core.closingListeners.length > 0) {
    const closing = CLOSING[to];
    if (closing !== undefined) close(worker, closing);
  }

  if (!core.hub.silent) {
    const { hub } = core;
    if (hub.wants("worker:transition")) {
      hub.emit("worker:transition", { ...core.eventOf(worker), at, from, to, reason });
    }
    tellFlags(worker, wasReady, wasAccepting);
  }
  if (failure !== undefined) tellFailure(worker, failure);
  core.refresh(worker.name, reason, at);

  if (generation !== undefined) abortSignals(generation, to);
  if (to === "running" || to === "failed" || to === "stopped") tellDependants(worker);
}

/** Changes what a worker says of its readiness and admission; nothing happens when nothing changes. */
export function setFlags(worker: RegisteredWorker, ready: boolean, acceptingWork: boolean): void {
  const { core, ready: wasReady, acceptingWork: wasAccepting } = worker;
  if (ready === wasReady && acceptingWork === wasAccepting) return;
  worker.ready = ready;
  worker.acceptingWork = acceptingWork;
  core.tally.judge(worker);
  tellFlags(worker, wasReady, wasAccepting);
  core.refresh(worker.name, ready ? "ready" : "not ready");
}

/** Notes a failure that leaves the state as it is. */
export function recordFailure(worker: RegisteredWorker, failure: WorkerFailure): void {
  worker.lastFailure = {
    code: failure.code,
    message: failure.message,
    at: worker.core.clock.now(),
  };
  tellFailure(worker, failure);
}

/** Ends a generation that no transition ends: a failed attempt to start that is followed by another. */
export function endGeneration(generation: Generation): void {
  generation.ended = true;
  abortSignals(generation, "failed");
}

const NEITHER: Outcome = {};

/** Which states close a worker to work from outside, and why. */
const CLOSING: Readonly<Partial<Record<WorkerState, ClosingReason>>> = {
  draining: "drain",
  stopping: "stop",
  failed: "failure",
  restarting: "failure",
};

function close(worker: RegisteredWorker, why: ClosingReason): void {
  for (const listener of worker.core.closingListeners) listener(worker, why);
}

function abortSignals(generation: Generation, to: WorkerState): void {
  if (to === "draining") {
    generation.abortDraining("stop");
  } else if (to === "stopping") {
    generation.abortDraining("stop");
    generation.abortSignal("stop");
  } else if (to === "failed" || to === "restarting") {
    generation.abortDraining("failure");
    generation.abortSignal("failure");
    generation.failLeases();
  }
}

function tellDependants({ core, name }: RegisteredWorker): void {
  if (core.dependants.size === 0) return;
  const dependants = core.dependants.get(name);
  if (dependants === undefined) return;
  for (const { current } of dependants) current?.dependencyMoved();
}

function tellFlags(worker: RegisteredWorker, wasReady: boolean, wasAccepting: boolean): void {
  const { core, ready, acceptingWork } = worker;
  if (ready !== wasReady && core.hub.wants("worker:readiness")) {
    core.hub.emit("worker:readiness", { ...core.eventOf(worker), ready });
  }
  if (acceptingWork !== wasAccepting && core.hub.wants("worker:admission")) {
    core.hub.emit("worker:admission", { ...core.eventOf(worker), acceptingWork });
  }
}

function tellFailure(worker: RegisteredWorker, failure: WorkerFailure): void {
  const { core } = worker;
  if (core.hub.wants("worker:failure")) {
    const { phase, attempt, final, panic, code, message, error } = failure;
    core.hub.emit("worker:failure", {
      ...core.eventOf(worker),
      ...{ phase, attempt, final, panic, code, message, error },
    });
  } else if (failure.final) {
    // A dead worker is never silent.
    process.emitWarning(
      `Worker ${worker.fullName} failed and nobody listens to worker:failure. ${failure.text}`,
      { code: "WORKERKIT_WORKER_FAILED" },
    );
  }
  if (crashes(worker, failure)) core.crash(failure.error);
}
