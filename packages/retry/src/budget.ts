// A retry budget: callers that share one retry a share of their calls and no more, so that retries cannot bury what recovers.
// Source: the token bucket of Finagle, https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/service/RetryBudget.scala

import {
  type Clock,
  invalidOption,
  readClock,
  readOptions,
  systemClock,
} from "@workerkit/contracts";
import { hasFunctions } from "./shape.ts";

/** Counts calls and hands out retries. */
export interface RetryBudget {
  /** Counts a call, before its first attempt. */
  readonly deposit: () => void;
  /** Takes one retry out; false if there is none. */
  readonly tryWithdraw: () => boolean;
  /** How many retries could be made now. */
  readonly balance: () => number;
}

/** How many retries a budget allows. */
export interface RetryBudgetOptions {
  /** Retries for each call of the window. Default 0.2. */
  readonly ratio?: number | undefined;
  /** Retries a second that are allowed however few the calls. Default 10. */
  readonly minPerSecond?: number | undefined;
  /** Ms for which a call and a retry count; from 1000 to 60 000. Default 10 000. */
  readonly windowMs?: number | undefined;
  /** Default the clock of the machine. */
  readonly clock?: Clock | undefined;
}

const DEFAULTS = { ratio: 0.2, minPerSecond: 10, windowMs: 10_000 } as const;

/**
 * Creates a budget: in about any `windowMs` there are at most `ratio` retries a call, and `minPerSecond` retries a second on top.
 * Throws `INVALID_OPTION`.
 */
export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const read = readOptions<RetryBudgetOptions>(options, "", {
    ratio: readFinite,
    minPerSecond: readFinite,
    windowMs: readWindowMs,
    clock: readClock,
  });
  const { ratio = DEFAULTS.ratio, minPerSecond = DEFAULTS.minPerSecond } = read;
  const { windowMs = DEFAULTS.windowMs, clock = systemClock } = read;
  const window = new Window(clock, windowMs);
  const reserve = (minPerSecond * windowMs) / 1000;
  const balance = () => {
    window.forget();
    // Whole calls and retries are summed and multiplied last, so that no fraction is ever lost or won by rounding.
    return Math.max(0, Math.floor(reserve + ratio * window.calls + ROUNDING) - window.retries);
  };
  return Object.freeze({
    deposit: () => window.addCall(),
    tryWithdraw() {
      if (balance() < 1) return false;
      window.addRetry();
      return true;
    },
    balance,
  });
}

/** Reads a budget: an object with `deposit`, `tryWithdraw` and `balance` functions. Throws `INVALID_OPTION`. */
export function readRetryBudget(value: unknown, path: string): RetryBudget {
  if (hasFunctions(value, ["deposit", "tryWithdraw", "balance"])) return value as RetryBudget;
  throw invalidOption(path, value, "a retry budget such as createRetryBudget()");
}

/** 0.1 * 3 * 10 is a little less than 3. */
const ROUNDING = 1e-9;

const SLICES = 10;

/** The calls and retries of about the last `windowMs`, in slices, the oldest of which is forgotten as a whole. */
class Window {
  calls = 0;
  retries = 0;
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #calls: number[] = new Array(SLICES).fill(0);
  readonly #retries: number[] = new Array(SLICES).fill(0);
  #current: number;

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock;
    this.#sliceMs = windowMs / SLICES;
    this.#current = this.#sliceNow();
  }

  addCall(): void {
    this.forget();
    const index = this.#current % SLICES;
    this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    this.calls++;
  }

  addRetry(): void {
    this.forget();
    const index = this.#current % SLICES;
    this.#retries[index] = (this.#retries[index] ?? 0) + 1;
    this.retries++;
  }

  forget(): void {
    const now = this.#sliceNow();
    for (let slice = Math.max(this.#current, now - SLICES) + 1; slice <= now; slice++) {
      const index = slice % SLICES;
      this.calls -= this.#calls[index] ?? 0;
      this.retries -= this.#retries[index] ?? 0;
      this.#calls[index] = 0;
      this.#retries[index] = 0;
    }
    this.#current = Math.max(this.#current, now);
  }

  #sliceNow(): number {
    return Math.floor(this.#clock.monotonicMs() / this.#sliceMs);
  }
}

function readFinite(value: unknown, path: string): number {
  if (Number.isFinite(value) && Number(value) >= 0) return Number(value);
  throw invalidOption(path, value, "a finite number, 0 or more");
}

function readWindowMs(value: unknown, path: string): number {
  if (typeof value === "number" && value >= 1000 && value <= 60_000) return value;
  throw invalidOption(path, value, "a number of ms from 1000 to 60000");
}
