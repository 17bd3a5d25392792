export { askBackoff, askPolicy, mayRetry } from "./ask.ts";
export type { RetryAttempt } from "./attempt.ts";
export type { Backoff } from "./backoff.ts";
export { constant, exponential, linear, readBackoff } from "./backoff.ts";
export type { RetryBudget, RetryBudgetOptions } from "./budget.ts";
export { createRetryBudget, readRetryBudget } from "./budget.ts";
export type {
  ExponentialBackoffOptions,
  ExponentialBackoffPolicy,
} from "./from-exponential-backoff.ts";
export { fromExponentialBackoff } from "./from-exponential-backoff.ts";
export type { Jitter, Random } from "./jitter.ts";
export { equal, full, jittered, none, readJitter, symmetric } from "./jitter.ts";
export type { RetryPolicy } from "./policy.ts";
export { attempts, attemptsIf, never, readRetryPolicy } from "./policy.ts";
export { retry } from "./retry.ts";
export type { FailedAttempt, RetryOptions } from "./retry-options.ts";
