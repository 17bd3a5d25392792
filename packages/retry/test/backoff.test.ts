import { constant, exponential, linear } from "@workerkit/retry";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const delays = (backoff: { delayMs: (attempt: number) => number }, n: number) =>
  Array.from({ length: n }, (_, index) => backoff.delayMs(index + 1));

describe("P1 backoff", () => {
  it("P1 constant is the same delay every time", () => {
    expect(delays(constant(250), 4)).toEqual([250, 250, 250, 250]);
    expect(delays(constant(0), 2)).toEqual([0, 0]);
  });

  it("P1 linear grows by its first delay, or by a step of its own", () => {
    expect(delays(linear(100), 4)).toEqual([100, 200, 300, 400]);
    expect(delays(linear(100, 10), 4)).toEqual([100, 110, 120, 130]);
    expect(delays(linear(100, 0), 3)).toEqual([100, 100, 100]);
  });

  it("P1 exponential starts at initialMs after the first failed attempt and multiplies by its factor", () => {
    expect(delays(exponential(200, 2), 5)).toEqual([200, 400, 800, 1600, 3200]);
    expect(delays(exponential(100, 1.5), 3)).toEqual([100, 150, 225]);
    expect(delays(exponential(100, 1), 3)).toEqual([100, 100, 100]);
  });

  it("P1 maxMs caps, and without it nothing does", () => {
    expect(delays(exponential(200, 2, 1000), 5)).toEqual([200, 400, 800, 1000, 1000]);
    expect(delays(linear(300, 300, 700), 4)).toEqual([300, 600, 700, 700]);
    expect(exponential(200, 2).delayMs(60)).toBe(200 * 2 ** 59);
    expect(exponential(200, 2, Number.POSITIVE_INFINITY).delayMs(60)).toBe(200 * 2 ** 59);
    expect(linear(300).delayMs(1_000_000)).toBe(300_000_000);
  });

  it("P1 never yields NaN, however late the attempt", () => {
    expect(exponential(0, 2).delayMs(100_000)).toBe(0);
    expect(exponential(0, 2, 50).delayMs(100_000)).toBe(0);
    expect(exponential(1, 10, 50).delayMs(100_000)).toBe(50);
  });

  it("P1 exponential and linear never shrink and never pass their cap", () => {
    const ms = fc.integer({ min: 0, max: 100_000 });
    fc.assert(
      fc.property(
        ms,
        fc.double({ min: 1, max: 10, noNaN: true }),
        ms,
        fc.integer({ min: 1, max: 5000 }),
        (initialMs, factor, maxMs, attempt) => {
          for (const backoff of [
            exponential(initialMs, factor, maxMs),
            linear(initialMs, maxMs, maxMs),
          ]) {
            const now = backoff.delayMs(attempt);
            const next = backoff.delayMs(attempt + 1);
            expect(now).toBeLessThanOrEqual(maxMs);
            expect(next).toBeGreaterThanOrEqual(now);
            expect(now).toBeGreaterThanOrEqual(Math.min(initialMs, maxMs));
          }
        },
      ),
    );
  });

  it("P1 backoffs are plain values: frozen, and the same for all who share them", () => {
    for (const backoff of [constant(1), linear(1), exponential(1, 2)]) {
      expect(Object.isFrozen(backoff)).toBe(true);
      const { delayMs } = backoff;
      expect(delayMs(2)).toBe(backoff.delayMs(2));
    }
  });
});
