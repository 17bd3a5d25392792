// A unit of work in flight: drain waits for it, the cut aborts it, and past its grace it is abandoned.

import { Deadline } from "@workerkit/contracts";
import type { Generation } from "./generation.ts";
import type { Lease } from "./worker.ts";

/** Whether work waits to be admitted, is in flight, was left to itself, or has ended. */
export type LeaseState = "waiting" | "open" | "abandoned" | "ended";

/**
 * The runtime's side of a lease. It is its own entry in the list of its generation and has a deadline of its own, so that an
 * extension that extends it needs one object for a unit of work.
 */
export class WorkLease extends Deadline {
  label: string;
  state: LeaseState = "waiting";
  /** When it was admitted, in monotonic ms. */
  sinceMs = 0;
  /** Its place in the order of all that was admitted and drained in the runtime. */
  number = 0;
  generation: Generation | undefined = undefined;
  previousLease: WorkLease | undefined = undefined;
  nextLease: WorkLease | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #abortedBy: (() => unknown) | undefined = undefined;

  constructor(label: string) {
    super();
    this.label = label;
  }

  /** Called once when the work must end: at the cut, or when the worker fails. */
  onAbort(_reason: () => unknown): void {}

  /** Its limit has passed; a plain lease has none. */
  override onDeadline(): void {}

  get ended(): boolean {
    return this.state === "ended";
  }

  /** Made when it is first read: most work never looks. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy());
    }
    return this.#controller.signal;
  }

  /** Tells the work that it must end; only the first call counts. */
  abort(reason: () => unknown): void {
    if (this.state !== "open" || this.#abortedBy !== undefined) return;
    this.#abortedBy = reason;
    this.#controller?.abort(reason());
    this.onAbort(reason);
  }

  release(): void {
    const { state } = this;
    this.state = "ended";
    if (state === "open") this.generation?.closeLease(this);
    else if (state === "abandoned") this.generation?.abandonedEnded();
  }

  /** Leaves the work to itself: nothing waits for it any more, and it is counted as abandoned until it is released. */
  abandon(): void {
    if (this.state !== "open") return;
    this.state = "abandoned";
    this.generation?.abandonLease(this);
  }
}

/** The worker's side of a lease. */
export function publicLease(lease: WorkLease): Lease {
  return new PublicLease(lease);
}

/** The runtime's side of what `ctx.admit` returned; undefined for anything else. */
export function workLeaseOf(lease: object): WorkLease | undefined {
  return PublicLease.sideOf(lease);
}

/** Holds the other side itself: a WeakMap of all leases made the garbage collector take half of a stream's time. */
class PublicLease implements Lease {
  readonly #lease: WorkLease;
  readonly label: string;
  readonly release: () => void;

  constructor(lease: WorkLease) {
    this.#lease = lease;
    this.label = lease.label;
    this.release = () => lease.release();
  }

  static sideOf(lease: object): WorkLease | undefined {
    return #lease in lease ? lease.#lease : undefined;
  }

  get signal(): AbortSignal {
    return this.#lease.signal;
  }

  [Symbol.dispose](): void {
    this.#lease.release();
  }
}
