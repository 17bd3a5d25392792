// What retry() takes, and how it is checked.

import {
  type Clock,
  readClock,
  readDurationMs,
  readFunction,
  readRecord,
  readSignal,
  unknownOption,
} from "@workerkit/contracts";
import { type RetryBudget, readRetryBudget } from "./budget.ts";
import type { Random } from "./jitter.ts";
import { type RetryPolicy, readRetryPolicy } from "./policy.ts";

/** How to retry, and within what limits. */
export interface RetryOptions {
  /** Whether there is another attempt, and when. */
  readonly policy: RetryPolicy;
  /** Ms after which the signal of an attempt aborts. Default `Infinity`. */
  readonly attemptTimeoutMs?: number | undefined;
  /** Ms from then on after which an attempt that still runs is abandoned. Default 1000. */
  readonly graceMs?: number | undefined;
  /** Ms for everything, delays included, counted from the call; a running attempt still has its grace. Default `Infinity`. */
  readonly deadlineMs?: number | undefined;
  /** Ends the call at once, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Default the clock of the machine. */
  readonly clock?: Clock | undefined;
  /** What jitter draws from. Default `Math.random`. */
  readonly random?: Random | undefined;
  /** Hears of each failed attempt; it is not awaited, and what it throws harms nobody. */
  readonly onFailedAttempt?: ((failed: FailedAttempt) => unknown) | undefined;
  /** Caps the retries of all calls that share it. */
  readonly budget?: RetryBudget | undefined;
}

/** A failed attempt, and what comes of it. */
export type FailedAttempt =
  | {
      readonly attempt: number;
      readonly error: unknown;
      readonly willRetry: true;
      /** Ms until the next attempt. */
      readonly delayMs: number;
    }
  | {
      readonly attempt: number;
      readonly error: unknown;
      readonly willRetry: false;
      /** What ruled out another attempt; `error`: a panic, a fatal, an abandoned or an `AbortError`. */
      readonly stoppedBy: "error" | "policy" | "deadline" | "budget";
    };

const KNOWN = [
  "policy",
  "attemptTimeoutMs",
  "graceMs",
  "deadlineMs",
  "signal",
  "clock",
  "random",
  "onFailedAttempt",
  "budget",
] as const satisfies readonly (keyof RetryOptions)[];

/** The time that an attempt has to end in after its signal has aborted. */
export const DEFAULT_GRACE_MS = 1000;

/**
 * Throws `INVALID_OPTION` unless `options` are all right; tells whether the first attempt is more than a call: because of
 * a limit, a signal or a budget.
 */
export function checkRetryOptions(options: RetryOptions): boolean {
  if (typeof options !== "object" || options === null) readRecord(options, "options");
  let demanding = false;
  // Every call pays for this: 8 ns for a switch over interned names, 36 ns for a table of readers.
  for (const key in options) {
    const value = options[key as keyof RetryOptions];
    if (value === undefined) continue;
    switch (key as keyof RetryOptions) {
      case "policy":
        break;
      case "graceMs":
        readDurationMs(value, key);
        break;
      case "attemptTimeoutMs":
      case "deadlineMs":
        if (readDurationMs(value, key) !== Number.POSITIVE_INFINITY) demanding = true;
        break;
      case "signal":
        readSignal(value, key);
        demanding = true;
        break;
      case "clock":
        readClock(value, key);
        break;
      case "random":
      case "onFailedAttempt":
        readFunction(value, key);
        break;
      case "budget":
        readRetryBudget(value, key);
        demanding = true;
        break;
      default:
        if (Object.hasOwn(options, key)) throw unknownOption("", key, KNOWN);
    }
  }
  if (typeof options.policy?.nextDelayMs !== "function") readRetryPolicy(options.policy, "policy");
  return demanding;
}
