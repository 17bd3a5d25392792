// The timers of a fake clock, in the order in which they fall due.

import type { ClockTimer } from "./clock.ts";

/** A timer that a fake clock holds. */
export class FakeTimer implements ClockTimer {
  readonly callback: () => void;
  readonly dueMs: number;
  readonly sequence: number;
  readonly label: string;
  refed: boolean;
  /** Where its heap holds it, if it still does. */
  index = -1;

  constructor(
    callback: () => void,
    dueMs: number,
    sequence: number,
    label: string,
    refed: boolean,
  ) {
    this.callback = callback;
    this.dueMs = dueMs;
    this.sequence = sequence;
    this.label = label;
    this.refed = refed;
  }

  ref(): void {
    this.refed = true;
  }

  unref(): void {
    this.refed = false;
  }

  isBefore(other: FakeTimer): boolean {
    return (
      this.dueMs < other.dueMs || (this.dueMs === other.dueMs && this.sequence < other.sequence)
    );
  }
}

/** The timers that are set; a binary heap in which a timer knows its place, so that clearing one among thousands is cheap. */
export class TimerHeap {
  readonly #timers: FakeTimer[] = [];

  peek(): FakeTimer | undefined {
    return this.#timers[0];
  }

  push(timer: FakeTimer): void {
    this.#timers.push(timer);
    this.#rise(timer, this.#timers.length - 1);
  }

  remove(timer: FakeTimer): void {
    // A timer that has fired, or stands in another clock's heap, is none of this one's.
    if (this.#timers[timer.index] !== timer) return;
    const last = this.#timers.pop();
    if (last !== undefined && last !== timer) {
      const hole = timer.index;
      this.#rise(last, hole);
      this.#sink(last, last.index);
    }
  }

  sorted(): FakeTimer[] {
    return [...this.#timers].sort((a, b) => (a.isBefore(b) ? -1 : 1));
  }

  #rise(timer: FakeTimer, from: number): void {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#timers[above];
      if (parent === undefined || parent.isBefore(timer)) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(timer, index);
  }

  #sink(timer: FakeTimer, from: number): void {
    let index = from;
    for (;;) {
      const left = this.#timers[2 * index + 1];
      const right = this.#timers[2 * index + 2];
      const child = left !== undefined && right?.isBefore(left) ? right : left;
      if (child === undefined || timer.isBefore(child)) break;
      const below = child.index;
      this.#put(child, index);
      index = below;
    }
    this.#put(timer, index);
  }

  #put(timer: FakeTimer, index: number): void {
    this.#timers[index] = timer;
    timer.index = index;
  }
}
