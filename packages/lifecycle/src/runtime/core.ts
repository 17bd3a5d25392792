// What all parts of a runtime share: its clock, its events, its workers, its counts. It decides nothing.

import { AsyncResource } from "node:async_hooks";
import {
  type Clock,
  Deadlines,
  type LifecyclePhase,
  type RuntimeState,
  type WorkerEvent,
} from "@workerkit/contracts";
import type { Generation } from "../worker/generation.ts";
import type { Operation } from "../worker/operation.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { EventHub, type ListenerErrorHandler } from "./hub.ts";
import { type ReadinessPolicy, runtimeReady, runtimeState, Tally } from "./tally.ts";

/** What a worker asks of its runtime from inside. */
export interface WorkerRequests {
  reportFailure(generation: Generation, error: unknown): boolean;
  stop(worker: RegisteredWorker, reason: string): void;
  shutdown(worker: RegisteredWorker, reason: string): void;
  /** Stops a worker for those who wait for this operation. */
  stopInstead(operation: Operation): void;
  /** Restarts a worker with those it depends on, where it asked for that and one of them is down. */
  followLeaders(worker: RegisteredWorker): void;
}

/** What extensions hear inside a change, before its events. */
export type ClosingListener = (worker: RegisteredWorker, why: ClosingReason) => void;

/** Why a worker takes no more work from outside; from `cut`, `stop` and `failure` on, none of any kind. */
export type ClosingReason = "drain" | "shutdown" | "cut" | "stop" | "failure";

/** How long an ending runtime waits for those who listen to its events, in ms. */
export const FLUSH_LIMIT_MS = 1_000;

export interface CoreOptions {
  readonly name: string;
  readonly version: string | undefined;
  readonly instanceId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly readiness: ReadinessPolicy;
  readonly onListenerError: ListenerErrorHandler | undefined;
}

export class RuntimeCore {
  readonly name: string;
  readonly version: string | undefined;
  readonly instanceId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly hub: EventHub;
  readonly deadlines: Deadlines;
  readonly tally: Tally;
  readonly requests: WorkerRequests;
  readonly workers: Map<string, RegisteredWorker> = new Map();
  /** The workers that name another in `dependsOn`, by that name. */
  readonly dependants: Map<string, Set<RegisteredWorker>> = new Map();
  readonly closingListeners: ClosingListener[] = [];

  state: RuntimeState = "registered";
  ready = false;
  /** The last change of state: where from, when, and which worker's change made it, in parts that cost nothing to keep. */
  cameFrom: RuntimeState | undefined = undefined;
  changedAt = 0;
  changedBy = "";
  reason = "";
  startedAt: number | undefined = undefined;
  /** What is ending all workers, if anything is: no start, no restart, no work from outside. */
  closing: "stopAll" | "shutdown" | undefined = undefined;
  inFlight = 0;
  abandonedCode = 0;
  readonly idleWaiters: Set<() => void> = new Set();
  readonly readyWaiters: Set<() => void> = new Set();
  #number = 0;
  readonly #scope = new AsyncResource("WorkerkitRuntime");

  constructor(options: CoreOptions, requests: WorkerRequests) {
    this.name = options.name;
    this.version = options.version;
    this.instanceId = options.instanceId;
    this.clock = options.clock;
    this.random = options.random;
    this.hub = new EventHub(options.clock, options.onListenerError);
    this.deadlines = new Deadlines(options.clock, `runtime ${options.name}: deadlines`);
    this.tally = new Tally(options.readiness);
    this.requests = requests;
  }

  /** Calls user code in the async context of the runtime's creation (L12). */
  call<This, Parameters extends unknown[], Result>(
    hook: (this: This, ...parameters: Parameters) => Result,
    thisArg: This,
    ...parameters: Parameters
  ): Result {
    return this.#scope.runInAsyncScope(hook, thisArg, ...parameters);
  }

  /** Numbers what was admitted and what began to drain, to tell which came first within one moment. */
  nextNumber(): number {
    this.#number += 1;
    return this.#number;
  }

  /** What every event of a worker carries. */
  eventOf(worker: RegisteredWorker, generation: number = worker.generationNumber): WorkerEvent {
    return { runtime: this.name, at: this.clock.now(), worker: worker.name, generation };
  }

  /** Tells extensions that a worker takes no more work. */
  close(worker: RegisteredWorker, why: ClosingReason): void {
    for (const listener of this.closingListeners) listener(worker, why);
  }

  /** Brings the runtime's own state and readiness up to date, and tells of what has changed. */
  refresh(who: string, what: string, at: number = this.clock.now()): void {
    const state = runtimeState(this.tally);
    if (state !== this.state) {
      const from = this.state;
      this.state = state;
      this.cameFrom = from;
      this.changedAt = at;
      this.changedBy = who;
      this.reason = what;
      if (this.hub.wants("runtime:transition")) {
        const reason = `${who}: ${what}`;
        const failing = this.tally.firstRuntimeFailing;
        this.hub.emit("runtime:transition", {
          ...{ runtime: this.name, at, from, to: state, reason },
          ...(failing !== undefined && { failedBecause: failing.name }),
        });
      }
    }
    const ready = runtimeReady(this.tally);
    if (ready === this.ready) return;
    this.ready = ready;
    if (this.hub.wants("runtime:readiness")) {
      this.hub.emit("runtime:readiness", { runtime: this.name, at, ready });
    }
    if (ready) for (const waiter of this.readyWaiters) waiter();
  }

  /** A unit of work ended or was abandoned: whoever waits for its worker, or for all, may go on. */
  workEnded(worker: RegisteredWorker): void {
    worker.inFlight -= 1;
    this.inFlight -= 1;
    if (worker.inFlight === 0) {
      worker.current?.workerIdle();
      if (worker.idleWaiters !== undefined) for (const waiter of worker.idleWaiters) waiter();
    }
    if (this.inFlight === 0) for (const waiter of this.idleWaiters) waiter();
  }

  /** Ends the process with an error outside any promise, once the events so far were heard (C6). */
  crash(error: unknown): void {
    void this.hub.flush(FLUSH_LIMIT_MS).then(() => {
      queueMicrotask(() => {
        throw error;
      });
    });
  }

  /** Code has outlived its grace and is left to itself. */
  abandoned(
    worker: RegisteredWorker,
    generation: Generation,
    phase: LifecyclePhase | "lease",
    label: string,
    sinceMs: number,
  ): void {
    worker.abandoned += 1;
    this.abandonedCode += 1;
    const ageMs = this.clock.monotonicMs() - sinceMs;
    worker.current?.leftBehind(label, ageMs);
    if (!this.hub.wants("worker:abandoned")) return;
    this.hub.emit("worker:abandoned", {
      ...this.eventOf(worker, generation.number),
      ...{ phase, label, ageMs },
    });
  }

  /** Abandoned code has ended after all. */
  abandonedEnded(worker: RegisteredWorker): void {
    worker.abandoned -= 1;
    this.abandonedCode -= 1;
  }
}
