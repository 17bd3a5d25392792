// Backoff: how the delay grows from one failed attempt to the next.

import { invalidOption } from "@workerkit/contracts";
import type { Random } from "./jitter.ts";
import { hasFunctions } from "./shape.ts";

/** How long to wait after each failed attempt. */
export interface Backoff {
  /** The delay in ms after failed attempt number `attempt` (from 1); `random` is for backoffs that spread it. */
  readonly delayMs: (attempt: number, random?: Random) => number;
}

/** The same delay every time. Throws `INVALID_OPTION`. */
export function constant(delayMs: number): Backoff {
  readFiniteMs(delayMs, "delayMs");
  return Object.freeze({ delayMs: () => delayMs });
}

/**
 * `initialMs`, then `stepMs` (default `initialMs`) more each time, at most `maxMs` (default no cap).
 * Throws `INVALID_OPTION`.
 */
export function linear(
  initialMs: number,
  stepMs: number = initialMs,
  maxMs: number = Number.POSITIVE_INFINITY,
): Backoff {
  readFiniteMs(initialMs, "initialMs");
  readFiniteMs(stepMs, "stepMs");
  readCapMs(maxMs, "maxMs");
  return Object.freeze({
    delayMs: (attempt: number) => Math.min(initialMs + stepMs * (attempt - 1), maxMs),
  });
}

/**
 * `initialMs`, then `factor` (1 or more) times as much each time, at most `maxMs` (default no cap).
 * Throws `INVALID_OPTION`. Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/,
 * `min(cap, base * 2 ** attempt)`, where attempts count from 0.
 */
export function exponential(
  initialMs: number,
  factor: number,
  maxMs: number = Number.POSITIVE_INFINITY,
): Backoff {
  readFiniteMs(initialMs, "initialMs");
  if (!(Number.isFinite(factor) && factor >= 1)) {
    throw invalidOption("factor", factor, "a finite number of 1 or more");
  }
  readCapMs(maxMs, "maxMs");
  return Object.freeze({
    delayMs: (attempt: number) =>
      // 0 times the Infinity of a late attempt is NaN.
      initialMs === 0 ? 0 : Math.min(initialMs * factor ** (attempt - 1), maxMs),
  });
}

/** Reads a backoff: an object with a `delayMs` function. Throws `INVALID_OPTION`. */
export function readBackoff(value: unknown, path: string): Backoff {
  if (hasFunctions(value, ["delayMs"])) return value as Backoff;
  throw invalidOption(
    path,
    value,
    "a backoff: constant(100), linear(100), exponential(100, 2), or an object with a delayMs function",
  );
}

function readFiniteMs(value: unknown, path: string): void {
  if (!(Number.isFinite(value) && Number(value) >= 0)) {
    throw invalidOption(path, value, "a finite number of ms, 0 or more");
  }
}

function readCapMs(value: unknown, path: string): void {
  if (!(typeof value === "number" && value >= 0)) {
    throw invalidOption(path, value, "a number of ms, 0 or more, or Infinity");
  }
}
