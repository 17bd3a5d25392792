// Operations on one worker take turns in call order; this is a turn, and the queue of them.

import { WorkerkitError } from "@workerkit/contracts";
import type { HookRun } from "./hook-run.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import type { WorkerOperation } from "./states.ts";

/** Who waits for the end of an operation; exactly one of the two is called, once. */
export interface Waiter {
  done(): void;
  failed(error: unknown): void;
}

export abstract class Operation {
  abstract readonly kind: WorkerOperation | "restart";
  readonly worker: RegisteredWorker;
  #settled = false;
  // Nearly every operation has one waiter, so only a second one costs a set.
  #first: Waiter | undefined = undefined;
  #others: Set<Waiter> | undefined = undefined;

  constructor(worker: RegisteredWorker) {
    this.worker = worker;
  }

  /** Its turn has come: says whether it keeps the turn, to give it back by `endTurn`, or was over at once. */
  abstract begin(): boolean;

  /** The hook that it is waiting for, if it waits for one. */
  get running(): HookRun | undefined {
    return undefined;
  }

  /** Code of the worker has outlived its grace. */
  leftBehind(_label: string, _ageMs: number): void {}

  /** No work of the worker is in flight any more. */
  workerIdle(): void {}

  /** The worker failed under the operation. */
  workerFailed(): void {}

  /** Something that the worker depends on runs, or runs no longer. */
  dependencyMoved(): void {}

  /** Takes a later operation into itself, instead of letting it wait its turn. */
  receive(_operation: Operation): boolean {
    return false;
  }

  /** All who waited for it have gone. */
  forsaken(_reason: unknown): void {}

  join(waiter: Waiter): void {
    if (this.#first === undefined) {
      this.#first = waiter;
    } else {
      this.#others ??= new Set();
      this.#others.add(waiter);
    }
  }

  leave(waiter: Waiter, reason: unknown): void {
    if (this.#first === waiter) this.#first = undefined;
    else this.#others?.delete(waiter);
    const none = this.#first === undefined && (this.#others?.size ?? 0) === 0;
    if (none && !this.#settled) this.forsaken(reason);
  }

  /** Moves everyone who waits here to another operation. */
  handOver(to: Operation): void {
    for (const waiter of this.#take()) to.join(waiter);
  }

  succeed(): void {
    if (this.#settled) return;
    this.#settled = true;
    const first = this.#first;
    this.#first = undefined;
    first?.done();
    if (this.#others !== undefined) for (const waiter of this.#take()) waiter.done();
  }

  fail(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const waiter of this.#take()) waiter.failed(error);
  }

  /** Ends for everyone who waits, because a stop came. */
  interrupted(): void {
    if (this.#settled) return;
    const { fullName } = this.worker;
    this.fail(
      new WorkerkitError(
        "INTERRUPTED",
        `the ${this.kind} of worker ${fullName} gave way to a stop`,
        {
          details: { worker: fullName, operation: this.kind },
        },
      ),
    );
  }

  #take(): Waiter[] {
    const waiters = this.#first === undefined ? [] : [this.#first];
    if (this.#others !== undefined) waiters.push(...this.#others);
    this.#first = undefined;
    this.#others = undefined;
    return waiters;
  }
}

/** Gives an operation its turn: at once when nothing is ahead of it. */
export function takeTurn(operation: Operation): void {
  const { worker } = operation;
  if (worker.current === undefined && worker.waiting === undefined) {
    worker.current = operation;
    if (!operation.begin()) endTurn(operation);
  } else if (worker.current?.receive(operation) !== true) {
    worker.waiting ??= [];
    worker.waiting.push(operation);
  }
}

/** Ends a turn: the next operation in line begins in the same stretch. */
export function endTurn(operation: Operation): void {
  const { worker } = operation;
  if (worker.current !== operation) return;
  worker.current = undefined;
  while (worker.current === undefined && worker.waiting !== undefined) {
    const next = worker.waiting.shift();
    if (worker.waiting.length === 0) worker.waiting = undefined;
    if (next === undefined) return;
    worker.current = next;
    if (!next.begin() && worker.current === next) worker.current = undefined;
  }
}

/** Takes an operation out of the line before its turn; says whether it was there. */
export function leaveLine(operation: Operation): boolean {
  const { worker } = operation;
  const place = worker.waiting?.indexOf(operation) ?? -1;
  if (place < 0) return false;
  worker.waiting?.splice(place, 1);
  if (worker.waiting?.length === 0) worker.waiting = undefined;
  return true;
}

/** What was called before a stop and still waits its turn is over (L2). */
export function interruptWaiting(worker: RegisteredWorker): void {
  const { waiting } = worker;
  worker.waiting = undefined;
  if (waiting !== undefined) for (const operation of waiting) operation.interrupted();
}

/** The error for an operation that its worker's state does not allow. */
export function refusal(
  worker: RegisteredWorker,
  operation: WorkerOperation | "unregister",
  why = `it is ${worker.state}`,
): WorkerkitError {
  return new WorkerkitError(
    "INVALID_WORKER_STATE",
    `worker ${worker.fullName} cannot ${operation}: ${why}`,
    { details: { worker: worker.fullName, operation, state: worker.state } },
  );
}
