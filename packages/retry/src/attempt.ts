// One attempt: what the operation is given, and the time limits that hold whatever it does.

import { abandonedError, type Clock, type ClockTimer, WorkerkitError } from "@workerkit/contracts";
import { AttemptFailure, failureOf } from "./failure.ts";

/** What an operation is given. */
export interface RetryAttempt {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts when this attempt is out of time or the caller has aborted; made when it is first read. */
  readonly signal: AbortSignal;
}

/** What may be retried: it returns or throws anything, at once or as a promise. */
export type Operation<Returned> = (attempt: RetryAttempt) => Returned;

/** The attempt itself, and the means to abort it. */
export class Attempt implements RetryAttempt {
  readonly attempt: number;
  #controller: AbortController | undefined = undefined;
  #aborted = false;
  #reason: unknown = undefined;

  constructor(attempt: number) {
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Aborts the signal, also one that is read later. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** How long an attempt may take. */
export interface AttemptLimits {
  readonly clock: Clock;
  /** Which option set the limit. */
  readonly limit: "attemptTimeoutMs" | "deadlineMs";
  /** What that option says. */
  readonly limitMs: number;
  /** Ms until the signal aborts. */
  readonly leftMs: number;
  /** Ms from then on until the attempt is abandoned. */
  readonly graceMs: number;
}

/** An attempt that settles in time: with a value, or with an `AttemptFailure`. */
export class LimitedAttempt<Returned> {
  readonly #attempt: Attempt;
  readonly #limits: AttemptLimits;
  #resolve: (value: Awaited<Returned>) => void = () => {};
  #reject: (failure: AttemptFailure) => void = () => {};
  #timer: ClockTimer | undefined = undefined;
  #timeout: WorkerkitError | undefined = undefined;
  #settled = false;

  constructor(attempt: number, limits: AttemptLimits) {
    this.#attempt = new Attempt(attempt);
    this.#limits = limits;
  }

  /** Calls the operation; apart from the constructor, because it may abort the attempt while it is being called. */
  run(operation: Operation<Returned>): Promise<Awaited<Returned>> {
    const { clock, leftMs } = this.#limits;
    const promise = new Promise<Awaited<Returned>>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (leftMs !== Number.POSITIVE_INFINITY) {
      this.#timer = clock.setTimeout(this.#outOfTime, leftMs, {
        label: "the limit of a retried attempt",
      });
    }
    // Both reactions stay attached after the end, so that a late rejection is never unhandled.
    new Promise<Awaited<Returned>>((resolve) => {
      resolve(operation(this.#attempt) as Awaited<Returned>);
    }).then(this.#returned, this.#threw);
    return promise;
  }

  /** Ends the attempt from outside: it is left to itself, and whatever it still returns is dropped. */
  abort(reason: unknown): void {
    if (this.#end()) this.#reject(new AttemptFailure(reason, true));
    this.#attempt.abort(reason);
  }

  readonly #returned = (value: Awaited<Returned>): void => {
    if (this.#end()) this.#resolve(value);
  };

  readonly #threw = (thrown: unknown): void => {
    if (!this.#end()) return;
    this.#reject(this.#timeout === undefined ? failureOf(thrown) : failureOf(thrown, this.#late));
  };

  readonly #outOfTime = (): void => {
    const { clock, graceMs } = this.#limits;
    this.#timeout = this.#timeoutError();
    // Set before the signal aborts: a listener of that may end everything.
    this.#timer =
      graceMs === Number.POSITIVE_INFINITY
        ? undefined
        : clock.setTimeout(this.#outOfGrace, graceMs, { label: "the grace of a retried attempt" });
    this.#attempt.abort(this.#timeout);
  };

  readonly #outOfGrace = (): void => {
    if (!this.#end()) return;
    const what = `attempt ${this.#attempt.attempt}`;
    const error = abandonedError(what, this.#limits.graceMs, this.#timeout);
    this.#reject(new AttemptFailure(error, true));
  };

  /** An operation that rejects with the reason of its signal has thrown the timeout itself. */
  readonly #late = (cause: unknown): unknown =>
    cause === this.#timeout ? cause : this.#timeoutError({ cause });

  #timeoutError(options: { readonly cause?: unknown } = {}): WorkerkitError {
    const { limit, limitMs } = this.#limits;
    const { attempt } = this.#attempt;
    return new WorkerkitError("TIMEOUT", `attempt ${attempt} ran into ${limit} of ${limitMs} ms`, {
      ...options,
      details: { attempt, limit, limitMs },
    });
  }

  #end(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#limits.clock.clearTimeout(this.#timer);
    return true;
  }
}
