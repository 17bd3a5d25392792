// The policy functions of drawn workers: sound ones, and ones that throw or answer nonsense. Each stands here once, for the
// process is warned once of each that throws.

import type { Failure, RestartPolicy, WorkerPolicy } from "@workerkit/lifecycle";

type Backoff = RestartPolicy["backoff"];
type RetryPolicy = NonNullable<WorkerPolicy["startRetry"]>;

function broken(): never {
  throw new Error("a policy function that throws");
}

/** A backoff, and the delay that must come of it; undefined = no restart. */
export const BACKOFFS: readonly {
  readonly backoff: Backoff;
  readonly delayMs: number | undefined;
}[] = [
  ...[0, 10, 700, 9_000].map((delayMs) => ({ backoff: { delayMs: () => delayMs }, delayMs })),
  { backoff: { delayMs: () => Number.NaN }, delayMs: 0 },
  { backoff: { delayMs: () => -5 }, delayMs: 0 },
  { backoff: { delayMs: () => "soon" as unknown as number }, delayMs: 0 },
  { backoff: { delayMs: broken }, delayMs: undefined },
];

/** A start retry: how many attempts must come of it, and after what delay. */
export interface RetryPlan {
  readonly policy: RetryPolicy | undefined;
  readonly attempts: number;
  readonly delayMs: number;
}

function retryPlan(attempts: number, answer: unknown, delayMs: number): RetryPlan {
  const nextDelayMs = (attempt: number) =>
    attempt < attempts ? (answer as number | undefined) : undefined;
  return { policy: { nextDelayMs }, attempts, delayMs };
}

export const RETRIES: readonly RetryPlan[] = [
  { policy: undefined, attempts: 1, delayMs: 0 },
  retryPlan(2, 0, 0),
  retryPlan(3, 20, 20),
  retryPlan(2, 3_000, 3_000),
  retryPlan(3, Number.NaN, 0),
  retryPlan(2, -1, 0),
  { ...retryPlan(2, "soon", 0), attempts: 1 },
  { policy: { nextDelayMs: broken }, attempts: 1, delayMs: 0 },
];

/** Whether a failure is worth a restart; only `true` is a yes. */
export const WHENS: readonly {
  readonly when: ((failure: Failure) => boolean) | undefined;
  readonly agrees: boolean;
}[] = [
  { when: undefined, agrees: true },
  { when: () => true, agrees: true },
  { when: () => false, agrees: false },
  { when: broken, agrees: false },
  { when: () => "yes" as unknown as boolean, agrees: false },
];

/** One makes a panic of one thing that is thrown; others throw, or answer nonsense, which makes none of anything. */
export const PANIC_CHECKS: readonly (((error: unknown) => boolean) | undefined)[] = [
  undefined,
  (error) => error instanceof TypeError,
  broken,
  () => "perhaps" as unknown as boolean,
];
