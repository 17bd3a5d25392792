// A unit of work in flight: drain waits for it, the cut aborts it, and past its grace it is abandoned.

import type { Generation } from "./generation.ts";
import type { Lease } from "./worker.ts";

export type LeaseState = "open" | "abandoned" | "ended";

/** The runtime's side of a lease; it is its own list entry. */
export class WorkLease {
  readonly generation: Generation;
  readonly label: string;
  readonly sinceMs: number;
  /** Its place in the order of all that was admitted and drained in the runtime. */
  readonly number: number;
  state: LeaseState = "open";
  previous: WorkLease | undefined = undefined;
  next: WorkLease | undefined = undefined;
  /** Who else wants to know that the work must end. */
  onAbort: ((reason: unknown) => void) | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #abortedBy: (() => unknown) | undefined = undefined;

  constructor(generation: Generation, label: string, sinceMs: number) {
    this.generation = generation;
    this.label = label;
    this.sinceMs = sinceMs;
    this.number = generation.worker.core.nextNumber();
  }

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
    this.onAbort?.(reason());
  }

  release(): void {
    const { state } = this;
    if (state === "ended") return;
    this.state = "ended";
    if (state === "open") this.generation.closeLease(this);
    else this.generation.abandonedEnded();
  }

  /** Leaves the work to itself: nothing waits for it any more, and it is counted as abandoned until it is released. */
  abandon(): void {
    if (this.state !== "open") return;
    this.state = "abandoned";
    this.generation.abandonLease(this);
  }
}

/** The worker's side of a lease. */
export function publicLease(lease: WorkLease): Lease {
  return {
    label: lease.label,
    get signal() {
      return lease.signal;
    },
    release: () => lease.release(),
    [Symbol.dispose]: () => lease.release(),
  };
}
