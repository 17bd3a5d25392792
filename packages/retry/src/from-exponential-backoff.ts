// The options of the library exponential-backoff as one of our policies, so that they can move to an injected clock unchanged.

import {
  invalidOption,
  readBoolean,
  readDurationMs,
  readFunction,
  readOneOf,
  readOptions,
} from "@workerkit/contracts";
import { clampDelayMs } from "./delay.ts";
import { full, none, type Random } from "./jitter.ts";
import type { RetryPolicy } from "./policy.ts";
import { observe } from "./shape.ts";

/** `BackoffOptions` of exponential-backoff 3.1, where `retry` answers at once: a policy waits for nothing. */
export interface ExponentialBackoffOptions {
  /** Whether there is a delay before the first attempt too, which then counts as the first delay. Default false. */
  readonly delayFirstAttempt?: boolean | undefined;
  /** Default `none`. */
  readonly jitter?: "none" | "full" | undefined;
  /** Ms; default `Infinity`. */
  readonly maxDelay?: number | undefined;
  /** The first attempt counted; less than 1 is 1. Default 10. */
  readonly numOfAttempts?: number | undefined;
  /** Called after every failed attempt, the last one too, with the number of attempts made; only true goes on. Default: true. */
  readonly retry?: ((error: unknown, attemptNumber: number) => boolean) | undefined;
  /** Ms; default 100. */
  readonly startingDelay?: number | undefined;
  /** Default 2. */
  readonly timeMultiple?: number | undefined;
}

/** A policy, and the delay that comes before any attempt: waiting that one is up to the caller. */
export interface ExponentialBackoffPolicy extends RetryPolicy {
  /** Ms before the first attempt: 0 unless `delayFirstAttempt`. */
  readonly firstDelayMs: (random?: Random) => number;
}

/**
 * The policy that retries when, and after the delays with which, `backOff(request, options)` of exponential-backoff would.
 * Delays end at 2^31-1 ms, where the library's overflow; a `retry` that throws ends it with the operation's own error.
 * Throws `INVALID_OPTION`.
 */
export function fromExponentialBackoff(
  options: ExponentialBackoffOptions = {},
): ExponentialBackoffPolicy {
  const {
    delayFirstAttempt = false,
    jitter = "none",
    maxDelay = Number.POSITIVE_INFINITY,
    numOfAttempts = 10,
    retry = () => true,
    startingDelay = 100,
    timeMultiple = 2,
  } = read(options);
  const spread = jitter === "full" ? full : none;
  const delayMs = (power: number, random: Random): number => {
    const grown = startingDelay * timeMultiple ** power;
    return clampDelayMs(spread.spreadMs(clampDelayMs(Math.min(grown, maxDelay)), random));
  };
  return Object.freeze({
    nextDelayMs(attempt: number, error: unknown, random: Random = Math.random) {
      const answer: unknown = retry(error, attempt);
      observe(answer);
      if (answer !== true || attempt >= numOfAttempts) return undefined;
      return delayMs(delayFirstAttempt ? attempt : attempt - 1, random);
    },
    firstDelayMs: (random: Random = Math.random) => (delayFirstAttempt ? delayMs(0, random) : 0),
  });
}

function read(options: unknown): Partial<ExponentialBackoffOptions> {
  return readOptions<ExponentialBackoffOptions>(options, "", {
    delayFirstAttempt: readBoolean,
    jitter: (value, path) => readOneOf(value, path, ["none", "full"]),
    maxDelay: readDurationMs,
    numOfAttempts: readAttempts,
    retry: readFunction,
    startingDelay: readFactor,
    timeMultiple: readFactor,
  });
}

function readAttempts(value: unknown, path: string): number {
  if (typeof value === "number" && !Number.isNaN(value)) return value;
  throw invalidOption(path, value, "a number of attempts");
}

function readFactor(value: unknown, path: string): number {
  if (Number.isFinite(value) && Number(value) >= 0) return Number(value);
  throw invalidOption(path, value, "a finite number, 0 or more");
}
