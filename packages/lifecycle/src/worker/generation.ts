// One life of a worker, from one attempt to start to its end: its signals, its state, its work in flight.

import { Deadline, WorkerkitError } from "@workerkit/contracts";
import { Context } from "./context.ts";
import type { WorkLease } from "./lease.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import { StallWatch } from "./stall.ts";
import type { WorkerContext } from "./worker.ts";

/** Why signals of a generation abort. */
export type AbortCause = "stop" | "failure";

export class Generation {
  readonly worker: RegisteredWorker;
  readonly number: number;
  readonly context: WorkerContext<unknown>;
  /** Undefined for a worker without `stallTimeoutMs`, which pays nothing for it. */
  readonly stall: StallWatch | undefined;

  /** Once over, nothing of it changes anything but its own slot. */
  ended = false;
  /** Once a stop has cut off what is in flight, no more work begins. */
  cut = false;
  /** What start returned. */
  value: unknown = undefined;
  /** Whether start returned, and no stop hook has succeeded since: there is something to clean up. */
  uncleaned = false;
  /** Whether a stop hook was ever called for it. */
  stopHookCalled = false;

  /** What the worker said of itself during start. */
  wantsReady: boolean | undefined = undefined;
  wantsWork: boolean | undefined = undefined;
  reported: { readonly error: unknown } | undefined = undefined;

  // Signals and reasons are made when they are first read: most never are, and each costs as much as a start.
  #signal: AbortController | undefined = undefined;
  #draining: AbortController | undefined = undefined;
  #signalAborted: AbortCause | undefined = undefined;
  #drainingAborted: AbortCause | undefined = undefined;
  #stopReason: WorkerkitError | undefined = undefined;
  #failReason: WorkerkitError | undefined = undefined;

  #firstLease: WorkLease | undefined = undefined;
  #lastLease: WorkLease | undefined = undefined;
  #grace: Grace | undefined = undefined;

  constructor(worker: RegisteredWorker, number: number) {
    this.worker = worker;
    this.number = number;
    this.context = new Context(this);
    this.stall =
      worker.policy.stallTimeoutMs === Number.POSITIVE_INFINITY ? undefined : new StallWatch(this);
  }

  /** The generation's lifetime. */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#signal = new AbortController();
      if (this.#signalAborted) this.#signal.abort(this.reason(this.#signalAborted));
    }
    return this.#signal.signal;
  }

  /** Aborts before `signal`, when drain begins. */
  get draining(): AbortSignal {
    if (this.#draining === undefined) {
      this.#draining = new AbortController();
      if (this.#drainingAborted) this.#draining.abort(this.reason(this.#drainingAborted));
    }
    return this.#draining.signal;
  }

  abortDraining(cause: AbortCause): void {
    if (this.#drainingAborted !== undefined) return;
    this.#drainingAborted = cause;
    this.#draining?.abort(this.reason(cause));
  }

  abortSignal(cause: AbortCause): void {
    if (this.#signalAborted !== undefined) return;
    this.#signalAborted = cause;
    this.stall?.end();
    this.#signal?.abort(this.reason(cause));
  }

  /** What the signals of this generation abort with; the same error for all of them. */
  reason(cause: AbortCause): WorkerkitError {
    const { fullName } = this.worker;
    if (cause === "stop") {
      this.#stopReason ??= new WorkerkitError("WORKER_STOPPING", `worker ${fullName} is stopping`);
      return this.#stopReason;
    }
    this.#failReason ??= new WorkerkitError("WORKER_FAILED", `worker ${fullName} has failed`);
    return this.#failReason;
  }

  /** Takes a unit of work in. */
  admit(lease: WorkLease, nowMs: number = this.worker.core.clock.monotonicMs()): void {
    const { worker } = this;
    lease.generation = this;
    lease.state = "open";
    lease.sinceMs = nowMs;
    lease.number = worker.core.nextNumber();
    lease.previousLease = this.#lastLease;
    if (this.#lastLease === undefined) this.#firstLease = lease;
    else this.#lastLease.nextLease = lease;
    this.#lastLease = lease;
    worker.inFlight += 1;
    worker.core.inFlight += 1;
    this.stall?.opened();
  }

  /** The work in flight, oldest first. */
  *leases(): Iterable<WorkLease> {
    let lease = this.#firstLease;
    while (lease !== undefined) {
      const { nextLease } = lease;
      yield lease;
      lease = nextLease;
    }
  }

  get busy(): boolean {
    return this.#firstLease !== undefined;
  }

  /** Aborts all work in flight and says how much there was. */
  abortLeases(cause: AbortCause): number {
    if (!this.busy) return 0;
    const leases = [...this.leases()];
    for (const lease of leases) lease.abort(() => this.reason(cause));
    return leases.length;
  }

  /** Abandons all work in flight and returns it. */
  abandonLeases(): WorkLease[] {
    const leases = [...this.leases()];
    for (const lease of leases) lease.abandon();
    return leases;
  }

  /** Ends the work of a failed generation: aborts it now, abandons what is left of it after the grace. */
  failLeases(): void {
    if (!this.busy) return;
    this.#grace = new Grace(this);
    this.worker.core.deadlines.set(this.#grace, this.worker.policy.graceMs);
    this.abortLeases("failure");
  }

  /** Whether no work of a failed generation is left that is not abandoned. */
  get quiet(): boolean {
    return this.#grace === undefined;
  }

  /** Calls back, at once or later, when it is quiet. */
  whenQuiet(listener: () => void): void {
    if (this.#grace === undefined) listener();
    else this.#grace.listeners.push(listener);
  }

  /** Ends the grace of a failed generation at the latest in `afterMs`. */
  hurryGrace(afterMs: number): void {
    const grace = this.#grace;
    if (grace !== undefined) grace.hurry(afterMs);
  }

  closeLease(lease: WorkLease): void {
    this.#unlink(lease);
    this.stall?.closed();
    this.worker.core.workEnded(this.worker);
    this.#checkQuiet();
  }

  abandonLease(lease: WorkLease): void {
    this.#unlink(lease);
    this.stall?.closed();
    this.worker.core.abandoned(this.worker, this, "lease", lease.label, lease.sinceMs);
    this.worker.core.workEnded(this.worker);
    this.#checkQuiet();
  }

  abandonedEnded(): void {
    this.worker.core.abandonedEnded(this.worker);
  }

  #unlink(lease: WorkLease): void {
    const { previousLease: previous, nextLease: next } = lease;
    if (previous === undefined) this.#firstLease = next;
    else previous.nextLease = next;
    if (next === undefined) this.#lastLease = previous;
    else next.previousLease = previous;
    lease.previousLease = undefined;
    lease.nextLease = undefined;
  }

  #checkQuiet(): void {
    const grace = this.#grace;
    if (grace === undefined || this.busy) return;
    this.#grace = undefined;
    this.worker.core.deadlines.clear(grace);
    for (const listener of grace.listeners) listener();
  }
}

/** The grace of a failed generation. */
class Grace extends Deadline {
  readonly generation: Generation;
  readonly listeners: (() => void)[] = [];

  constructor(generation: Generation) {
    super();
    this.generation = generation;
  }

  hurry(afterMs: number): void {
    const { core } = this.generation.worker;
    if (core.clock.monotonicMs() + afterMs < this.dueMs) core.deadlines.set(this, afterMs);
  }

  override onDeadline(): void {
    this.generation.abandonLeases();
  }
}
