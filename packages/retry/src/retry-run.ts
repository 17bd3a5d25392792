// A call of retry() that has limits, or whose first attempt failed: p-retry is its loop, the rest is decisions.

import {
  type Clock,
  type ClockTimer,
  onAbort,
  systemClock,
  type Unsubscribe,
} from "@workerkit/contracts";
import pRetry from "p-retry";
import { askPolicy } from "./ask.ts";
import { LimitedAttempt, type Operation } from "./attempt.ts";
import type { RetryBudget } from "./budget.ts";
import { AttemptFailure, failureOf } from "./failure.ts";
import { DEFAULT_GRACE_MS, type FailedAttempt, type RetryOptions } from "./retry-options.ts";
import { observe } from "./shape.ts";
import { warnBroken } from "./warning.ts";

/** One call, from its start or from its first failure on; settles once, and leaves neither timer nor listener behind. */
export class RetryRun<Returned> {
  readonly #operation: Operation<Returned>;
  readonly #options: RetryOptions;
  readonly #clock: Clock;
  readonly #dueMs: number;
  readonly #promise: Promise<Awaited<Returned>>;
  #resolve: (value: Awaited<Returned>) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #settled = false;
  #unsubscribe: Unsubscribe = () => {};
  #attempt: LimitedAttempt<Returned> | undefined = undefined;
  #timer: ClockTimer | undefined = undefined;

  constructor(operation: Operation<Returned>, options: RetryOptions) {
    const { clock = systemClock, deadlineMs = Number.POSITIVE_INFINITY } = options;
    this.#operation = operation;
    this.#options = options;
    this.#clock = clock;
    this.#dueMs =
      deadlineMs === Number.POSITIVE_INFINITY ? deadlineMs : clock.monotonicMs() + deadlineMs;
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Makes the first attempt, under the limits. */
  start(): Promise<Awaited<Returned>> {
    const { signal } = this.#options;
    if (signal !== undefined) this.#unsubscribe = onAbort(signal, () => this.#abort(signal.reason));
    if (!this.#settled) {
      this.#try(1).then(this.#succeed, (failure: AttemptFailure) => this.#drive(failure));
    }
    return this.#promise;
  }

  /** Takes over a call without limits whose first attempt threw. */
  goOn(thrown: unknown): Promise<Awaited<Returned>> {
    this.#drive(failureOf(thrown));
    return this.#promise;
  }

  #try(attempt: number): Promise<Awaited<Returned>> {
    const { attemptTimeoutMs = Number.POSITIVE_INFINITY, deadlineMs = 0 } = this.#options;
    const leftMs = this.#leftMs();
    const byDeadline = leftMs < attemptTimeoutMs;
    this.#attempt = new LimitedAttempt<Returned>(attempt, {
      clock: this.#clock,
      limit: byDeadline ? "deadlineMs" : "attemptTimeoutMs",
      limitMs: byDeadline ? deadlineMs : attemptTimeoutMs,
      leftMs: Math.min(leftMs, attemptTimeoutMs),
      graceMs: this.#options.graceMs ?? DEFAULT_GRACE_MS,
    });
    return this.#attempt.run(this.#operation);
  }

  /** p-retry counts the first failure as its first attempt, so that one loop decides about all of them. */
  #drive(first: AttemptFailure): void {
    pRetry((attempt) => (attempt === 1 ? Promise.reject(first) : this.#try(attempt)), {
      retries: Number.POSITIVE_INFINITY,
      // No delay of its own, which would be on real timers: each is waited in shouldRetry.
      minTimeout: 0,
      shouldRetry: ({ error, attemptNumber }) =>
        error instanceof AttemptFailure && this.#again(error, attemptNumber),
    }).then(this.#succeed, (failure: unknown) => {
      if (this.#end()) this.#reject(failure instanceof AttemptFailure ? failure.error : failure);
    });
  }

  async #again(failure: AttemptFailure, attempt: number): Promise<boolean> {
    if (this.#settled) return false;
    const failed = this.#decide(failure, attempt);
    this.#tell(failed);
    if (this.#settled || !failed.willRetry) return false;
    await this.#wait(failed.delayMs);
    // A timer may fire late, and find the deadline passed.
    return this.#leftMs() > 0;
  }

  #decide({ error, final }: AttemptFailure, attempt: number): FailedAttempt {
    if (final) return { attempt, error, willRetry: false, stoppedBy: "error" };
    const delayMs = askPolicy(this.#options.policy, attempt, error, this.#options.random);
    if (delayMs === undefined) return { attempt, error, willRetry: false, stoppedBy: "policy" };
    if (delayMs >= this.#leftMs()) {
      return { attempt, error, willRetry: false, stoppedBy: "deadline" };
    }
    // Asked last: what is withdrawn is used.
    if (!withdraw(this.#options.budget)) {
      return { attempt, error, willRetry: false, stoppedBy: "budget" };
    }
    return { attempt, error, willRetry: true, delayMs };
  }

  #tell(failed: FailedAttempt): void {
    const { onFailedAttempt } = this.#options;
    if (onFailedAttempt === undefined) return;
    const broken = (thrown: unknown) =>
      warnBroken(onFailedAttempt, "onFailedAttempt threw", thrown);
    try {
      observe(onFailedAttempt(failed), broken);
    } catch (thrown) {
      broken(thrown);
    }
  }

  /** An abort clears the timer and leaves the promise to the garbage collector, p-retry's loop with it. */
  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = this.#clock.setTimeout(resolve, delayMs, { label: "the delay of a retry" });
    });
  }

  #leftMs(): number {
    return this.#dueMs === Number.POSITIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : this.#dueMs - this.#clock.monotonicMs();
  }

  readonly #succeed = (value: Awaited<Returned>): void => {
    if (this.#end()) this.#resolve(value);
  };

  #abort(reason: unknown): void {
    if (!this.#end()) return;
    this.#reject(reason);
    this.#clock.clearTimeout(this.#timer);
    this.#attempt?.abort(reason);
  }

  #end(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#unsubscribe();
    return true;
  }
}

function withdraw(budget: RetryBudget | undefined): boolean {
  if (budget === undefined) return true;
  try {
    return budget.tryWithdraw() === true;
  } catch (thrown) {
    warnBroken(budget, "a retry budget threw", thrown);
    return false;
  }
}
