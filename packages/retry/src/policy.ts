// Policies: whether a failed attempt is followed by another, and after what delay.

import { invalidOption, readFunction, readLimit } from "@workerkit/contracts";
import { type Backoff, constant } from "./backoff.ts";
import { type Jitter, jittered, none, type Random } from "./jitter.ts";
import { hasFunctions, observe } from "./shape.ts";

/** Decides on retries; a plain value that any number of callers share. */
export interface RetryPolicy {
  /**
   * The delay in ms before the next attempt, or undefined for none.
   * `attempt` (from 1) has just failed with `error`; `random` (default `Math.random`) is whatever the caller draws from.
   */
  readonly nextDelayMs: (attempt: number, error: unknown, random?: Random) => number | undefined;
}

/** Never retries. */
export const never: RetryPolicy = Object.freeze({ nextDelayMs: () => undefined });

/**
 * At most `n` attempts, the first one counted; `Infinity` is no limit. `backoff` defaults to no delay, `jitter` to none.
 * Throws `INVALID_OPTION`.
 */
export function attempts(
  n: number,
  backoff: Backoff = constant(0),
  jitter: Jitter = none,
): RetryPolicy {
  return attemptsIf(n, backoff, jitter, () => true);
}

/**
 * At most `n` attempts, and another one only if `predicate` returns true for the error of failed attempt `attempt`;
 * anything else it returns, a promise of true included, is a no. Throws `INVALID_OPTION`.
 */
export function attemptsIf(
  n: number,
  backoff: Backoff,
  jitter: Jitter,
  predicate: (error: unknown, attempt: number) => boolean,
): RetryPolicy {
  readLimit(n, "n");
  readFunction(predicate, "predicate");
  const delays = jittered(backoff, jitter);
  return Object.freeze({
    nextDelayMs(attempt: number, error: unknown, random: Random = Math.random) {
      if (!(attempt < n)) return undefined;
      const answer: unknown = predicate(error, attempt);
      if (answer === true) return delays.delayMs(attempt, random);
      observe(answer);
      return undefined;
    },
  });
}

/** Reads a policy: an object with a `nextDelayMs` function. Throws `INVALID_OPTION`. */
export function readRetryPolicy(value: unknown, path: string): RetryPolicy {
  if (hasFunctions(value, ["nextDelayMs"])) return value as RetryPolicy;
  throw invalidOption(
    path,
    value,
    "a retry policy: never, attempts(3, exponential(100, 2)), or an object with a nextDelayMs function",
  );
}
