// Starting all workers: dependencies first, side by side where they are independent, and all or nothing.

import { WorkerkitError } from "@workerkit/contracts";
import { mapConcurrent } from "@workerkit/limits";
import { checkGraph, startOrder } from "../worker/graph.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import type { BulkOperation } from "./bulk.ts";
import type { RuntimeCore } from "./core.ts";
import { Ending } from "./end-all.ts";
import { type EnsureOptions, ensureRunning } from "./ensure-running.ts";

/** How all workers are started. */
export interface StartAllOptions {
  /** How many may start side by side. Default 1. */
  readonly concurrency: number;
  /** Whether a failure stops again what was started. Default true. */
  readonly rollback: boolean;
}

export class StartAll implements BulkOperation {
  readonly kind = "startAll";
  readonly result: Promise<void>;
  readonly #core: RuntimeCore;
  readonly #options: StartAllOptions;
  readonly #started: RegisteredWorker[] = [];
  readonly #giveUp = new AbortController();
  #callers = 0;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined = undefined;
  #interrupted = false;

  constructor(core: RuntimeCore, options: StartAllOptions) {
    this.#core = core;
    this.#options = options;
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  join(): void {
    this.#callers += 1;
  }

  /** A caller's signal aborted; without callers it ends as if a start had failed. */
  leave(reason: unknown): void {
    this.#callers -= 1;
    if (this.#callers === 0) this.#giveUp.abort(reason);
  }

  /** Gives way to the end of all workers: nothing more starts, and nothing is rolled back (B1). */
  interrupt(): void {
    this.#interrupted = true;
    const error = new WorkerkitError(
      "INTERRUPTED",
      `the start of all workers of runtime ${this.#core.name} gave way to their end`,
    );
    this.#settle?.reject(error);
    this.#giveUp.abort(error);
  }

  async begin(): Promise<void> {
    const { signal } = this.#giveUp;
    try {
      signal.throwIfAborted();
      const workers = [...this.#core.workers.values()];
      for (const worker of workers) checkGraph(worker);
      this.#count(workers);
      await this.#startInOrder(startOrder(workers), {
        signal,
        began: (worker) => this.#started.push(worker),
      });
      this.#settle?.resolve();
    } catch (error) {
      if (!this.#interrupted && this.#options.rollback) await this.#rollBack(error);
      this.#settle?.reject(error);
    }
  }

  /** From now on all of them count for the runtime's readiness (R2). */
  #count(workers: readonly RegisteredWorker[]): void {
    const { tally } = this.#core;
    if (workers.length > 0) tally.closed = false;
    for (const worker of workers) {
      worker.counted = true;
      tally.judge(worker);
    }
    this.#core.refresh("runtime", "start all");
  }

  async #startInOrder(workers: readonly RegisteredWorker[], options: EnsureOptions): Promise<void> {
    const { concurrency } = this.#options;
    const { signal } = options;
    if (concurrency === 1) {
      for (const worker of workers) {
        signal.throwIfAborted();
        await ensureRunning(worker, options);
      }
      return;
    }
    const running = new Map<RegisteredWorker, Promise<void>>();
    const startAfterDependencies = async (worker: RegisteredWorker): Promise<void> => {
      await Promise.all(worker.dependencies?.map((dependency) => running.get(dependency)) ?? []);
      await ensureRunning(worker, options);
    };
    // What a worker depends on stands before it in the order, so whoever waits here waits for one that has its place.
    const startOne = (worker: RegisteredWorker): Promise<void> => {
      const started = startAfterDependencies(worker);
      running.set(worker, started);
      return started;
    };
    await mapConcurrent(workers, startOne, { concurrency, signal });
  }

  async #rollBack(error: unknown): Promise<void> {
    const started = this.#started.filter(({ state }) => state !== "failed");
    const { errors } = await new Ending(this.#core, started, "rollback").run();
    if (errors.length === 0) return;
    const both = [error, ...errors];
    this.#settle?.reject(
      new AggregateError(both, "starting all workers failed, and so did rolling it back", {
        cause: error,
      }),
    );
  }
}
