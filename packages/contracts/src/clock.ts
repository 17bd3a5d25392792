// Where time comes from: the one contract that every package waits and measures by, and its real implementation.

import { onAbort } from "./abort.ts";
import { readProperty } from "./errors.ts";
import type { Unsubscribe } from "./events.ts";
import { invalidOption } from "./options.ts";

/** A timer that a clock has set. */
export interface ClockTimer {
  /** Keeps the process alive until the timer fires. */
  ref(): void;
  /** Lets the process end although the timer is set. */
  unref(): void;
}

/** How a timer is set. */
export interface ClockTimerOptions {
  /** Whether the timer keeps the process alive. Default true. */
  readonly ref?: boolean | undefined;
  /** Who waits, and for what; shown by clocks that list their timers. */
  readonly label?: string | undefined;
}

/** A source of time: give a fake one to a runtime, and an hour passes in a millisecond. */
export interface Clock {
  /** The time of day in ms since 1970; it may jump, so never measure by it. */
  now(): number;
  /** Ms since some fixed moment; it never goes back. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`, without arguments. */
  setTimeout(callback: () => void, delayMs: number, options?: ClockTimerOptions): ClockTimer;
  /** Clears a timer; a fired, cleared or missing one is ignored. */
  clearTimeout(timer: ClockTimer | undefined): void;
}

/** Reads a clock, of whatever make. Throws `INVALID_OPTION`. */
export function readClock(value: unknown, path: string): Clock {
  const isClock = ["now", "monotonicMs", "setTimeout", "clearTimeout"].every(
    (method) => typeof readProperty(value, method) === "function",
  );
  if (isClock) return value as Clock;
  throw invalidOption(path, value, "a clock such as systemClock or createFakeClock()");
}

/** Read once: in Node the global is a getter, which costs a fifth of the reading itself. */
const machine = performance;

/** The clock of the machine. A delay below 1, or none at all, counts as 1; one of any length above is kept. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => machine.now(),
  setTimeout(callback, delayMs, options) {
    const refed = options?.ref ?? true;
    if (delayMs > LONGEST_TIMER_MS) return new LongTimer(callback, delayMs, refed);
    // Some versions of Node warn of a delay that is negative or NaN.
    const timer = setTimeout(callback, Math.max(1, delayMs || 1));
    if (!refed) timer.unref();
    return timer;
  },
  clearTimeout(timer) {
    if (timer instanceof LongTimer) timer.clear();
    else clearTimeout(timer as NodeJS.Timeout | undefined);
  },
};

/**
 * Resolves after `delayMs` of the clock (below 1 counts as 1); `Infinity` waits for the signal alone.
 * Rejects with `signal.reason` as soon as the signal aborts, and leaves neither timer nor listener behind.
 */
export function sleep(
  clock: Clock,
  delayMs: number,
  signal?: AbortSignal,
  options?: ClockTimerOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (typeof delayMs !== "number" || Number.isNaN(delayMs)) {
      throw invalidOption("delayMs", delayMs, "a number of ms");
    }
    if (signal?.aborted) return reject(signal.reason);
    let stopListening: Unsubscribe | undefined;
    const wake = () => {
      stopListening?.();
      resolve();
    };
    const forEver = delayMs === Number.POSITIVE_INFINITY;
    const timer = forEver ? undefined : clock.setTimeout(wake, delayMs, options);
    if (signal === undefined) return;
    stopListening = onAbort(signal, () => {
      clock.clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Node fires longer timers after one millisecond: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer beyond the reach of one `setTimeout`: it waits in legs. */
class LongTimer implements ClockTimer {
  readonly #callback: () => void;
  #leftMs: number;
  #refed: boolean;
  #leg: NodeJS.Timeout | undefined;

  constructor(callback: () => void, delayMs: number, refed: boolean) {
    this.#callback = callback;
    this.#leftMs = delayMs;
    this.#refed = refed;
    this.#next();
  }

  #next(): void {
    const legMs = Math.min(this.#leftMs, LONGEST_TIMER_MS);
    this.#leftMs -= legMs;
    this.#leg = setTimeout(() => (this.#leftMs > 0 ? this.#next() : this.#callback()), legMs);
    if (!this.#refed) this.#leg.unref();
  }

  ref(): void {
    this.#refed = true;
    this.#leg?.ref();
  }

  unref(): void {
    this.#refed = false;
    this.#leg?.unref();
  }

  clear(): void {
    clearTimeout(this.#leg);
  }
}
