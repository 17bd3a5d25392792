// Operations on all workers: one at a time in call order, except that their end overtakes everything.

import { WorkerkitError } from "@workerkit/contracts";
import { beginDrain, DrainOperation } from "../worker/drain.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { FLUSH_LIMIT_MS, type RuntimeCore } from "./core.ts";
import { type AllEnded, Ending, type WorkerEnd } from "./end-all.ts";
import { StartAll, type StartAllOptions } from "./start-all.ts";
import { tellWhatHolds } from "./waiting.ts";

/** An operation on all workers; calls of the same kind share one. */
export interface BulkOperation {
  readonly kind: "startAll" | "drainAll" | "end";
  readonly result: Promise<unknown>;
  /** Whether a call that comes now can share it. */
  readonly joinable: boolean;
  /** Its turn has come; settles when it is over, and never rejects. */
  begin(): Promise<void>;
  /** The end of all workers overtakes it. */
  interrupt(): void;
}

/** How a shutdown went. */
export interface ShutdownReport {
  readonly durationMs: number;
  /** The workers that were stopped, in the order of their end. */
  readonly workers: readonly WorkerEnd[];
}

export class BulkLine {
  readonly #core: RuntimeCore;
  #current: BulkOperation | undefined = undefined;
  #waiting: BulkOperation[] = [];

  constructor(core: RuntimeCore) {
    this.#core = core;
  }

  startAll(options: StartAllOptions): StartAll {
    const same = this.#find((operation) => operation instanceof StartAll);
    return same ?? this.#submit(new StartAll(this.#core, options));
  }

  drainAll(): DrainAll {
    const same = this.#find((operation) => operation instanceof DrainAll);
    return same ?? this.#submit(new DrainAll(this.#core));
  }

  /** Ends all workers, or joins their end: nothing else goes on beside it. `limit` sets limits of the caller's own. */
  end(why: "stopAll" | "shutdown", limit: (end: EndAll) => void = () => {}): EndAll {
    const current = this.#current;
    const overtaken = this.#waiting;
    this.#waiting = [];
    for (const operation of overtaken) operation.interrupt();
    if (current instanceof EndAll && current.joinable) {
      if (why === "shutdown") current.becomeShutdown();
      limit(current);
      return current;
    }
    this.#current = undefined;
    current?.interrupt();
    const end = new EndAll(this.#core, why);
    limit(end);
    return this.#submit(end);
  }

  #find<Kind extends BulkOperation>(
    is: (operation: BulkOperation) => operation is Kind,
  ): Kind | undefined {
    // Only the last in line: what comes between must not be overtaken by joining what came before it.
    const last = this.#waiting.at(-1) ?? this.#current;
    return last !== undefined && is(last) && last.joinable ? last : undefined;
  }

  #submit<Kind extends BulkOperation>(operation: Kind): Kind {
    operation.result.catch(() => {}); // its callers hear of it
    if (this.#current === undefined) this.#begin(operation);
    else this.#waiting.push(operation);
    return operation;
  }

  #begin(operation: BulkOperation): void {
    this.#current = operation;
    void operation.begin().then(() => {
      if (this.#current !== operation) return;
      this.#current = undefined;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#begin(next);
    });
  }
}

/** Drains every worker that runs or is about to: all are closed before any hook runs (L7). */
export class DrainAll implements BulkOperation {
  readonly kind = "drainAll";
  readonly result: Promise<void>;
  readonly #core: RuntimeCore;
  #begun = false;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined = undefined;

  constructor(core: RuntimeCore) {
    this.#core = core;
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  async begin(): Promise<void> {
    this.#begun = true;
    const drains: DrainOperation[] = [];
    const ends: Promise<void>[] = [];
    for (const worker of this.#core.workers.values()) {
      if (worker.state !== "running" && worker.state !== "starting") continue;
      const drain = new DrainOperation(worker);
      drain.hold();
      ends.push(new Promise((done, failed) => drain.join({ done, failed })));
      beginDrain(drain);
      drains.push(drain);
    }
    for (const drain of drains) drain.release();
    const errors = (await Promise.allSettled(ends))
      .filter((end) => end.status === "rejected")
      .map(({ reason }) => reason);
    if (errors.length === 0) this.#settle?.resolve();
    else this.#settle?.reject(new AggregateError(errors, `${errors.length} workers did not drain`));
  }

  /** Once begun it closes no worker that comes later. */
  get joinable(): boolean {
    return !this.#begun || ![...this.#core.workers.values()].some(isOpen);
  }

  /** Once begun it is taken over with its workers; before that it is over. */
  interrupt(): void {
    if (this.#begun) return;
    this.#settle?.reject(
      new WorkerkitError("INTERRUPTED", "the drain of all workers gave way to their end"),
    );
  }
}

/** Whether a worker runs, or is about to, and no drain has closed it. */
function isOpen({ state, drainWaits }: RegisteredWorker): boolean {
  return state === "running" || (state === "starting" && !drainWaits);
}

/** Ends all workers: no start, no restart and no work from outside until it is over. */
export class EndAll implements BulkOperation {
  readonly kind = "end";
  readonly result: Promise<AllEnded & { readonly durationMs: number }>;
  readonly #core: RuntimeCore;
  readonly #ending: Ending;
  readonly #beganMs: number;
  joinable = true;
  #resolve: ((ended: AllEnded & { readonly durationMs: number }) => void) | undefined = undefined;

  constructor(core: RuntimeCore, why: "stopAll" | "shutdown") {
    this.#core = core;
    this.#beganMs = core.clock.monotonicMs();
    core.closing = why;
    core.tally.closed = true;
    this.#ending = new Ending(core, core.workers.values(), why === "stopAll" ? "stop all" : why);
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  async begin(): Promise<void> {
    const core = this.#core;
    if (core.closingListeners.length > 0) {
      for (const worker of core.workers.values()) core.close(worker, "shutdown");
    }
    core.refresh("runtime", core.closing === "shutdown" ? "shutdown" : "stop all");
    const stopTelling = tellWhatHolds(core, {
      phase: () => (core.closing === "shutdown" ? "shutdown" : "stop"),
      workers: () => core.workers.values(),
      endByMs: () => this.#ending.endByMs,
    });
    const ended = await this.#ending.run();
    stopTelling();
    if (core.closing === "shutdown") {
      for (const waiter of core.readyWaiters) waiter();
      await core.hub.flush(FLUSH_LIMIT_MS);
      core.deadlines.release();
    }
    core.closing = undefined;
    this.joinable = false;
    this.#resolve?.({ ...ended, durationMs: core.clock.monotonicMs() - this.#beganMs });
  }

  /** Nothing overtakes it; who wants the same joins. */
  interrupt(): void {}

  becomeShutdown(): void {
    this.#core.closing = "shutdown";
  }

  /** Ends within `timeoutMs` from now, if that is sooner than so far. */
  within(timeoutMs: number): void {
    this.#ending.endBy(this.#core.clock.monotonicMs() + timeoutMs);
  }

  /** From now on nothing drains and nothing waits for idle workers. */
  hurry(): void {
    this.#ending.hurry();
  }
}
