// A clock that stands still until it is told to go on: the same test gives the same order every time, and never sleeps.

import type { Clock, ClockTimer, ClockTimerOptions } from "./clock.ts";
import { WorkerkitError } from "./errors.ts";
import { invalidOption, readDurationMs } from "./options.ts";

/** A timer that a fake clock holds. */
export interface PendingTimer {
  /** Who waits, and for what. */
  readonly label: string;
  /** Ms from now until it fires; negative when it is late. */
  readonly inMs: number;
  /** Whether it would keep a process alive. */
  readonly refed: boolean;
}

/** A clock under a test's control. */
export interface FakeClock extends Clock {
  /**
   * Lets `byMs` pass: fires the timers due in it one at a time, in the order they fall due, and lets all that follows
   * from each, chains of promises of any length, run out before the next. Calls take turns.
   */
  advance(byMs: number): Promise<void>;
  /** Lets all work that waits for no timer run out. */
  flush(): Promise<void>;
  /**
   * Advances from timer to timer until a promise settles, and settles like it.
   * Rejects with `TIMEOUT`, listing the timers, when no timer is left or `withinMs` (default one day) has passed.
   */
  settle<T>(
    work: PromiseLike<T> | (() => PromiseLike<T> | T),
    options?: { readonly withinMs?: number | undefined },
  ): Promise<T>;
  /** The timers that are set, the next one first. */
  pending(): PendingTimer[];
  /** Moves the time of day alone, as an operator or a time server does. */
  jump(byMs: number): void;
  /** Lets time pass while nothing runs, as behind a blocked event loop or in a suspended machine: timers fire late. */
  block(byMs: number): void;
}

/** Creates a clock that stands at `now` (ms since 1970, default the first moment of 2026) until it is advanced. */
export function createFakeClock(options: { readonly now?: number | undefined } = {}): FakeClock {
  const { now = Date.UTC(2026, 0, 1) } = options;
  if (!Number.isFinite(now)) throw invalidOption("now", now, "a finite number of ms since 1970");
  return new ManualClock(now);
}

const ONE_DAY_MS = 86_400_000;

class ManualClock implements FakeClock {
  #offsetMs: number;
  #elapsedMs = 0;
  #sequence = 0;
  readonly #timers = new TimerHeap();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(now: number) {
    this.#offsetMs = now;
  }

  now = (): number => Math.floor(this.#offsetMs + this.#elapsedMs);

  monotonicMs = (): number => this.#elapsedMs;

  setTimeout = (
    callback: () => void,
    delayMs: number,
    options: ClockTimerOptions = {},
  ): ClockTimer => {
    // Like Node's own: nonsense waits one millisecond, and nothing fires at once.
    const waitMs = Number.isNaN(delayMs) ? 1 : Math.max(1, delayMs);
    const timer = new FakeTimer(
      callback,
      this.#elapsedMs + waitMs,
      this.#sequence++,
      options.label ?? (callback.name || "a timer"),
      options.ref ?? true,
    );
    this.#timers.push(timer);
    return timer;
  };

  clearTimeout = (timer: ClockTimer | undefined): void => {
    if (timer instanceof FakeTimer) this.#timers.remove(timer);
  };

  advance = (byMs: number): Promise<void> => {
    readDurationMs(byMs, "byMs");
    if (byMs === Number.POSITIVE_INFINITY) throw invalidOption("byMs", byMs, "a finite number");
    return this.#inTurn(async () => {
      await quiet();
      const until = this.#elapsedMs + byMs;
      while (await this.#fireNext(until));
      this.#elapsedMs = Math.max(this.#elapsedMs, until);
    });
  };

  flush = (): Promise<void> => quiet();

  settle = async <T>(
    work: PromiseLike<T> | (() => PromiseLike<T> | T),
    options: { readonly withinMs?: number | undefined } = {},
  ): Promise<T> => {
    const withinMs = readDurationMs(options.withinMs ?? ONE_DAY_MS, "withinMs");
    const promise = (async () => await (typeof work === "function" ? work() : work))();
    let settled = false;
    const seen = () => {
      settled = true;
    };
    promise.then(seen, seen);
    await this.#inTurn(async () => {
      await quiet();
      const until = this.#elapsedMs + withinMs;
      while (!settled && (await this.#fireNext(until)));
    });
    if (!settled) throw this.#stuck();
    return promise;
  };

  pending = (): PendingTimer[] =>
    this.#timers.sorted().map((timer) => ({
      label: timer.label,
      inMs: timer.dueMs - this.#elapsedMs,
      refed: timer.refed,
    }));

  jump = (byMs: number): void => {
    if (!Number.isFinite(byMs)) throw invalidOption("byMs", byMs, "a finite number of ms");
    this.#offsetMs += byMs;
  };

  block = (byMs: number): void => {
    if (!(Number.isFinite(byMs) && byMs >= 0)) {
      throw invalidOption("byMs", byMs, "a finite number of ms, 0 or more");
    }
    this.#elapsedMs += byMs;
  };

  async #fireNext(until: number): Promise<boolean> {
    const timer = this.#timers.peek();
    if (timer === undefined || timer.dueMs > until) return false;
    this.#timers.remove(timer);
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
    timer.callback();
    await quiet();
    return true;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #stuck(): WorkerkitError {
    const pending = this.pending();
    const shown = pending.slice(0, 10).map(({ label, inMs }) => `${label} in ${inMs} ms`);
    const more = pending.length > 10 ? `, and ${pending.length - 10} more` : "";
    const waiting =
      pending.length === 0
        ? "no timer is set, so it would wait for ever"
        : `waiting on ${pending.length} timers: ${shown.join(", ")}${more}`;
    return new WorkerkitError("TIMEOUT", `the promise did not settle: ${waiting}`, {
      details: { pending },
    });
  }
}

class FakeTimer implements ClockTimer {
  readonly callback: () => void;
  readonly dueMs: number;
  readonly sequence: number;
  readonly label: string;
  refed: boolean;
  /** Where the heap holds it; -1 when it does not. */
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

/** A binary heap in which a timer knows its place, so that clearing one among thousands is cheap. */
class TimerHeap {
  readonly #timers: FakeTimer[] = [];

  peek(): FakeTimer | undefined {
    return this.#timers[0];
  }

  push(timer: FakeTimer): void {
    this.#timers.push(timer);
    this.#rise(timer, this.#timers.length - 1);
  }

  remove(timer: FakeTimer): void {
    if (timer.index < 0) return;
    const last = this.#timers.pop();
    if (last !== undefined && last !== timer) {
      const hole = timer.index;
      this.#rise(last, hole);
      this.#sink(last, last.index);
    }
    timer.index = -1;
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

/** Resolves when all promise reactions, however long their chain, have run. */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
