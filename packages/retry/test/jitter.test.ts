import { constant, equal, exponential, full, jittered, none, symmetric } from "@workerkit/retry";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const always = (value: number) => () => value;

describe("P1 jitter", () => {
  it("P1 none leaves the delay as it is", () => {
    expect(none.spreadMs(337.5, always(0.9))).toBe(337.5);
  });

  it.each([
    ["full", full, [0, 250, 500, 999]],
    ["equal", equal, [500, 625, 750, 1000]],
    ["symmetric(0.2)", symmetric(0.2), [800, 900, 1000, 1200]],
    ["symmetric(1)", symmetric(1), [0, 500, 1000, 1998]],
    ["symmetric(0)", symmetric(0), [1000, 1000, 1000, 1000]],
  ])("P1 %s spreads 1000 ms as its formula says", (_, jitter, expected) => {
    const spread = [0, 0.25, 0.5, 0.999].map((value) => jitter.spreadMs(1000, always(value)));
    expect(spread).toEqual(expected);
  });

  it("P1 stays within its bounds, in whole ms, whatever the random numbers", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (delayMs, value, share) => {
          const random = always(value);
          const bounds = [
            [full, 0, delayMs],
            [equal, delayMs / 2, delayMs],
            [symmetric(share), delayMs * (1 - share), delayMs * (1 + share)],
          ] as const;
          for (const [jitter, least, most] of bounds) {
            const spread = jitter.spreadMs(delayMs, random);
            expect(Number.isInteger(spread)).toBe(true);
            expect(spread).toBeGreaterThanOrEqual(Math.round(least));
            expect(spread).toBeLessThanOrEqual(Math.round(most));
          }
        },
      ),
    );
  });

  it.each([
    ["NaN", Number.NaN, 0],
    ["a negative number", -3, 0],
    ["more than 1", 7, 1],
    ["Infinity", Number.POSITIVE_INFINITY, 1],
    ["a string", "0.5", 0],
    ["nothing", undefined, 0],
  ])("P1 a random source that says %s counts as 0 or 1", (_, answer, counts) => {
    const random = (() => answer) as () => number;
    for (const jitter of [full, equal, symmetric(0.3)]) {
      expect(jitter.spreadMs(1000, random)).toBe(jitter.spreadMs(1000, always(counts)));
    }
  });

  it("P1 jittered spreads a backoff that stands alone, from the source it is given", () => {
    const backoff = jittered(exponential(1000, 2), equal);
    expect(backoff.delayMs(2, always(0.5))).toBe(1500);
    expect(jittered(constant(80), none).delayMs(9)).toBe(80);
  });

  it("P1 jittered draws from Math.random when it is given nothing", () => {
    const seen = new Set<number>();
    const backoff = jittered(constant(1_000_000), full);
    for (let index = 0; index < 50; index++) seen.add(backoff.delayMs(1));
    expect(seen.size).toBeGreaterThan(10);
  });
});
