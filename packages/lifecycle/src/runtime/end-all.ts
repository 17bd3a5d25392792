// Ending all workers: level by level, dependants first, side by side within a level, under one budget if there is one.

import { levelsOf } from "../worker/graph.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { OPERATIONS } from "../worker/states.ts";
import { type Level, type StopOperation, stopWorker } from "../worker/stop.ts";
import { ownLimits, type StopLimits } from "../worker/stop-limits.ts";
import type { RuntimeCore } from "./core.ts";

/** What became of one worker. */
export interface WorkerEnd {
  /** The local name of the worker. */
  readonly worker: string;
  readonly outcome: "stopped" | "failed";
  /** How long it drained, in ms. */
  readonly drainMs: number;
  /** How long its end took after that, in ms. */
  readonly stopMs: number;
  /** Units of work that the cut aborted. */
  readonly aborted: number;
  /** Code that was left behind. */
  readonly abandoned: readonly { readonly label: string; readonly ageMs: number }[];
}

/** How all workers ended. */
export interface AllEnded {
  readonly workers: readonly WorkerEnd[];
  readonly errors: readonly unknown[];
}

export class Ending {
  readonly #core: RuntimeCore;
  readonly #reason: string;
  readonly #ends: WorkerEnd[] = [];
  readonly #errors: unknown[] = [];
  #levels: RegisteredWorker[][];
  #level: StopLevel | undefined = undefined;
  #endByMs = Number.POSITIVE_INFINITY;
  #hurried = false;

  constructor(core: RuntimeCore, workers: Iterable<RegisteredWorker>, reason: string) {
    this.#core = core;
    this.#reason = reason;
    this.#levels = levelsOf(workers).reverse();
  }

  /** The moment at which it ends at the latest. */
  get endByMs(): number {
    return this.#endByMs;
  }

  /** Ends by this moment of the monotonic clock, if that is sooner than so far. */
  endBy(endByMs: number): void {
    if (endByMs >= this.#endByMs) return;
    this.#endByMs = endByMs;
    this.#level?.hurry(this.#limits());
  }

  /** From now on nothing drains and nothing waits for idle workers. */
  hurry(): void {
    this.#hurried = true;
    this.#level?.hurry(this.#limits());
  }

  /** Stops all of them; it goes on after failures and never rejects. */
  async run(): Promise<AllEnded> {
    for (;;) {
      const workers = this.#next();
      if (workers === undefined) break;
      this.#level = new StopLevel(workers, this.#reason);
      for (const { worker, report, failure } of await this.#level.stop(this.#limits())) {
        if (failure !== undefined) this.#errors.push(failure.error);
        const outcome = failure === undefined ? "stopped" : "failed";
        this.#ends.push({ worker: worker.name, outcome, ...report });
      }
      this.#level = undefined;
    }
    return { workers: this.#ends, errors: this.#errors };
  }

  #next(): RegisteredWorker[] | undefined {
    for (let level = this.#levels.shift(); level !== undefined; level = this.#levels.shift()) {
      const workers = level.filter(needsStop);
      if (workers.length > 0) return workers;
    }
    return undefined;
  }

  /** A level's share is what is left, divided by the levels that still hold a worker to stop (B3). */
  #limits(): (worker: RegisteredWorker) => StopLimits {
    const now = this.#core.clock.monotonicMs();
    const drainByMs = this.#hurried ? now : Number.POSITIVE_INFINITY;
    if (this.#endByMs === Number.POSITIVE_INFINITY) {
      return (worker) => ({ ...ownLimits(worker), drainByMs });
    }
    const levels = 1 + this.#levels.filter((level) => level.some(needsStop)).length;
    const shareMs = Math.max(0, this.#endByMs - now) / levels;
    return (worker) => {
      const own = ownLimits(worker);
      return {
        ...own,
        graceMs: Math.min(own.graceMs, shareMs / 16),
        drainByMs: Math.min(drainByMs, now + (shareMs * 3) / 4),
        endByMs: now + shareMs,
      };
    };
  }
}

function needsStop({ state }: RegisteredWorker): boolean {
  return OPERATIONS.stop[state] !== "nothing";
}

interface Stopped {
  readonly worker: RegisteredWorker;
  readonly report: StopOperation["report"];
  failure: { readonly error: unknown } | undefined;
}

/** Workers of one level; none goes on to its stop hook before all are idle or cut. */
class StopLevel implements Level {
  readonly #workers: readonly RegisteredWorker[];
  readonly #reason: string;
  readonly #operations: StopOperation[] = [];
  /** Those that are neither idle nor cut. */
  readonly #busy = new Set<RegisteredWorker>();
  #launched = false;

  constructor(workers: readonly RegisteredWorker[], reason: string) {
    this.#workers = workers;
    this.#reason = reason;
  }

  stop(limitsOf: (worker: RegisteredWorker) => StopLimits): Promise<Stopped[]> {
    return new Promise((resolve) => {
      const stopped: Stopped[] = [];
      let left = this.#workers.length;
      const end = () => {
        left -= 1;
        if (left === 0) resolve(stopped);
      };
      for (const worker of this.#workers) this.#busy.add(worker);
      for (const worker of this.#workers) {
        let result: Stopped | undefined;
        let failure: Stopped["failure"];
        const waiter = {
          done: end,
          failed(error: unknown) {
            failure = { error };
            if (result !== undefined) result.failure = failure;
            end();
          },
        };
        const operation = stopWorker(worker, waiter, limitsOf(worker), {
          reason: this.#reason,
          level: this,
        });
        if (operation === undefined) {
          this.#noLongerBusy(worker);
        } else {
          this.#operations.push(operation);
          result = { worker, report: operation.report, failure };
          stopped.push(result);
        }
      }
      this.#launched = true;
      this.#proceedTogether();
    });
  }

  hurry(limitsOf: (worker: RegisteredWorker) => StopLimits): void {
    for (const operation of this.#operations) operation.bringForward(limitsOf(operation.worker));
  }

  reached({ worker }: StopOperation): void {
    this.#noLongerBusy(worker);
  }

  #noLongerBusy(worker: RegisteredWorker): void {
    if (this.#busy.delete(worker) && this.#launched) this.#proceedTogether();
  }

  #proceedTogether(): void {
    if (this.#busy.size > 0) return;
    // While they waited for each other, one may have been given new work by another.
    for (const operation of this.#operations) {
      if (!operation.idleOrCut) this.#busy.add(operation.worker);
    }
    if (this.#busy.size > 0) return;
    for (const operation of this.#operations) operation.proceed();
  }
}
