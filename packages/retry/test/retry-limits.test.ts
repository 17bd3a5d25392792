import { isWorkerkitError, Panic } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import {
  attempts,
  constant,
  type FailedAttempt,
  never,
  type RetryAttempt,
  retry,
} from "@workerkit/retry";
import { AbortError } from "p-retry";
import { beforeEach, describe, expect, it, vi } from "vitest";

let clock: FakeClock;
beforeEach(() => {
  clock = createFakeClock();
});

/** What a promise rejects with; a value is a failure of the test. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await clock.settle(promise);
  } catch (thrown) {
    return thrown;
  }
  return expect.unreachable(`it resolved with ${String(value)}`);
}

const hang = () => new Promise<never>(() => {});

/** Hangs until its signal aborts, and then rejects as fetch does: with the signal's reason. */
const obeying = ({ signal }: RetryAttempt) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

/** Settles `afterMs` later whatever its signal says. */
const stubborn = <T>(afterMs: number, outcome: () => T) =>
  new Promise<T>((resolve) => clock.setTimeout(() => resolve(undefined as T), afterMs)).then(
    outcome,
  );

describe("P2 attemptTimeoutMs", () => {
  it("P2 aborts the attempt's signal with TIMEOUT, and a rejection with that reason is thrown as it is", async () => {
    let seen: AbortSignal | undefined;
    const call = retry(
      (attempt) => {
        seen = attempt.signal;
        return obeying(attempt);
      },
      { policy: never, attemptTimeoutMs: 200, clock },
    );
    const error = await rejection(call);
    expect(clock.monotonicMs()).toBe(200);
    expect(error).toBe(seen?.reason);
    expect(error).toMatchObject({
      code: "TIMEOUT",
      message: "attempt 1 ran into attemptTimeoutMs of 200 ms",
      details: { attempt: 1, limit: "attemptTimeoutMs", limitMs: 200 },
    });
    expect(error).not.toHaveProperty("cause");
    expect(clock.pending()).toEqual([]);
  });

  it("P2 a signal read only after the timeout is aborted with it", async () => {
    const reasons: unknown[] = [];
    const call = retry(
      (attempt) =>
        stubborn(300, () => {
          reasons.push(attempt.signal.aborted, attempt.signal.reason);
        }),
      { policy: never, attemptTimeoutMs: 200, clock },
    );
    await clock.settle(call);
    expect(reasons[0]).toBe(true);
    expect(isWorkerkitError(reasons[1], "TIMEOUT")).toBe(true);
  });

  it("P2 within the grace a value counts", async () => {
    const call = retry(() => stubborn(1199, () => "late"), {
      policy: never,
      attemptTimeoutMs: 200,
      clock,
    });
    expect(await clock.settle(call)).toBe("late");
  });

  it("P2 within the grace an error becomes TIMEOUT with it as cause", async () => {
    const late = new Error("late");
    const call = retry(
      () =>
        stubborn(1199, () => {
          throw late;
        }),
      { policy: never, attemptTimeoutMs: 200, clock },
    );
    expect(await rejection(call)).toMatchObject({ code: "TIMEOUT", cause: late });
  });

  it("P2 within the grace a thrown undefined is a cause too", async () => {
    const call = retry(
      () =>
        stubborn(300, () => {
          throw undefined;
        }),
      { policy: never, attemptTimeoutMs: 200, clock },
    );
    const error = await rejection(call);
    expect(error).toMatchObject({ code: "TIMEOUT" });
    expect(error).toHaveProperty("cause", undefined);
  });

  it("P2 after the grace (default 1000 ms) the attempt is ABANDONED, and never retried", async () => {
    const operation = vi.fn(hang);
    const policy = { nextDelayMs: vi.fn(() => 0) };
    const failures: FailedAttempt[] = [];
    const call = retry(operation, {
      policy,
      attemptTimeoutMs: 200,
      clock,
      onFailedAttempt: (failed) => failures.push(failed),
    });
    const error = await rejection(call);
    expect(clock.monotonicMs()).toBe(1200);
    expect(error).toMatchObject({
      code: "ABANDONED",
      message: "attempt 1 did not end within its grace of 1000 ms; it is left to itself",
      cause: { code: "TIMEOUT" },
    });
    expect(operation).toHaveBeenCalledTimes(1);
    expect(policy.nextDelayMs).not.toHaveBeenCalled();
    expect(failures).toEqual([{ attempt: 1, error, willRetry: false, stoppedBy: "error" }]);
  });

  it.each([
    ["a value", () => "too late"],
    [
      "an error",
      () => {
        throw new Error("too late");
      },
    ],
  ])("P2 what an abandoned attempt still yields is dropped: %s", async (_, outcome) => {
    const call = retry(() => stubborn(5000, outcome), {
      policy: attempts(3),
      attemptTimeoutMs: 200,
      clock,
    });
    expect(await rejection(call)).toMatchObject({ code: "ABANDONED" });
    await clock.advance(10_000);
    await new Promise(setImmediate); // an unhandled rejection would fail the run here
  });

  it("P2 graceMs sets the grace; 0 still lets an attempt end that obeys its signal", async () => {
    const options = { policy: never, attemptTimeoutMs: 200, graceMs: 50, clock };
    expect(await rejection(retry(hang, options))).toMatchObject({ code: "ABANDONED" });
    expect(clock.monotonicMs()).toBe(250);
    expect(await rejection(retry(obeying, { ...options, graceMs: 0 }))).toMatchObject({
      code: "TIMEOUT",
    });
    expect(await rejection(retry(hang, { ...options, graceMs: 0 }))).toMatchObject({
      code: "ABANDONED",
    });
  });

  it("P2 with an endless grace nothing is abandoned", async () => {
    const options = {
      policy: never,
      attemptTimeoutMs: 10,
      graceMs: Number.POSITIVE_INFINITY,
      clock,
    };
    const call = retry(() => stubborn(1_000_000, () => "at last"), options);
    expect(await clock.settle(call)).toBe("at last");
  });

  it("P2 a timeout is retried as the policy says, each attempt with its own limit and signal", async () => {
    const signals: AbortSignal[] = [];
    const call = retry(
      (attempt) => {
        signals.push(attempt.signal);
        return attempt.attempt < 3 ? obeying(attempt) : "done";
      },
      { policy: attempts(5, constant(100)), attemptTimeoutMs: 200, clock },
    );
    expect(await clock.settle(call)).toBe("done");
    expect(clock.monotonicMs()).toBe(600);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  });

  it("invariant 13: a panic within the grace is not retried, nor is p-retry's AbortError", async () => {
    const original = new Error("no such order");
    for (const thrown of [new Panic("bug"), new AbortError(original)]) {
      const operation = vi.fn(() =>
        stubborn(300, () => {
          throw thrown;
        }),
      );
      const call = retry(operation, { policy: attempts(5), attemptTimeoutMs: 200, clock });
      const cause = thrown instanceof AbortError ? original : thrown;
      expect(await rejection(call)).toMatchObject({ code: "TIMEOUT", cause });
      expect(operation).toHaveBeenCalledTimes(1);
    }
  });

  it("P2 the signal of an attempt that ended by itself never aborts", async () => {
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    const call = retry(
      async ({ attempt, signal }) => {
        signals.push(signal);
        if (attempt === 1) throw new Error("first");
        return "done";
      },
      {
        policy: attempts(2, constant(500)),
        attemptTimeoutMs: 100,
        signal: controller.signal,
        clock,
      },
    );
    expect(await clock.settle(call)).toBe("done");
    controller.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    expect(clock.pending()).toEqual([]);
  });

  it("P2 reads one signal however often it is asked for", async () => {
    await retry(
      (attempt) => {
        const { signal } = attempt;
        expect(attempt.signal).toBe(signal);
      },
      { policy: never },
    );
  });
});

describe("P2 deadlineMs", () => {
  it("P2 a delay that would reach it is not waited, and the last error is thrown", async () => {
    const failures: FailedAttempt[] = [];
    const operation = vi.fn(async () => {
      throw "down";
    });
    const call = retry(operation, {
      policy: attempts(9, constant(400)),
      deadlineMs: 1200,
      clock,
      onFailedAttempt: (failed) => failures.push(failed),
    });
    expect(await rejection(call)).toBe("down");
    expect(clock.monotonicMs()).toBe(800);
    expect(operation).toHaveBeenCalledTimes(3);
    expect(failures.at(-1)).toEqual({
      attempt: 3,
      error: "down",
      willRetry: false,
      stoppedBy: "deadline",
    });
  });

  it("P2 a running attempt is cut to what is left", async () => {
    const call = retry(
      (attempt) => {
        if (attempt.attempt === 1) throw new Error("first");
        return obeying(attempt);
      },
      { policy: attempts(9, constant(400)), attemptTimeoutMs: 10_000, deadlineMs: 1000, clock },
    );
    expect(await rejection(call)).toMatchObject({
      code: "TIMEOUT",
      message: "attempt 2 ran into deadlineMs of 1000 ms",
      details: { attempt: 2, limit: "deadlineMs", limitMs: 1000 },
    });
    expect(clock.monotonicMs()).toBe(1000);
  });

  it("P2 an attempt's own limit holds while it is the shorter one", async () => {
    const at: number[] = [];
    const call = retry(
      (attempt) => {
        at.push(clock.monotonicMs());
        return obeying(attempt);
      },
      { policy: attempts(9, constant(100)), attemptTimeoutMs: 400, deadlineMs: 1200, clock },
    );
    expect(await rejection(call)).toMatchObject({ details: { attempt: 3, limit: "deadlineMs" } });
    expect(at).toEqual([0, 500, 1000]);
    expect(clock.monotonicMs()).toBe(1200);
  });

  it("invariant 10: whatever hangs, it settles within deadlineMs and graceMs", async () => {
    const call = retry(hang, { policy: attempts(9), deadlineMs: 1000, graceMs: 70, clock });
    expect(await rejection(call)).toMatchObject({ code: "ABANDONED" });
    expect(clock.monotonicMs()).toBe(1070);
  });

  it("P2 no attempt begins after it, even if the timer of the delay fires late", async () => {
    const operation = vi.fn(async () => {
      throw "down";
    });
    const call = retry(operation, { policy: attempts(9, constant(400)), deadlineMs: 1000, clock });
    call.catch(() => {});
    await clock.flush();
    expect(clock.pending()).toMatchObject([{ label: "the delay of a retry" }]);
    clock.block(5000);
    expect(await rejection(call)).toBe("down");
    expect(operation).toHaveBeenCalledTimes(1);
  });

  it("P2 a limit of Infinity is no limit, and sets no timer", async () => {
    const setTimeout = vi.spyOn(clock, "setTimeout");
    const endless = Number.POSITIVE_INFINITY;
    const call = retry(async () => "done", {
      policy: never,
      attemptTimeoutMs: endless,
      deadlineMs: endless,
      signal: new AbortController().signal,
      clock,
    });
    expect(await call).toBe("done");
    expect(setTimeout).not.toHaveBeenCalled();
  });

  it("P2 jumps of the time of day move no limit", async () => {
    const call = retry(obeying, { policy: never, deadlineMs: 1000, clock });
    clock.jump(86_400_000);
    clock.jump(-2 * 86_400_000);
    expect(await rejection(call)).toMatchObject({ code: "TIMEOUT" });
    expect(clock.monotonicMs()).toBe(1000);
  });
});
