import { getEventListeners } from "node:events";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import { attempts, constant, never, type RetryOptions, retry } from "@workerkit/retry";
import { beforeEach, describe, expect, it, vi } from "vitest";

let clock: FakeClock;
let controller: AbortController;
beforeEach(() => {
  clock = createFakeClock();
  controller = new AbortController();
});

const reason = { why: "the caller has gone" };
/** Aborts from within whatever calls it, and answers with `answer`. */
const abortThen = <T>(answer: T): T => {
  controller.abort(reason);
  return answer;
};

const listeners = () => getEventListeners(controller.signal, "abort").length;
const hang = () => new Promise<never>(() => {});

/** What a promise rejected with when nothing but microtasks ran, that is: at once. */
async function rejectedAtOnce(promise: Promise<unknown>): Promise<unknown> {
  const pending = Symbol("pending");
  const outcome = promise.then(
    (value) => expect.unreachable(`it resolved with ${String(value)}`),
    (thrown: unknown) => thrown,
  );
  const first = Promise.race([outcome, new Promise((resolve) => setImmediate(resolve, pending))]);
  expect(await first).not.toBe(pending);
  return outcome;
}

function expectNothingLeft(): void {
  expect(clock.pending()).toEqual([]);
  expect(listeners()).toBe(0);
}

describe("P2 the caller's abort wins", () => {
  it("P2 before the call: the operation is never called, the budget never asked", async () => {
    const operation = vi.fn();
    const budget = { deposit: vi.fn(), tryWithdraw: vi.fn(), balance: vi.fn() };
    controller.abort(reason);
    const call = retry(operation, { policy: attempts(3), signal: controller.signal, budget });
    await expect(call).rejects.toBe(reason);
    expect(operation).not.toHaveBeenCalled();
    expect(budget.deposit).not.toHaveBeenCalled();
  });

  it.each([
    ["in the operation, which then returns", () => "dropped"],
    [
      "in the operation, which then throws",
      () => {
        throw new Error("dropped");
      },
    ],
    ["in the operation, which then hangs", hang],
    ["in the operation, which then rejects", () => Promise.reject(new Error("dropped"))],
  ])("P2 %s", async (_, then) => {
    const policy = { nextDelayMs: vi.fn(() => 0) };
    const call = retry<unknown>(
      () => {
        controller.abort(reason);
        return then();
      },
      { policy, signal: controller.signal, clock, attemptTimeoutMs: 100 },
    );
    expect(await rejectedAtOnce(call)).toBe(reason);
    expect(policy.nextDelayMs).not.toHaveBeenCalled();
    expectNothingLeft();
  });

  it("P2 while an attempt hangs, which hears of it through its own signal", async () => {
    let inner: AbortSignal | undefined;
    const call = retry(
      ({ signal }) => {
        inner = signal;
        return hang();
      },
      {
        policy: attempts(3),
        signal: controller.signal,
        clock,
        attemptTimeoutMs: 1000,
        deadlineMs: 5000,
      },
    );
    expect(listeners()).toBe(1);
    controller.abort(reason);
    expect(inner?.aborted).toBe(true);
    expect(inner?.reason).toBe(reason);
    expect(await rejectedAtOnce(call)).toBe(reason);
    expectNothingLeft();
  });

  it("P2 a signal that the operation reads after the abort is aborted", async () => {
    let inner: () => AbortSignal = () => expect.unreachable();
    const call = retry(
      (attempt) => {
        inner = () => attempt.signal;
        return hang();
      },
      { policy: never, signal: controller.signal },
    );
    controller.abort(reason);
    expect(await rejectedAtOnce(call)).toBe(reason);
    expect(inner().reason).toBe(reason);
  });

  it("P2 in the tick in which the attempt succeeds, before its result is in", async () => {
    const call = retry(async () => "dropped", { policy: never, signal: controller.signal });
    controller.abort(reason);
    expect(await rejectedAtOnce(call)).toBe(reason);
  });

  it("P2 during the grace of an attempt that ran out of time", async () => {
    const call = retry(hang, {
      policy: never,
      signal: controller.signal,
      clock,
      attemptTimeoutMs: 100,
    });
    const outcome = rejectedAtOnce;
    call.catch(() => {});
    await clock.advance(500);
    expect(clock.pending()).toMatchObject([{ label: "the grace of a retried attempt" }]);
    controller.abort(reason);
    expect(await outcome(call)).toBe(reason);
    expectNothingLeft();
  });

  it("P2 in the listener that hears of an attempt's timeout", async () => {
    const call = retry(
      ({ signal }) => {
        signal.addEventListener("abort", () => controller.abort(reason));
        return hang();
      },
      { policy: never, signal: controller.signal, clock, attemptTimeoutMs: 100 },
    );
    await expect(clock.settle(call)).rejects.toBe(reason);
    expect(clock.monotonicMs()).toBe(100);
    expectNothingLeft();
  });

  it("P2 during the delay before an attempt, which then never begins", async () => {
    const operation = vi.fn(async () => {
      throw new Error("down");
    });
    const call = retry(operation, {
      policy: attempts(3, constant(60_000)),
      signal: controller.signal,
      clock,
    });
    call.catch(() => {});
    await clock.advance(30_000);
    expect(clock.pending()).toMatchObject([{ label: "the delay of a retry", inMs: 30_000 }]);
    controller.abort(reason);
    expect(await rejectedAtOnce(call)).toBe(reason);
    expect(operation).toHaveBeenCalledTimes(1);
    expectNothingLeft();
  });

  it("P2 during a later attempt", async () => {
    const operation = vi.fn(({ attempt }: { attempt: number }) => {
      if (attempt < 3) throw new Error("down");
      return hang();
    });
    const onFailedAttempt = vi.fn();
    const call = retry(operation, {
      onFailedAttempt,
      policy: attempts(9, constant(10)),
      signal: controller.signal,
      clock,
    });
    call.catch(() => {});
    await clock.advance(1000);
    expect(operation).toHaveBeenCalledTimes(3);
    controller.abort(reason);
    expect(await rejectedAtOnce(call)).toBe(reason);
    expectNothingLeft();
    expect(onFailedAttempt).toHaveBeenCalledTimes(2);
  });

  it.each<[string, Partial<RetryOptions>]>([
    ["the policy", { policy: { nextDelayMs: () => abortThen(5) } }],
    ["the hook", { onFailedAttempt: () => controller.abort(reason) }],
    [
      "the random source",
      {
        policy: { nextDelayMs: (_, __, random) => random?.() },
        random: () => abortThen(0),
      },
    ],
    [
      "the budget",
      {
        budget: {
          deposit: () => {},
          tryWithdraw: () => abortThen(true),
          balance: () => 1,
        },
      },
    ],
  ])("P2 from inside %s", async (_, options) => {
    const operation = vi.fn(async () => {
      throw new Error("down");
    });
    const call = retry(operation, {
      policy: attempts(3),
      signal: controller.signal,
      clock,
      ...options,
    });
    expect(await rejectedAtOnce(call)).toBe(reason);
    expect(operation).toHaveBeenCalledTimes(1);
    expectNothingLeft();
  });

  it("P2 from inside the budget's deposit: no attempt is made", async () => {
    const operation = vi.fn();
    const budget = {
      deposit: () => controller.abort(reason),
      tryWithdraw: () => true,
      balance: () => 1,
    };
    const call = retry(operation, {
      policy: attempts(3),
      signal: controller.signal,
      clock,
      budget,
    });
    expect(await rejectedAtOnce(call)).toBe(reason);
    expect(operation).not.toHaveBeenCalled();
    expectNothingLeft();
  });

  it("P2 at every moment of a call that fails, times out and waits", async () => {
    for (let at = 0; at <= 2400; at += 50) {
      clock = createFakeClock();
      controller = new AbortController();
      clock.setTimeout(() => controller.abort(reason), at);
      const call = retry(
        ({ attempt, signal }) =>
          attempt % 2 === 1
            ? hangUntil(signal)
            : new Promise((_, reject) => clock.setTimeout(() => reject(attempt), 120)),
        {
          policy: attempts(99, constant(80)),
          signal: controller.signal,
          attemptTimeoutMs: 300,
          clock,
        },
      );
      await expect(clock.settle(call)).rejects.toBe(reason);
      expect(clock.monotonicMs()).toBe(Math.max(1, at));
      expect(listeners()).toBe(0);
      await clock.advance(1000); // what the operation itself had set
      expect(clock.pending()).toEqual([]);
    }
  });

  it("P2 with an undefined reason, as with any: it rejects with signal.reason", async () => {
    const call = retry(hang, { policy: never, signal: controller.signal });
    controller.abort(undefined);
    expect(await rejectedAtOnce(call)).toBe(controller.signal.reason);
    expect(controller.signal.reason).toBeInstanceOf(DOMException);
  });

  it("P2 what a deserted attempt still throws is taken in", async () => {
    let fail: (error: Error) => void = () => {};
    const call = retry(() => new Promise((_, reject) => (fail = reject)), {
      policy: attempts(3),
      signal: controller.signal,
    });
    controller.abort(reason);
    expect(await rejectedAtOnce(call)).toBe(reason);
    fail(new Error("late"));
    await new Promise(setImmediate); // an unhandled rejection would fail the run here
  });
});

describe("P2 leaves nothing behind", () => {
  it("P2 an abort after the end changes nothing", async () => {
    const call = retry(async () => "done", {
      policy: never,
      signal: controller.signal,
      clock,
      deadlineMs: 50,
    });
    expect(await call).toBe("done");
    expectNothingLeft();
    controller.abort(reason);
    expect(await call).toBe("done");
  });

  it("P2 one listener serves all calls that share a signal, and goes with the last of them", async () => {
    const ends: (() => void)[] = [];
    const calls = Array.from({ length: 100 }, () =>
      retry(() => new Promise<void>((resolve) => ends.push(resolve)), {
        policy: never,
        signal: controller.signal,
      }),
    );
    expect(listeners()).toBe(1);
    for (const end of ends) end();
    await Promise.all(calls);
    expect(listeners()).toBe(0);
  });
});

const hangUntil = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
