// A clock that stands still until it is told to go on: the same test gives the same order every time, and never sleeps.

import type { Clock, ClockTimer, ClockTimerOptions } from "./clock.ts";
import { WorkerkitError } from "./errors.ts";
import { invalidOption, readDurationMs, readFunction, readOptions } from "./options.ts";
import { FakeTimer, TimerHeap } from "./timer-heap.ts";

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
   * Lets `byMs` pass: fires the timers due in it, and those that are late, one at a time, in the order they fall due, and
   * lets all that follows from each, chains of promises of any length, run out before the next. Calls take turns; one from
   * inside a timer's callback has its turn afterwards. Rejects with what a callback throws, at the moment of that timer.
   */
  advance(byMs: number): Promise<void>;
  /** Lets all work that waits for no timer run out; takes its turn like `advance`. */
  flush(): Promise<void>;
  /**
   * Advances from timer to timer until a promise settles, and settles like it; the work may advance the clock itself.
   * Rejects with `TIMEOUT`, listing the timers, when no timer is left or `withinMs` (default one day) has passed, and with
   * what a callback throws.
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
  const { now = FIRST_MOMENT_OF_2026 } = readOptions<{ now: number }>(options, "", {
    now: readNow,
  });
  return new ManualClock(now);
}

function readNow(value: unknown, path: string): number {
  if (Number.isFinite(value)) return Number(value);
  throw invalidOption(path, value, "a finite number of ms since 1970");
}

const FIRST_MOMENT_OF_2026 = 1_767_225_600_000;
const ONE_DAY_MS = 86_400_000;

class ManualClock implements FakeClock {
  #offsetMs: number;
  #elapsedMs = 0;
  #sequence = 0;
  readonly #timers = new TimerHeap();
  #turn: Promise<unknown> = Promise.resolve();
  #turnsWaiting = 0;
  /** Whatever may bring waiting work on: timers fired, calls ended. */
  #steps = 0;

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
    readFunction(callback, "callback");
    // Like Node's own: nonsense waits one millisecond, and nothing fires at once.
    const waitMs = Math.max(1, delayMs || 1);
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

  advance = async (byMs: number): Promise<void> => {
    readFiniteMs(byMs, "byMs");
    await this.#inTurn(async () => {
      await quiet();
      const until = this.#elapsedMs + byMs;
      while (this.#fireNext(until)) await quiet();
      this.#elapsedMs = Math.max(this.#elapsedMs, until);
      this.#steps++;
    });
  };

  flush = (): Promise<void> =>
    this.#inTurn(async () => {
      await quiet();
      this.#steps++;
    });

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
    let until: number | undefined;
    let gaveWayAt = -1;
    let going = true;
    // A turn for each timer, not one for all: the work itself may wait for a turn, to advance the clock. Giving way
    // ends when a whole round of turns brought nothing.
    while (going) {
      going = await this.#inTurn(async () => {
        await quiet();
        until ??= this.#elapsedMs + withinMs;
        if (settled) return false;
        const others = this.#turnsWaiting > 0 && this.#elapsedMs <= until;
        if (!others || gaveWayAt === this.#steps) return this.#fireNext(until);
        gaveWayAt = this.#steps;
        return true;
      });
    }
    this.#steps++;
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
    this.#elapsedMs += readFiniteMs(byMs, "byMs");
  };

  /** Fires the next timer that is due at `until`, or late already; whether there was one. */
  #fireNext(until: number): boolean {
    const timer = this.#timers.peek();
    if (timer === undefined || timer.dueMs > Math.max(until, this.#elapsedMs)) return false;
    if (timer.dueMs === Number.POSITIVE_INFINITY) return false;
    this.#timers.remove(timer);
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
    this.#steps++;
    timer.callback();
    return true;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#turnsWaiting++;
    const turn = this.#turn.then(() => {
      this.#turnsWaiting--;
      return work();
    });
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

function readFiniteMs(value: unknown, path: string): number {
  if (Number.isFinite(value) && Number(value) >= 0) return Number(value);
  throw invalidOption(path, value, "a finite number of ms, 0 or more");
}

// Kept from the start, so that a test that also replaces the global timers does not stop this clock.
// biome-ignore lint/style/noRestrictedGlobals: waits for no time, only for the promise reactions before it
const afterReactions = setImmediate;

/** Resolves when all promise reactions, however long their chain, have run. */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    afterReactions(resolve);
  });
}
