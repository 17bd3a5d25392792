// Jitter: how a delay is spread, so that those who failed together do not come back together.

import { invalidOption } from "@workerkit/contracts";
import { type Backoff, readBackoff } from "./backoff.ts";
import { clampDelayMs } from "./delay.ts";
import { hasFunctions, observe } from "./shape.ts";

/** A source of random numbers from 0 up to 1, such as `Math.random`. */
export type Random = () => number;

/** Spreads delays. */
export interface Jitter {
  /** The delay, in ms, to wait in place of `delayMs`. */
  readonly spreadMs: (delayMs: number, random: Random) => number;
}

/** No spread: the delay as it is. */
export const none: Jitter = Object.freeze({ spreadMs: (delayMs: number) => delayMs });

/**
 * Anything from 0 to the delay, in whole ms: the least load on what recovers.
 * Source: "Full Jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const full: Jitter = Object.freeze({
  spreadMs: (delayMs: number, random: Random) => Math.round(fraction(random) * delayMs),
});

/**
 * Half of the delay at least, all of it at most, in whole ms: never a retry at once.
 * Source: "Equal Jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const equal: Jitter = Object.freeze({
  spreadMs: (delayMs: number, random: Random) =>
    Math.round(delayMs / 2 + (fraction(random) * delayMs) / 2),
});

/**
 * The delay and at most `share` of it (0 to 1) less or more, in whole ms: the mean stays.
 * Throws `INVALID_OPTION`. Source: JITTER of https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
 */
export function symmetric(share: number): Jitter {
  if (typeof share !== "number" || !(share >= 0 && share <= 1)) {
    throw invalidOption("share", share, "a number from 0 to 1");
  }
  return Object.freeze({
    spreadMs: (delayMs: number, random: Random) =>
      Math.round(delayMs * (1 + share * (2 * fraction(random) - 1))),
  });
}

/** A backoff whose delays are spread by `jitter`; for options that take a backoff alone. Throws `INVALID_OPTION`. */
export function jittered(backoff: Backoff, jitter: Jitter): Backoff {
  readBackoff(backoff, "backoff");
  readJitter(jitter, "jitter");
  return Object.freeze({
    delayMs(attempt: number, random: Random = Math.random) {
      const delayMs = clampAnswer(backoff.delayMs(attempt, random));
      return clampAnswer(jitter.spreadMs(delayMs, random));
    },
  });
}

/** Reads a jitter: an object with a `spreadMs` function. Throws `INVALID_OPTION`. */
export function readJitter(value: unknown, path: string): Jitter {
  if (hasFunctions(value, ["spreadMs"])) return value as Jitter;
  throw invalidOption(
    path,
    value,
    "a jitter: none, full, equal, symmetric(0.2), or an object with a spreadMs function",
  );
}

function clampAnswer(answer: unknown): number {
  observe(answer);
  return clampDelayMs(answer);
}

/** One number of a source that may be anybody's: 0 to 1, and 0 for what is no number. */
function fraction(random: Random): number {
  const value: unknown = random();
  if (typeof value === "number" && value > 0) return Math.min(value, 1);
  observe(value);
  return 0;
}
