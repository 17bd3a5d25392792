import {
  attempts,
  attemptsIf,
  constant,
  exponential,
  full,
  linear,
  never,
  none,
  symmetric,
} from "@workerkit/retry";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

const failure = new Error("failure");

describe("P1 policy", () => {
  it("P1 never never retries", () => {
    expect(never.nextDelayMs(1, failure)).toBeUndefined();
  });

  it("P1 attempts(n) counts the first try: the n-th failed attempt is the last", () => {
    const policy = attempts(3, exponential(100, 2));
    expect([1, 2, 3, 4].map((attempt) => policy.nextDelayMs(attempt, failure))).toEqual([
      100,
      200,
      undefined,
      undefined,
    ]);
    expect(attempts(1).nextDelayMs(1, failure)).toBeUndefined();
  });

  it("P1 attempts(n) alone retries without delay, attempts(Infinity) without end", () => {
    expect(attempts(2).nextDelayMs(1, failure)).toBe(0);
    expect(attempts(Number.POSITIVE_INFINITY).nextDelayMs(1_000_000, failure)).toBe(0);
  });

  it("P1 draws its jitter from the random source of whoever asks, so that a simulation replays", () => {
    const policy = attempts(9, constant(1000), full);
    expect(policy.nextDelayMs(1, failure, () => 0.25)).toBe(250);
    expect(policy.nextDelayMs(1, failure, () => 0.75)).toBe(750);
  });

  it("P1 hands the random source on to a backoff that takes one", () => {
    const backoff = { delayMs: (_: number, random: () => number = () => 0) => random() * 40 };
    expect(attempts(2, backoff).nextDelayMs(1, failure, () => 0.5)).toBe(20);
  });

  it("P1 attemptsIf asks its predicate with the error and the attempt, and not after the last", () => {
    const predicate = vi.fn((error: unknown) => error === failure);
    const policy = attemptsIf(3, constant(5), none, predicate);
    expect(policy.nextDelayMs(1, failure)).toBe(5);
    expect(policy.nextDelayMs(2, "other")).toBeUndefined();
    expect(policy.nextDelayMs(3, failure)).toBeUndefined();
    expect(predicate.mock.calls).toEqual([
      [failure, 1],
      ["other", 2],
    ]);
  });

  it.each([
    ["1", 1],
    ["a text", "yes"],
    ["an object", {}],
    ["nothing", undefined],
    ["a promise of true", Promise.resolve(true)],
  ])("P1 a predicate that answers %s has not said true", (_, answer) => {
    const predicate = (() => answer) as () => boolean;
    expect(attemptsIf(3, constant(5), none, predicate).nextDelayMs(1, failure)).toBeUndefined();
  });

  it("P1 a predicate's rejected promise is taken in", async () => {
    const predicate = (() => Promise.reject(new Error("late"))) as unknown as () => boolean;
    const policy = attemptsIf(3, constant(5), none, predicate);
    expect(policy.nextDelayMs(1, failure)).toBeUndefined();
    await new Promise(setImmediate); // an unhandled rejection would fail the run here
  });

  it("P1 a policy is a frozen value that works without its object", () => {
    const policy = attempts(2, constant(7));
    const { nextDelayMs } = policy;
    expect(nextDelayMs(1, failure)).toBe(7);
    expect(Object.isFrozen(policy)).toBe(true);
    expect(Object.isFrozen(never)).toBe(true);
  });

  it("P1 invariant 13: delays lie within the bounds, and the n-th attempt is the last", () => {
    const ms = fc.integer({ min: 0, max: 1_000_000 });
    const factor = fc.double({ min: 1, max: 4, noNaN: true });
    const backoffs = fc.oneof(
      ms.map((delayMs) => ({ backoff: constant(delayMs), capMs: delayMs })),
      fc.tuple(ms, ms, ms).map(([a, b, capMs]) => ({ backoff: linear(a, b, capMs), capMs })),
      fc
        .tuple(ms, factor, ms)
        .map(([a, f, capMs]) => ({ backoff: exponential(a, f, capMs), capMs })),
    );
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const jitters = fc.oneof(
      fc.constant({ jitter: none, most: 1 }),
      fc.constant({ jitter: full, most: 1 }),
      share.map((f) => ({ jitter: symmetric(f), most: 1 + f })),
    );
    fc.assert(
      fc.property(
        backoffs,
        jitters,
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 50, maxLength: 50 }),
        ({ backoff, capMs }, { jitter, most }, n, numbers) => {
          const policy = attempts(n, backoff, jitter);
          for (let attempt = 1; attempt <= n + 2; attempt++) {
            const delayMs = policy.nextDelayMs(attempt, failure, () => numbers[attempt] ?? 0);
            if (attempt >= n) expect(delayMs).toBeUndefined();
            else {
              expect(delayMs).toBeGreaterThanOrEqual(0);
              expect(delayMs).toBeLessThanOrEqual(Math.ceil(capMs * most));
            }
          }
        },
      ),
    );
  });
});
