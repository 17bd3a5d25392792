// Deadlines by the thousand: one list, and one timer, for each distinct limit, since equal limits fall due in the order they began.

import type { Clock, ClockTimer } from "./clock.ts";

/** Something with a limit; what extends it is its own list entry, so that a deadline costs no object. */
export abstract class Deadline {
  /** @internal */ list: DeadlineList | undefined = undefined;
  /** @internal */ previous: Deadline | undefined = undefined;
  /** @internal */ next: Deadline | undefined = undefined;
  /** @internal */ dueMs = 0;

  /** Called once when the limit has passed; what it throws is thrown by the clock's timer, and holds up no other deadline. */
  abstract onDeadline(): void;
}

/** The deadlines of one clock. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #label: string;
  readonly #lists = new Map<number, DeadlineList>();

  constructor(clock: Clock, label: string) {
    this.#clock = clock;
    this.#label = label;
  }

  /** Lets `deadline` fall due `afterMs` from now, 1 at the least, as timers do; one that is set already is moved. `Infinity` only unsets it. Returns the present moment of the monotonic clock. */
  set(deadline: Deadline, afterMs: number): number {
    deadline.list?.remove(deadline);
    if (afterMs === Number.POSITIVE_INFINITY) return this.#clock.monotonicMs();
    const limitMs = Math.max(1, afterMs || 1);
    let list = this.#lists.get(limitMs);
    if (list === undefined) {
      list = new DeadlineList(this.#clock, limitMs, this.#label, this.#lists);
      this.#lists.set(limitMs, list);
    }
    return list.append(deadline);
  }

  /** Takes a deadline back. */
  clear(deadline: Deadline): void {
    deadline.list?.remove(deadline);
  }

  /** Clears the timers that nothing waits for any more; until then an unused timer lingers, without holding the process. */
  release(): void {
    for (const list of this.#lists.values()) list.release();
  }
}

/** Above so many distinct limits an emptied list goes at once: computed limits never come back, and would linger by the thousand. */
const MOST_LISTS = 32;

/** All deadlines of one limit, oldest first, under one timer. */
class DeadlineList {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #label: string;
  readonly #lists: Map<number, DeadlineList>;
  #first: Deadline | undefined = undefined;
  #last: Deadline | undefined = undefined;
  #timer: ClockTimer | undefined = undefined;

  constructor(clock: Clock, limitMs: number, label: string, lists: Map<number, DeadlineList>) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#label = label;
    this.#lists = lists;
  }

  append(deadline: Deadline): number {
    const now = this.#clock.monotonicMs();
    deadline.list = this;
    deadline.dueMs = now + this.#limitMs;
    deadline.previous = this.#last;
    if (this.#last === undefined) {
      this.#first = deadline;
      if (this.#timer === undefined) this.#arm(this.#limitMs);
      else this.#timer.ref();
    } else {
      this.#last.next = deadline;
    }
    this.#last = deadline;
    return now;
  }

  remove(deadline: Deadline): void {
    const { previous, next } = deadline;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    deadline.list = undefined;
    deadline.previous = undefined;
    deadline.next = undefined;
    if (this.#first !== undefined) return;
    // The timer stays for the next deadline: setting and clearing one costs 20 times a ref and unref (230 to 10 ns).
    if (this.#lists.size > MOST_LISTS) this.release();
    else this.#timer?.unref();
  }

  release(): void {
    if (this.#first !== undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    // A deadline that fires may release its list and set another of the same limit, which has a list of its own then.
    if (this.#lists.get(this.#limitMs) === this) this.#lists.delete(this.#limitMs);
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(this.#fire, delayMs, { label: this.#label });
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    const now = this.#clock.monotonicMs();
    try {
      while (this.#first !== undefined && this.#first.dueMs <= now) {
        const deadline = this.#first;
        this.remove(deadline);
        deadline.onDeadline();
      }
    } finally {
      if (this.#first === undefined) this.release();
      else if (this.#timer === undefined) this.#arm(this.#first.dueMs - this.#clock.monotonicMs());
    }
  };
}
