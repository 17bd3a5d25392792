// Who waits, in the order of coming: a linked list through the waiters themselves, so that leaving early takes one step.

import { type Clock, Deadline, Deadlines, onAbort, type Unsubscribe } from "@workerkit/contracts";

/** A line of callers, each waiting for one `Ticket`, for its signal to abort, or for its time to run out. */
export class WaitingLine<Ticket> {
  readonly #deadlines: Deadlines;
  readonly #timedOut: (timeoutMs: number) => Error;
  #first: Waiter<Ticket> | undefined = undefined;
  #last: Waiter<Ticket> | undefined = undefined;
  #length = 0;
  #timed = false;

  /** `timedOut` makes the error of a caller who waited too long, when it has left. */
  constructor(clock: Clock, label: string, timedOut: (timeoutMs: number) => Error) {
    this.#deadlines = new Deadlines(clock, label);
    this.#timedOut = timedOut;
  }

  get length(): number {
    return this.#length;
  }

  /** Joins at the end; the signal must not have aborted yet. */
  join(signal: AbortSignal | undefined, timeoutMs: number): Promise<Ticket> {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(resolve, () => {
        this.#leave(waiter);
        reject(this.#timedOut(timeoutMs));
      });
      this.#append(waiter);
      if (timeoutMs !== Number.POSITIVE_INFINITY) this.#limit(waiter, timeoutMs);
      if (signal === undefined) return;
      waiter.stopListening = onAbort(signal, () => {
        this.#leave(waiter);
        reject(signal.reason);
      });
    });
  }

  /** Gives the ticket to the first in line. */
  serve(ticket: Ticket): void {
    const waiter = this.#first;
    if (waiter === undefined) return;
    this.#leave(waiter);
    waiter.resolve(ticket);
  }

  /** Clears the timers that nobody waits by any more. */
  clearTimers(): void {
    if (!this.#timed) return;
    this.#timed = false;
    this.#deadlines.release();
  }

  #limit(waiter: Waiter<Ticket>, timeoutMs: number): void {
    this.#timed = true;
    this.#deadlines.set(waiter, timeoutMs);
  }

  #append(waiter: Waiter<Ticket>): void {
    waiter.before = this.#last;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.after = waiter;
    this.#last = waiter;
    this.#length++;
  }

  #leave(waiter: Waiter<Ticket>): void {
    const { before, after } = waiter;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.#length--;
    this.#deadlines.clear(waiter);
    waiter.stopListening?.();
  }
}

class Waiter<Ticket> extends Deadline {
  readonly resolve: (ticket: Ticket) => void;
  override readonly onDeadline: () => void;
  before: Waiter<Ticket> | undefined = undefined;
  after: Waiter<Ticket> | undefined = undefined;
  stopListening: Unsubscribe | undefined = undefined;

  constructor(resolve: (ticket: Ticket) => void, onDeadline: () => void) {
    super();
    this.resolve = resolve;
    this.onDeadline = onDeadline;
  }
}
