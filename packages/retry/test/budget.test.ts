import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import {
  attempts,
  constant,
  createRetryBudget,
  type FailedAttempt,
  type RetryBudget,
  retry,
} from "@workerkit/retry";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { collectWarnings } from "./warnings.ts";

const warnings = collectWarnings();

let clock: FakeClock;
beforeEach(() => {
  clock = createFakeClock();
});

/** Withdraws until nothing is left, and says how often that went well. */
function drain(budget: RetryBudget): number {
  let withdrawn = 0;
  while (budget.tryWithdraw()) withdrawn++;
  return withdrawn;
}

function depositTimes(budget: RetryBudget, times: number): void {
  for (let index = 0; index < times; index++) budget.deposit();
}

describe("P2 createRetryBudget", () => {
  it("P2 allows a share of the calls", () => {
    const budget = createRetryBudget({ ratio: 0.1, minPerSecond: 0, clock });
    depositTimes(budget, 99);
    expect(budget.balance()).toBe(9);
    budget.deposit();
    expect(budget.balance()).toBe(10);
    expect(drain(budget)).toBe(10);
    expect(budget.balance()).toBe(0);
  });

  it("P2 allows a floor per second to those who have made no calls", () => {
    const budget = createRetryBudget({ ratio: 0, minPerSecond: 3, windowMs: 2000, clock });
    expect(drain(budget)).toBe(6);
  });

  it("P2 defaults to a fifth of the calls and ten a second over ten seconds", () => {
    const budget = createRetryBudget({ clock });
    expect(budget.balance()).toBe(100);
    depositTimes(budget, 50);
    expect(budget.balance()).toBe(110);
    expect(createRetryBudget().balance()).toBe(100);
  });

  it("P2 a ratio above 1 allows several retries a call", () => {
    const budget = createRetryBudget({ ratio: 2, minPerSecond: 0, clock });
    budget.deposit();
    expect(drain(budget)).toBe(2);
  });

  it("P2 calls and retries are forgotten after the window", async () => {
    const budget = createRetryBudget({ ratio: 0.5, minPerSecond: 1, windowMs: 10_000, clock });
    depositTimes(budget, 20);
    expect(drain(budget)).toBe(20);
    await clock.advance(8999);
    expect(budget.balance()).toBe(0);
    await clock.advance(1001);
    expect(budget.balance()).toBe(10);
    await clock.advance(1_000_000);
    expect(budget.balance()).toBe(10);
  });

  it("P2 a deposit of an hour ago is worth nothing, and costs no more to forget than one of a minute ago", async () => {
    const budget = createRetryBudget({ ratio: 1, minPerSecond: 0, clock });
    depositTimes(budget, 5);
    await clock.advance(3_600_000_000);
    expect(budget.balance()).toBe(0);
    budget.deposit();
    expect(drain(budget)).toBe(1);
  });

  it("P2 loses no retry to rounding", () => {
    // 0.29 * 100 is a little less than 29.
    const budget = createRetryBudget({ ratio: 0.29, minPerSecond: 0, clock });
    depositTimes(budget, 100);
    expect(drain(budget)).toBe(29);
  });

  it("P2 sets no timer", () => {
    const budget = createRetryBudget({ clock });
    budget.deposit();
    drain(budget);
    expect(clock.pending()).toEqual([]);
  });

  it("P2 never allows more than its share and its floor, by a plain count of the same window", async () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 4000 }),
      calls: fc.integer({ min: 0, max: 30 }),
      wanted: fc.integer({ min: 0, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(0, 0.1, 0.25, 1, 3),
        fc.constantFrom(0, 1, 2.5),
        fc.array(step, { maxLength: 30 }),
        async (ratio, minPerSecond, steps) => {
          const stepClock = createFakeClock();
          const budget = createRetryBudget({
            ratio,
            minPerSecond,
            windowMs: 10_000,
            clock: stepClock,
          });
          const log: { slice: number; calls: number; retries: number }[] = [];
          for (const { waitMs, calls, wanted } of steps) {
            await stepClock.advance(waitMs);
            const slice = Math.floor(stepClock.monotonicMs() / 1000);
            const entry = { slice, calls, retries: 0 };
            log.push(entry);
            depositTimes(budget, calls);
            for (let index = 0; index < wanted; index++) {
              const inWindow = log.filter((past) => past.slice > slice - 10);
              const made = inWindow.reduce((sum, { retries }) => sum + retries, 0);
              const paid = inWindow.reduce((sum, past) => sum + past.calls, 0);
              const room = minPerSecond * 10 + ratio * paid - made;
              expect(budget.tryWithdraw()).toBe(room > 1 - 1e-6);
              if (room > 1 - 1e-6) entry.retries++;
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("P2 retry with a budget", () => {
  const down = async () => {
    throw new Error("down");
  };

  it("P2 an empty budget ends the call with its last error", async () => {
    const budget = createRetryBudget({ ratio: 0, minPerSecond: 2, windowMs: 1000, clock });
    const failures: FailedAttempt[] = [];
    const operation = vi.fn(down);
    const call = retry(operation, {
      policy: attempts(9),
      budget,
      clock,
      onFailedAttempt: (failed) => failures.push(failed),
    });
    await expect(clock.settle(call)).rejects.toThrow("down");
    expect(operation).toHaveBeenCalledTimes(3);
    expect(failures.at(-1)).toMatchObject({ attempt: 3, willRetry: false, stoppedBy: "budget" });
  });

  it("P2 callers that share one share its retries: a thousand failing calls make a hundred and some", async () => {
    const budget = createRetryBudget({ ratio: 0.1, minPerSecond: 1, windowMs: 10_000, clock });
    const operation = vi.fn(down);
    const calls = Array.from({ length: 1000 }, () =>
      retry(operation, { policy: attempts(4, constant(100)), budget, clock }),
    );
    await clock.settle(Promise.allSettled(calls));
    expect(operation).toHaveBeenCalledTimes(1000 + 110);
  });

  it("P2 a call deposits once, before its first attempt, and a success withdraws nothing", async () => {
    const order: string[] = [];
    const budget = {
      deposit: () => order.push("deposit"),
      tryWithdraw: () => order.push("withdraw") > 0,
      balance: () => 1,
    };
    await retry(() => order.push("attempt"), { policy: attempts(3), budget });
    expect(order).toEqual(["deposit", "attempt"]);
  });

  it("P2 nothing is withdrawn for a retry that the policy or the deadline has ruled out", async () => {
    const budget = { deposit: () => {}, tryWithdraw: vi.fn(() => true), balance: () => 1 };
    const options = { budget, clock };
    await expect(retry(down, { policy: attempts(1), ...options })).rejects.toThrow();
    const late = retry(down, { policy: attempts(9, constant(100)), deadlineMs: 50, ...options });
    await expect(clock.settle(late)).rejects.toThrow();
    expect(budget.tryWithdraw).not.toHaveBeenCalled();
  });

  it.each([
    ["throws", () => expect.unreachable("the budget is broken")],
    ["answers undefined", () => undefined],
    ["answers a promise", () => Promise.resolve(true)],
    ["answers 1", () => 1],
  ])("invariant 17: a tryWithdraw that %s is a no", async (_, tryWithdraw) => {
    const budget = { deposit: () => {}, tryWithdraw, balance: () => 1 } as unknown as RetryBudget;
    const operation = vi.fn(down);
    await expect(retry(operation, { policy: attempts(3), budget, clock })).rejects.toThrow("down");
    expect(operation).toHaveBeenCalledTimes(1);
  });

  it("invariant 17: a deposit that throws harms no call, and the process is warned", async () => {
    const budget = {
      deposit: () => expect.unreachable("the budget is broken"),
      tryWithdraw: () => true,
      balance: () => 1,
    };
    expect(await retry(() => "done", { policy: attempts(3), budget })).toBe("done");
    expect(warnings.join()).toContain("the budget is broken");
  });
});
