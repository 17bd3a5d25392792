// The state and readiness of a runtime, kept up to date worker by worker, so that neither ever costs a walk over all of them.

import type { RuntimeState, WorkerState } from "@workerkit/contracts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";

/** Which workers a runtime waits for before it is ready. */
export type ReadinessPolicy = "contributing-workers" | "all-workers";

/** The numbers that state and readiness follow from. */
export interface Counts {
  /** How many workers are in each state. */
  readonly inState: Readonly<Record<WorkerState, number>>;
  /** Failed workers whose policy is `fail-runtime`. */
  readonly runtimeFailing: number;
  /** Failed workers whose policy is `mark-runtime-unready` or `fail-runtime`. */
  readonly markingUnready: number;
  /** Workers that count and are not both running and ready. */
  readonly blocking: number;
  /** Whether stopAll or shutdown has closed admission. */
  readonly closed: boolean;
}

/** The state of a runtime: the first of these that applies (R1). */
export function runtimeState(counts: Counts): RuntimeState {
  const { inState } = counts;
  if (counts.runtimeFailing > 0) return "failed";
  if (inState.starting > 0 || inState.restarting > 0) return "starting";
  if (inState.draining > 0) return "draining";
  if (inState.stopping > 0) return "stopping";
  if (inState.running > 0) return "running";
  if (inState.failed > 0) return "failed";
  if (inState.stopped > 0) return "stopped";
  return "registered";
}

/** Whether a runtime is ready (R2). */
export function runtimeReady(counts: Counts): boolean {
  return (
    counts.inState.running > 0 &&
    counts.blocking === 0 &&
    counts.markingUnready === 0 &&
    !counts.closed
  );
}

export class Tally implements Counts {
  readonly #policy: ReadinessPolicy;
  readonly inState: Record<WorkerState, number> = {
    registered: 0,
    starting: 0,
    running: 0,
    restarting: 0,
    draining: 0,
    stopping: 0,
    stopped: 0,
    failed: 0,
  };
  markingUnready = 0;
  closed = false;
  readonly #runtimeFailing = new Set<RegisteredWorker>();
  /** The workers that keep the runtime from being ready, those who have done so longest first: a list through the workers themselves. */
  #firstBlocker: RegisteredWorker | undefined = undefined;
  #lastBlocker: RegisteredWorker | undefined = undefined;
  blocking = 0;

  constructor(policy: ReadinessPolicy) {
    this.#policy = policy;
  }

  get runtimeFailing(): number {
    return this.#runtimeFailing.size;
  }

  /** The worker whose failure has failed the runtime, if one has. */
  get firstRuntimeFailing(): RegisteredWorker | undefined {
    for (const worker of this.#runtimeFailing) return worker;
    return undefined;
  }

  /** The first ten of the workers that keep the runtime from being ready, in the order of registration. */
  firstBlocking(): RegisteredWorker[] {
    const first: RegisteredWorker[] = [];
    for (let worker = this.#firstBlocker; worker !== undefined; worker = worker.nextBlocker) {
      if (first.push(worker) === 10) break;
    }
    return first.sort((a, b) => a.index - b.index);
  }

  add(worker: RegisteredWorker): void {
    this.inState[worker.state] += 1;
  }

  remove(worker: RegisteredWorker): void {
    this.inState[worker.state] -= 1;
    this.#countFailed(worker, worker.state, false);
    this.#setBlocks(worker, false);
  }

  /** Notes that a worker has gone from one state to its present one. */
  moved(worker: RegisteredWorker, from: WorkerState): void {
    this.inState[from] -= 1;
    this.inState[worker.state] += 1;
    this.#countFailed(worker, from, false);
    this.#countFailed(worker, worker.state, true);
    this.judge(worker);
  }

  /** Notes whether a worker now keeps the runtime from being ready. */
  judge(worker: RegisteredWorker): void {
    if (!worker.counted) return;
    if (!worker.policy.contributesToReadiness && this.#policy === "contributing-workers") return;
    this.#setBlocks(worker, !(worker.ready && worker.state === "running"));
  }

  #setBlocks(worker: RegisteredWorker, blocks: boolean): void {
    if (worker.blocks === blocks) return;
    worker.blocks = blocks;
    if (blocks) {
      this.blocking += 1;
      worker.previousBlocker = this.#lastBlocker;
      if (this.#lastBlocker === undefined) this.#firstBlocker = worker;
      else this.#lastBlocker.nextBlocker = worker;
      this.#lastBlocker = worker;
      return;
    }
    this.blocking -= 1;
    const { previousBlocker: previous, nextBlocker: next } = worker;
    if (previous === undefined) this.#firstBlocker = next;
    else previous.nextBlocker = next;
    if (next === undefined) this.#lastBlocker = previous;
    else next.previousBlocker = previous;
    worker.previousBlocker = undefined;
    worker.nextBlocker = undefined;
  }

  #countFailed(worker: RegisteredWorker, state: WorkerState, failed: boolean): void {
    if (state !== "failed") return;
    const { failurePolicy } = worker.policy;
    if (failurePolicy !== "isolate") this.markingUnready += failed ? 1 : -1;
    if (failurePolicy !== "fail-runtime") return;
    if (failed) this.#runtimeFailing.add(worker);
    else this.#runtimeFailing.delete(worker);
  }
}
