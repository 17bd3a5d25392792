// Asking a policy or a backoff that may be anybody's: the one way in which retry(), start retries, restarts and commands do it.

import { isFatal, isPanic, isWorkerkitError } from "@workerkit/contracts";
import type { Backoff } from "./backoff.ts";
import { clampDelayMs } from "./delay.ts";
import type { Random } from "./jitter.ts";
import type { RetryPolicy } from "./policy.ts";
import { observe } from "./shape.ts";
import { warnBroken } from "./warning.ts";

/** Whether any policy may be asked about `error`: a panic, a `withFatal` error and `ABANDONED` are never retried. */
export function mayRetry(error: unknown): boolean {
  return !isPanic(error) && !isFatal(error) && !isWorkerkitError(error, "ABANDONED");
}

/**
 * What `policy` says after failed attempt `attempt` (from 1): a delay of 0 to 2^31-1 ms, or undefined for no retry.
 * Never throws. An error that `mayRetry` refuses is not asked about. Numbers out of range are clamped, `NaN` is 0;
 * an answer that is no number, and a policy that throws (the process is warned once), mean no retry.
 */
export function askPolicy(
  policy: RetryPolicy,
  attempt: number,
  error: unknown,
  random: Random = Math.random,
): number | undefined {
  if (!mayRetry(error)) return undefined;
  try {
    const answer: unknown = policy.nextDelayMs(attempt, error, random);
    if (typeof answer === "number") return clampDelayMs(answer);
    observe(answer);
  } catch (thrown) {
    warnBroken(policy, "a retry policy threw", thrown);
  }
  return undefined;
}

/**
 * What `backoff` says after failed attempt `attempt` (from 1): a delay of 0 to 2^31-1 ms.
 * Never throws. Numbers out of range are clamped, what is no number is 0; undefined means that it threw (the process is
 * warned once) and that there is to be no further attempt.
 */
export function askBackoff(
  backoff: Backoff,
  attempt: number,
  random: Random = Math.random,
): number | undefined {
  try {
    const answer: unknown = backoff.delayMs(attempt, random);
    observe(answer);
    return clampDelayMs(answer);
  } catch (thrown) {
    warnBroken(backoff, "a backoff threw", thrown);
    return undefined;
  }
}
