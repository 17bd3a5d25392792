import { AssertionError } from "node:assert";
import { Panic, WorkerkitError, withFatal } from "@workerkit/contracts";
import {
  askBackoff,
  askPolicy,
  attempts,
  attemptsIf,
  constant,
  full,
  mayRetry,
  none,
  type RetryPolicy,
} from "@workerkit/retry";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { THROWN, trappedProxy, unreadableError } from "./hostile.ts";
import { collectWarnings } from "./warnings.ts";

const LONGEST_MS = 2 ** 31 - 1;
const failure = new Error("failure");
const warnings = collectWarnings();

const saying = (answer: unknown) => ({ nextDelayMs: () => answer }) as unknown as RetryPolicy;
const refuse = (): never => {
  throw new Error("a broken function");
};

describe("P1 askPolicy", () => {
  it.each([
    ["a delay", 250, 250],
    ["zero", 0, 0],
    ["minus zero", -0, 0],
    ["a fraction", 0.5, 0.5],
    ["a negative number", -5, 0],
    ["NaN", Number.NaN, 0],
    ["Infinity", Number.POSITIVE_INFINITY, LONGEST_MS],
    ["minus Infinity", Number.NEGATIVE_INFINITY, 0],
    ["2^31", 2 ** 31, LONGEST_MS],
    ["the longest", LONGEST_MS, LONGEST_MS],
    ["undefined", undefined, undefined],
    ["null", null, undefined],
    ["false", false, undefined],
    ["true", true, undefined],
    ["a string", "100", undefined],
    ["a bigint", 100n, undefined],
    ["an object", {}, undefined],
    ["an array", [100], undefined],
    ["a symbol", Symbol("delay"), undefined],
    ["a promise", Promise.resolve(100), undefined],
    ["a trapped proxy", trappedProxy(), undefined],
  ])("P1 a policy that answers %s", (_, answer, expected) => {
    expect(askPolicy(saying(answer), 1, failure)).toBe(expected);
    expect(warnings).toEqual([]);
  });

  it("P1 answers within 0..2^31-1 or undefined to anything whatever", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (answer, error) => {
        const delayMs = askPolicy(saying(answer), 1, error);
        if (delayMs === undefined) return;
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(LONGEST_MS);
      }),
    );
  });

  it("P1 a policy's rejected promise is taken in", async () => {
    expect(askPolicy(saying(Promise.reject(new Error("late"))), 1, failure)).toBeUndefined();
    await new Promise(setImmediate); // an unhandled rejection would fail the run here
  });

  it.each(THROWN)("P1 a policy that throws %s means no retry, and one warning", (_, thrown) => {
    const policy = {
      nextDelayMs: () => {
        throw thrown;
      },
    };
    expect(askPolicy(policy, 1, failure)).toBeUndefined();
    expect(askPolicy(policy, 2, failure)).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("WORKERKIT_RETRY: a retry policy threw");
  });

  it.each([
    ["predicate", attemptsIf(3, constant(1), none, refuse)],
    ["backoff", attempts(3, { delayMs: refuse })],
    ["jitter", attempts(3, constant(1), { spreadMs: refuse })],
  ])("P1 a %s that throws means no retry, and shows in the warning", (_, policy) => {
    expect(askPolicy(policy, 1, failure)).toBeUndefined();
    expect(warnings.join()).toContain("a broken function");
  });

  it("P1 a random source that throws means no retry", () => {
    expect(askPolicy(attempts(3, constant(100), full), 1, failure, refuse)).toBeUndefined();
  });

  it.each([
    ["NaN", Number.NaN, 0],
    ["a negative number", -1, 0],
    ["Infinity", Number.POSITIVE_INFINITY, LONGEST_MS],
    ["a string", "100", 0],
    ["a promise", Promise.resolve(100), 0],
    ["nothing", undefined, 0],
  ])(
    "P1 a backoff or jitter of a policy that answers %s is clamped",
    async (_, answer, expected) => {
      const answering = () => answer as number;
      expect(askPolicy(attempts(3, { delayMs: answering }), 1, failure)).toBe(expected);
      expect(askPolicy(attempts(3, constant(7), { spreadMs: answering }), 1, failure)).toBe(
        expected,
      );
      expect(askBackoff({ delayMs: answering }, 1)).toBe(expected);
      await new Promise(setImmediate);
    },
  );

  it("P1 rejected promises of a backoff, a jitter and a random source are taken in", async () => {
    const reject = () => Promise.reject(new Error("late")) as unknown as number;
    expect(askPolicy(attempts(3, { delayMs: reject }), 1, failure)).toBe(0);
    expect(askPolicy(attempts(3, constant(7), { spreadMs: reject }), 1, failure)).toBe(0);
    expect(askPolicy(attempts(3, constant(7), full), 1, failure, reject)).toBe(0);
    expect(askBackoff({ delayMs: reject }, 1)).toBe(0);
    await new Promise(setImmediate); // an unhandled rejection would fail the run here
  });

  it("P1 an unreadable error is an error like any other", () => {
    expect(askPolicy(attempts(3, constant(7)), 1, unreadableError())).toBe(7);
    expect(askPolicy(attempts(3, constant(7)), 1, trappedProxy())).toBe(7);
  });

  it("P1 calls the policy as its method, with attempt, error and random source", () => {
    class Stubborn implements RetryPolicy {
      readonly asked: unknown[] = [];
      nextDelayMs(...question: unknown[]): number {
        this.asked.push(question);
        return 3;
      }
    }
    const policy = new Stubborn();
    const random = () => 0.5;
    expect(askPolicy(policy, 4, failure, random)).toBe(3);
    expect(policy.asked).toEqual([[4, failure, random]]);
  });

  it("P1 survives a policy that is none", () => {
    expect(askPolicy(undefined as unknown as RetryPolicy, 1, failure)).toBeUndefined();
    expect(askPolicy(5 as unknown as RetryPolicy, 1, failure)).toBeUndefined();
    expect(warnings).toHaveLength(2);
  });
});

describe("mayRetry", () => {
  it.each([
    ["a Panic", new Panic("bug")],
    ["a ReferenceError", new ReferenceError("x is not defined")],
    ["an AssertionError", new AssertionError({ message: "no" })],
    ["a fatal error", withFatal(new Error("fatal"))],
    ["a fatal string", withFatal("fatal")],
    ["ABANDONED", new WorkerkitError("ABANDONED", "gone")],
    [
      "ABANDONED of another copy",
      Object.assign(new Error("gone"), { "~workerkit": 1, code: "ABANDONED" }),
    ],
  ])("L3 %s is never retried, whatever the policy says", (_, error) => {
    expect(mayRetry(error)).toBe(false);
    expect(askPolicy(saying(5), 1, error)).toBeUndefined();
  });

  it.each([...THROWN, ["TIMEOUT", new WorkerkitError("TIMEOUT", "late")] as const])(
    "L3 %s may be retried",
    (_, error) => {
      expect(mayRetry(error)).toBe(true);
    },
  );
});

describe("S1 askBackoff", () => {
  it("S1 answers with the delay, drawn from the source it is given", () => {
    expect(askBackoff(constant(30), 5)).toBe(30);
    expect(
      askBackoff({ delayMs: (attempt, random) => attempt * (random?.() ?? 0) }, 4, () => 0.5),
    ).toBe(2);
  });

  it("S1 says undefined, and warns once, when the backoff throws", () => {
    const backoff = { delayMs: refuse };
    expect(askBackoff(backoff, 1)).toBeUndefined();
    expect(askBackoff(backoff, 2)).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("a backoff threw");
  });
});
