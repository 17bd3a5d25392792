import { Panic, WorkerkitError, withFatal } from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import {
  attempts,
  attemptsIf,
  constant,
  exponential,
  type FailedAttempt,
  full,
  never,
  none,
  type RetryPolicy,
  retry,
} from "@workerkit/retry";
import { AbortError } from "p-retry";
import { describe, expect, it, vi } from "vitest";
import { THROWN } from "./hostile.ts";
import { collectWarnings } from "./warnings.ts";

const warnings = collectWarnings();

/** How a promise settled, so that anything thrown can be compared by identity. */
async function settled(
  promise: Promise<unknown>,
): Promise<{ value: unknown } | { thrown: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
}

/** An operation that fails with each of `failures` in turn, and then returns "done". */
function failing(...failures: unknown[]) {
  return vi.fn(async () => {
    if (failures.length === 0) return "done";
    throw failures.shift();
  });
}

describe("P2 retry", () => {
  it("P2 makes the first attempt inline, within the call", () => {
    const operation = vi.fn(() => new Promise<never>(() => {}));
    void retry(operation, { policy: never });
    void retry(operation, { policy: never, attemptTimeoutMs: 5, clock: createFakeClock() });
    expect(operation).toHaveBeenCalledTimes(2);
  });

  it("P2 a success asks no policy, sets no timer, makes no signal", async () => {
    const clock = createFakeClock();
    const setTimeout = vi.spyOn(clock, "setTimeout");
    const controllers = vi.spyOn(globalThis, "AbortController");
    const policy = { nextDelayMs: vi.fn(() => 0) };
    expect(await retry(async ({ attempt }) => attempt, { policy, clock })).toBe(1);
    expect(policy.nextDelayMs).not.toHaveBeenCalled();
    expect(setTimeout).not.toHaveBeenCalled();
    expect(controllers).not.toHaveBeenCalled();
  });

  it.each([
    ["a value", () => 5, 5],
    ["undefined", () => undefined, undefined],
    ["a promise", () => Promise.resolve("x"), "x"],
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what it returns
    ["a thenable", () => ({ then: (resolve: (value: string) => void) => resolve("y") }), "y"],
  ])("P2 resolves with what the operation returned: %s", async (_, operation, expected) => {
    expect(await retry<unknown>(operation, { policy: never })).toBe(expected);
    const signal = new AbortController().signal;
    expect(await retry<unknown>(operation, { policy: never, signal })).toBe(expected);
  });

  it("P2 waits the policy's delays on the injected clock, with no real timer", async () => {
    const clock = createFakeClock();
    const real = vi.spyOn(globalThis, "setTimeout");
    const at: number[] = [];
    const operation = vi.fn(async () => {
      at.push(clock.monotonicMs());
      throw new Error("down");
    });
    const call = retry(operation, { policy: attempts(4, exponential(1000, 2)), clock });
    await expect(clock.settle(call)).rejects.toThrow("down");
    expect(at).toEqual([0, 1000, 3000, 7000]);
    expect(real).not.toHaveBeenCalled();
    expect(clock.pending()).toEqual([]);
  });

  it("P2 an hour of backoff takes no time in a test", async () => {
    const clock = createFakeClock();
    const operation = failing(...Array.from({ length: 60 }, () => new Error("down")));
    const call = retry(operation, {
      policy: attempts(Number.POSITIVE_INFINITY, constant(60_000)),
      clock,
    });
    expect(await clock.settle(call)).toBe("done");
    expect(clock.monotonicMs()).toBe(3_600_000);
  });

  it("P2 goes on past p-retry's own arithmetic: two thousand attempts, and still no real timer", async () => {
    const clock = createFakeClock();
    const real = vi.spyOn(globalThis, "setTimeout");
    const operation = failing(...Array.from({ length: 2000 }, () => "down"));
    const call = retry(operation, {
      policy: attempts(Number.POSITIVE_INFINITY, constant(5)),
      clock,
    });
    expect(await clock.settle(call)).toBe("done");
    expect(clock.monotonicMs()).toBe(10_000);
    expect(real).not.toHaveBeenCalled();
  });

  it("P2 tells the operation which attempt it is, synchronous throws included", async () => {
    const clock = createFakeClock();
    const seen: number[] = [];
    const operation = ({ attempt }: { attempt: number }) => {
      seen.push(attempt);
      if (attempt < 4) throw new Error("not yet");
      return attempt;
    };
    expect(await clock.settle(retry(operation, { policy: attempts(9), clock }))).toBe(4);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it("P2 lets the event loop turn between attempts even without delay", async () => {
    const controller = new AbortController();
    const operation = vi.fn(() => {
      throw new Error("down");
    });
    // Real time: what would starve without a turn is the real event loop.
    setImmediate(() => controller.abort("enough"));
    const policy = attempts(Number.POSITIVE_INFINITY, constant(0));
    await expect(retry(operation, { policy, signal: controller.signal })).rejects.toBe("enough");
    expect(operation.mock.calls.length).toBeGreaterThan(0);
  });

  it("P2 draws jitter from the random source of the call, so that it replays", async () => {
    const run = async () => {
      const clock = createFakeClock();
      let seed = 1;
      const random = () => {
        seed = (seed * 16_807) % 2_147_483_647;
        return seed / 2_147_483_647;
      };
      const delays: number[] = [];
      const call = retry(failing(1, 2, 3, 4), {
        policy: attempts(5, constant(1000), full),
        clock,
        random,
        onFailedAttempt: (failed) => failed.willRetry && delays.push(failed.delayMs),
      });
      await clock.settle(call);
      return delays;
    };
    const delays = await run();
    expect(new Set(delays).size).toBe(4);
    expect(await run()).toEqual(delays);
  });
});

describe("P2 the last error", () => {
  it.each(THROWN)("P2 is thrown as it was thrown, after retries: %s", async (_, thrown) => {
    for (const options of [{}, { signal: new AbortController().signal }]) {
      const clock = createFakeClock();
      const operation = vi.fn(async () => {
        throw thrown;
      });
      const call = settled(retry(operation, { policy: attempts(3), clock, ...options }));
      const outcome = (await clock.settle(call)) as { thrown: unknown };
      expect("thrown" in outcome && Object.is(outcome.thrown, thrown)).toBe(true);
      expect(operation).toHaveBeenCalledTimes(3);
    }
  });

  it("P2 is the last of several, not the first", async () => {
    const clock = createFakeClock();
    const call = retry(failing("one", "two", "three"), { policy: attempts(3), clock });
    await expect(clock.settle(call)).rejects.toBe("three");
  });

  it.each([
    ["a Panic", new Panic("bug")],
    ["a ReferenceError", new ReferenceError("x is not defined")],
    ["a withFatal error", withFatal(new Error("fatal"))],
    ["an ABANDONED error", new WorkerkitError("ABANDONED", "gone")],
  ])("invariant 13: %s is never retried", async (_, error) => {
    const failures: FailedAttempt[] = [];
    const policy = { nextDelayMs: vi.fn(() => 0) };
    const operation = failing(error);
    const onFailedAttempt = (failed: FailedAttempt) => failures.push(failed);
    await expect(retry(operation, { policy, onFailedAttempt })).rejects.toBe(error);
    expect(operation).toHaveBeenCalledTimes(1);
    expect(policy.nextDelayMs).not.toHaveBeenCalled();
    expect(failures).toEqual([{ attempt: 1, error, willRetry: false, stoppedBy: "error" }]);
  });

  it("P2 is thrown when a predicate declines", async () => {
    const clock = createFakeClock();
    const operation = failing("temporary", "permanent", "never reached");
    const policy = attemptsIf(9, constant(1), none, (error) => error === "temporary");
    await expect(clock.settle(retry(operation, { policy, clock }))).rejects.toBe("permanent");
    expect(operation).toHaveBeenCalledTimes(2);
  });

  it("P2 is never hidden by a policy that throws", async () => {
    const policy: RetryPolicy = {
      nextDelayMs: () => {
        throw new Error("the policy is broken");
      },
    };
    await expect(retry(failing("original"), { policy })).rejects.toBe("original");
    expect(warnings.join()).toContain("the policy is broken");
  });
});

describe("P2 p-retry's AbortError", () => {
  const original = new TypeError("the original");
  const anotherCopy = Object.assign(new Error("x"), {
    name: "AbortError",
    originalError: original,
  });

  it.each([
    ["of the installed copy", new AbortError(original)],
    ["of another copy", anotherCopy],
  ])("P2 %s stops at once and throws its original error", async (_, abort) => {
    for (const attemptTimeoutMs of [undefined, 100]) {
      const clock = createFakeClock();
      const operation = failing("first", abort);
      const failures: FailedAttempt[] = [];
      const call = retry(operation, {
        policy: attempts(9),
        clock,
        attemptTimeoutMs,
        onFailedAttempt: (failed) => failures.push(failed),
      });
      await expect(clock.settle(call)).rejects.toBe(original);
      expect(operation).toHaveBeenCalledTimes(2);
      expect(failures.at(-1)).toEqual({
        attempt: 2,
        error: original,
        willRetry: false,
        stoppedBy: "error",
      });
    }
  });

  it("P2 an error of another name is retried, though it holds an original error, as those of database drivers do", async () => {
    const clock = createFakeClock();
    const driverError = Object.assign(new Error("deadlock"), { originalError: original });
    const operation = failing(driverError);
    expect(await clock.settle(retry(operation, { policy: attempts(2), clock }))).toBe("done");
  });

  it("P2 an AbortError that wraps a text throws the Error that p-retry made of it", async () => {
    const call = retry(failing(new AbortError("no such order")), { policy: attempts(9) });
    await expect(call).rejects.toThrow("no such order");
    await expect(call).rejects.not.toBeInstanceOf(AbortError);
  });
});

describe("P2 onFailedAttempt", () => {
  it("P2 hears of every failed attempt, the last one too", async () => {
    const clock = createFakeClock();
    const failures: FailedAttempt[] = [];
    const call = retry(failing("a", "b", "c"), {
      policy: attempts(3, exponential(10, 3)),
      clock,
      onFailedAttempt: (failed) => failures.push(failed),
    });
    await expect(clock.settle(call)).rejects.toBe("c");
    expect(failures).toEqual([
      { attempt: 1, error: "a", willRetry: true, delayMs: 10 },
      { attempt: 2, error: "b", willRetry: true, delayMs: 30 },
      { attempt: 3, error: "c", willRetry: false, stoppedBy: "policy" },
    ]);
  });

  it("invariant 17: hearing nothing back from it, throwing, rejecting or hanging changes nothing", async () => {
    const hooks = [
      () => {
        throw new Error("the hook threw");
      },
      () => Promise.reject(new Error("the hook rejected")),
      () => new Promise(() => {}),
      () => false,
    ];
    for (const onFailedAttempt of hooks) {
      const clock = createFakeClock();
      const call = retry(failing("a", "b"), {
        policy: attempts(3, constant(5)),
        clock,
        onFailedAttempt,
      });
      expect(await clock.settle(call)).toBe("done");
      expect(clock.monotonicMs()).toBe(10);
    }
    await new Promise(setImmediate);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain("the hook threw");
    expect(warnings[1]).toContain("the hook rejected");
  });

  it.each(THROWN)("invariant 17: it may throw %s", async (_, thrown) => {
    const clock = createFakeClock();
    const onFailedAttempt = () => {
      throw thrown;
    };
    const call = retry(failing("a"), { policy: attempts(2), clock, onFailedAttempt });
    expect(await clock.settle(call)).toBe("done");
    expect(warnings).toHaveLength(1);
  });
});
