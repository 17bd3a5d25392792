// Starting all workers: dependencies first, side by side where they are independent, and all or nothing.

import { onAbort, WorkerkitError } from "@workerkit/contracts";
import { mapConcurrent } from "@workerkit/limits";
import { checkGraph, startOrder } from "../worker/graph.ts";
import { takeTurn, type Waiter } from "../worker/operation.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { StartOperation } from "../worker/start.ts";
import type { BulkOperation } from "./bulk.ts";
import { share } from "./caller.ts";
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
  readonly #starts: StartOperation[] = [];
  readonly #giveUp = new AbortController();
  /** The place in the order of registration up to which its workers are started, once its turn has come. */
  #lastIndex: number | undefined = undefined;
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

  /** Whether a call that comes now can share it: not once it was given up, or a worker came too late for it. */
  get joinable(): boolean {
    if (this.#giveUp.signal.aborted) return false;
    if (this.#lastIndex === undefined) return true;
    let last = -1;
    for (const { index } of this.#core.workers.values()) last = index;
    return last <= this.#lastIndex;
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
      this.#lastIndex = workers.at(-1)?.index ?? -1;
      for (const worker of workers) checkGraph(worker);
      this.#count(workers);
      const options: EnsureOptions = {
        signal,
        began: (start) => this.#starts.push(start),
      };
      // Whoever gives it up does not wait for the starts in progress.
      await share(this.#start(workers, options), signal, () => {});
      this.#settle?.resolve();
    } catch (error) {
      this.#giveUp.abort(error);
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

  async #start(workers: readonly RegisteredWorker[], options: EnsureOptions): Promise<void> {
    const { concurrency } = this.#options;
    const { signal } = options;
    if (concurrency === 1) {
      return new Promise((resolve, reject) => {
        new OneByOne(startOrder(workers), options, resolve, reject).next();
      });
    }
    const line = new FreeLine(workers);
    const startNext = async (): Promise<void> => {
      const worker = await line.next();
      await ensureRunning(worker, options);
      line.runs(worker);
    };
    await mapConcurrent(workers, startNext, { concurrency, signal });
  }

  async #rollBack(error: unknown): Promise<void> {
    const started = new Set<RegisteredWorker>();
    for (const { accepted, worker } of this.#starts) {
      if (accepted && worker.state !== "failed") started.add(worker);
    }
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

/** Workers that may start side by side: each is handed out once all that it depends on runs, ties by registration. */
class FreeLine {
  readonly #free: RegisteredWorker[] = [];
  readonly #missing = new Map<RegisteredWorker, number>();
  readonly #waiting: (() => void)[] = [];

  constructor(workers: readonly RegisteredWorker[]) {
    for (const worker of workers) {
      const missing = worker.dependencies?.length ?? 0;
      if (missing === 0) this.#free.push(worker);
      else this.#missing.set(worker, missing);
    }
  }

  /** The next worker; one caller for each worker, so whoever finds none waits for one that is starting. */
  async next(): Promise<RegisteredWorker> {
    for (;;) {
      const worker = this.#free.shift();
      if (worker !== undefined) return worker;
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  runs({ core, name }: RegisteredWorker): void {
    const dependants = core.dependants.get(name);
    if (dependants === undefined) return;
    for (const dependant of dependants) {
      const missing = (this.#missing.get(dependant) ?? 0) - 1;
      this.#missing.set(dependant, missing);
      if (missing !== 0) continue;
      this.#free.push(dependant);
      this.#waiting.shift()?.();
    }
    this.#free.sort((a, b) => a.index - b.index);
  }
}

/** Starts one worker after the other; it waits for each itself, since a promise for each would cost half as much as the start. */
class OneByOne implements Waiter {
  readonly #workers: readonly RegisteredWorker[];
  readonly #options: EnsureOptions;
  readonly #resolve: () => void;
  readonly failed: (error: unknown) => void;
  #place = 0;
  #over = false;

  constructor(
    workers: readonly RegisteredWorker[],
    options: EnsureOptions,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#workers = workers;
    this.#options = options;
    this.#resolve = resolve;
    this.failed = reject;
    // A field of its own: `signal.aborted` costs a start as much as a transition's look at the table.
    onAbort(options.signal, () => {
      this.#over = true;
      reject(options.signal.reason);
    });
  }

  done(): void {
    this.next();
  }

  next(): void {
    const { began } = this.#options;
    for (;;) {
      if (this.#over) return;
      const worker = this.#workers[this.#place];
      if (worker === undefined) return this.#resolve();
      this.#place += 1;
      if (worker.current === undefined) {
        if (worker.state === "running") continue;
        const start = new StartOperation(worker);
        began(start, this);
        start.join(this);
        return takeTurn(start);
      }
      const running = ensureRunning(worker, this.#options);
      if (running === undefined) continue;
      running.then(() => this.next(), this.failed);
      return;
    }
  }
}
