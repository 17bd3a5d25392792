import {
  attempts,
  attemptsIf,
  type Backoff,
  constant,
  createRetryBudget,
  exponential,
  type FailedAttempt,
  fromExponentialBackoff,
  full,
  type Jitter,
  never,
  none,
  type RetryAttempt,
  type RetryBudget,
  type RetryOptions,
  type RetryPolicy,
  retry,
} from "@workerkit/retry";
import type { BackoffOptions } from "exponential-backoff";
import { describe, expectTypeOf, it } from "vitest";

const policy = attempts(3, exponential(100, 2, 1000), full);

describe("types of retry", () => {
  it("infers the result of whatever the operation returns", () => {
    expectTypeOf(retry(() => 5, { policy })).toEqualTypeOf<Promise<number>>();
    expectTypeOf(retry(async () => "x", { policy })).toEqualTypeOf<Promise<string>>();
    expectTypeOf(retry(async () => {}, { policy })).toEqualTypeOf<Promise<void>>();
    const either = (): "now" | Promise<number> => "now";
    expectTypeOf(retry(either, { policy })).toEqualTypeOf<Promise<"now" | number>>();
    const thenable = (): PromiseLike<boolean> => Promise.resolve(true);
    expectTypeOf(retry(thenable, { policy })).toEqualTypeOf<Promise<boolean>>();
  });

  it("types the attempt without annotation", () => {
    void retry((attempt) => expectTypeOf(attempt).toEqualTypeOf<RetryAttempt>(), { policy });
    void retry(({ signal }) => expectTypeOf(signal).toEqualTypeOf<AbortSignal>(), { policy });
  });

  it("wants a policy, and takes undefined for every other option", () => {
    // @ts-expect-error: how often to retry is for the caller to say
    void retry(() => 5, {});
    // @ts-expect-error: as above
    void retry(() => 5);
    // @ts-expect-error: no option of that name
    void retry(() => 5, { policy, retries: 3 });
    // @ts-expect-error: a backoff is no policy
    void retry(() => 5, { policy: constant(5) });
    expectTypeOf<{
      policy: RetryPolicy;
      attemptTimeoutMs: undefined;
      graceMs: undefined;
      deadlineMs: undefined;
      signal: undefined;
      clock: undefined;
      random: undefined;
      onFailedAttempt: undefined;
      budget: undefined;
    }>().toExtend<RetryOptions>();
  });

  it("narrows a failed attempt by willRetry", () => {
    const onFailedAttempt = (failed: FailedAttempt) => {
      expectTypeOf(failed.error).toEqualTypeOf<unknown>();
      if (failed.willRetry) expectTypeOf(failed.delayMs).toEqualTypeOf<number>();
      else
        expectTypeOf(failed.stoppedBy).toEqualTypeOf<"error" | "policy" | "deadline" | "budget">();
    };
    void retry(() => 5, { policy, onFailedAttempt });
    void retry(() => 5, { policy, onFailedAttempt: async () => {} });
  });
});

describe("types of policies", () => {
  it("takes literals and classes for policies, backoffs, jitters and budgets", () => {
    class Twice implements RetryPolicy {
      nextDelayMs(attempt: number): number | undefined {
        return attempt < 2 ? 5 : undefined;
      }
    }
    expectTypeOf<Twice>().toExtend<RetryPolicy>();
    expectTypeOf<{ delayMs: () => number }>().toExtend<Backoff>();
    expectTypeOf<{ spreadMs: (delayMs: number) => number }>().toExtend<Jitter>();
    expectTypeOf(createRetryBudget()).toEqualTypeOf<RetryBudget>();
    expectTypeOf(never).toEqualTypeOf<RetryPolicy>();
  });

  it("knows errors as unknown, and answers as what they must be", () => {
    void attemptsIf(3, constant(1), none, (error, attempt) => {
      expectTypeOf(error).toEqualTypeOf<unknown>();
      expectTypeOf(attempt).toEqualTypeOf<number>();
      return true;
    });
    // @ts-expect-error: a promise is no answer
    void attemptsIf(3, constant(1), none, async () => true);
    // @ts-expect-error: a promise is no delay
    void retry(() => 5, { policy: { nextDelayMs: async () => 5 } });
    const picky = { nextDelayMs: (_: number, error: Error) => error.message.length };
    // @ts-expect-error: anything may be thrown
    void retry(() => 5, { policy: picky });
    // @ts-expect-error: exponential wants its factor
    void exponential(100);
    // @ts-expect-error: the factory is no backoff
    void attempts(3, exponential);
  });

  it("takes the options of exponential-backoff, but for a retry that answers later", () => {
    type Sync = Omit<BackoffOptions, "retry">;
    void fromExponentialBackoff({} as Sync);
    void fromExponentialBackoff({ retry: (error) => error instanceof Error });
    // @ts-expect-error: a policy waits for no promise
    void fromExponentialBackoff({ retry: async () => true });
    expectTypeOf(fromExponentialBackoff()).toExtend<RetryPolicy>();
  });
});
