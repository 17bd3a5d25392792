import { isWorkerkitError } from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import {
  attempts,
  attemptsIf,
  constant,
  createRetryBudget,
  equal,
  exponential,
  fromExponentialBackoff,
  full,
  jittered,
  linear,
  never,
  none,
  type RetryOptions,
  readBackoff,
  readJitter,
  readRetryBudget,
  readRetryPolicy,
  retry,
  symmetric,
} from "@workerkit/retry";
import { describe, expect, it, vi } from "vitest";
import { trappedProxy } from "./hostile.ts";

/** Nonsense in the place of anything. */
// biome-ignore lint/suspicious/noExplicitAny: what is given here is wrong on purpose
const wrong = (value: unknown): any => value;

type Case = readonly [
  call: string,
  path: string,
  shown: string,
  expected: RegExp,
  run: () => unknown,
];

const FINITE_MS = /^a finite number of ms, 0 or more$/;
const CAP = /^a number of ms, 0 or more, or Infinity$/;
const DURATION = /^a number of ms, 0 or more, or Infinity$/;
const LIMIT = /^a whole number of 1 or more, or Infinity$/;
const FACTOR = /^a finite number of 1 or more$/;
const SHARE = /^a number from 0 to 1$/;
const BACKOFF = /^a backoff: constant\(100\), linear\(100\), exponential\(100, 2\), or /;
const JITTER = /^a jitter: none, full, equal, symmetric\(0\.2\), or /;
const POLICY = /^a retry policy: never, attempts\(3, exponential\(100, 2\)\), or /;
const FUNCTION = /^a function$/;
const FINITE = /^a finite number, 0 or more$/;

const FACTORIES: readonly Case[] = [
  ["constant(-1)", "delayMs", "-1", FINITE_MS, () => constant(-1)],
  ["constant(NaN)", "delayMs", "NaN", FINITE_MS, () => constant(Number.NaN)],
  [
    "constant(Infinity)",
    "delayMs",
    "Infinity",
    FINITE_MS,
    () => constant(Number.POSITIVE_INFINITY),
  ],
  ['constant("5")', "delayMs", '"5"', FINITE_MS, () => constant(wrong("5"))],
  ["constant()", "delayMs", "undefined", FINITE_MS, () => constant(wrong(undefined))],
  ["linear(-1)", "initialMs", "-1", FINITE_MS, () => linear(-1)],
  ["linear(1, NaN)", "stepMs", "NaN", FINITE_MS, () => linear(1, Number.NaN)],
  ["linear(1, -1)", "stepMs", "-1", FINITE_MS, () => linear(1, -1)],
  ["linear(1, 1, -1)", "maxMs", "-1", CAP, () => linear(1, 1, -1)],
  ["linear(1, 1, null)", "maxMs", "null", CAP, () => linear(1, 1, wrong(null))],
  ["exponential(-1, 2)", "initialMs", "-1", FINITE_MS, () => exponential(-1, 2)],
  ["exponential(null, 2)", "initialMs", "null", FINITE_MS, () => exponential(wrong(null), 2)],
  ["exponential(1)", "factor", "undefined", FACTOR, () => exponential(1, wrong(undefined))],
  ["exponential(1, 0.5)", "factor", "0.5", FACTOR, () => exponential(1, 0.5)],
  ["exponential(1, NaN)", "factor", "NaN", FACTOR, () => exponential(1, Number.NaN)],
  [
    "exponential(1, Infinity)",
    "factor",
    "Infinity",
    FACTOR,
    () => exponential(1, Number.POSITIVE_INFINITY),
  ],
  ['exponential(1, "2")', "factor", '"2"', FACTOR, () => exponential(1, wrong("2"))],
  ["exponential(1, 2, NaN)", "maxMs", "NaN", CAP, () => exponential(1, 2, Number.NaN)],
  ['exponential(1, 2, "9")', "maxMs", '"9"', CAP, () => exponential(1, 2, wrong("9"))],
  ["symmetric(-0.1)", "share", "-0.1", SHARE, () => symmetric(-0.1)],
  ["symmetric(1.1)", "share", "1.1", SHARE, () => symmetric(1.1)],
  ["symmetric(NaN)", "share", "NaN", SHARE, () => symmetric(Number.NaN)],
  ["symmetric()", "share", "undefined", SHARE, () => symmetric(wrong(undefined))],
  ["jittered(100, full)", "backoff", "100", BACKOFF, () => jittered(wrong(100), full)],
  [
    "jittered(constant(1))",
    "jitter",
    "undefined",
    JITTER,
    () => jittered(constant(1), wrong(undefined)),
  ],
  ["attempts()", "n", "undefined", LIMIT, () => attempts(wrong(undefined))],
  ["attempts(0)", "n", "0", LIMIT, () => attempts(0)],
  ["attempts(-1)", "n", "-1", LIMIT, () => attempts(-1)],
  ["attempts(1.5)", "n", "1.5", LIMIT, () => attempts(1.5)],
  ["attempts(NaN)", "n", "NaN", LIMIT, () => attempts(Number.NaN)],
  ['attempts("3")', "n", '"3"', LIMIT, () => attempts(wrong("3"))],
  ["attempts(3, 100)", "backoff", "100", BACKOFF, () => attempts(3, wrong(100))],
  [
    "attempts(3, exponential)",
    "backoff",
    "a function",
    BACKOFF,
    () => attempts(3, wrong(exponential)),
  ],
  ["attempts(3, null)", "backoff", "null", BACKOFF, () => attempts(3, wrong(null))],
  ["attempts(3, proxy)", "backoff", "an object", BACKOFF, () => attempts(3, wrong(trappedProxy()))],
  [
    'attempts(3, b, "full")',
    "jitter",
    '"full"',
    JITTER,
    () => attempts(3, constant(1), wrong("full")),
  ],
  [
    "attempts(3, b, symmetric)",
    "jitter",
    "a function",
    JITTER,
    () => attempts(3, constant(1), wrong(symmetric)),
  ],
  ["attempts(3, full)", "backoff", "an object", BACKOFF, () => attempts(3, wrong(full))],
  ["attemptsIf(0)", "n", "0", LIMIT, () => attemptsIf(0, constant(1), none, () => true)],
  [
    "attemptsIf(3, b, j)",
    "predicate",
    "undefined",
    FUNCTION,
    () => attemptsIf(3, constant(1), none, wrong(undefined)),
  ],
  [
    "attemptsIf(3, b, j, true)",
    "predicate",
    "true",
    FUNCTION,
    () => attemptsIf(3, constant(1), equal, wrong(true)),
  ],
  [
    "readRetryPolicy(3)",
    "worker.startRetry",
    "3",
    POLICY,
    () => readRetryPolicy(3, "worker.startRetry"),
  ],
  ["readRetryPolicy(attempts)", "p", "a function", POLICY, () => readRetryPolicy(attempts, "p")],
  ["readRetryPolicy(backoff)", "p", "an object", POLICY, () => readRetryPolicy(constant(1), "p")],
  [
    "readBackoff([])",
    "restart.backoff",
    "an array",
    BACKOFF,
    () => readBackoff([], "restart.backoff"),
  ],
  ["readBackoff(policy)", "b", "an object", BACKOFF, () => readBackoff(never, "b")],
  ["readJitter({})", "j", "an object", JITTER, () => readJitter({}, "j")],
  [
    "readRetryBudget({})",
    "b",
    "an object",
    /^a retry budget such as /,
    () => readRetryBudget({}, "b"),
  ],
  ["createRetryBudget(0.2)", "options", "0.2", /^an object$/, () => createRetryBudget(wrong(0.2))],
  ["budget ratio -1", "ratio", "-1", FINITE, () => createRetryBudget({ ratio: -1 })],
  [
    "budget ratio Infinity",
    "ratio",
    "Infinity",
    FINITE,
    () => createRetryBudget({ ratio: Number.POSITIVE_INFINITY }),
  ],
  [
    "budget minPerSecond NaN",
    "minPerSecond",
    "NaN",
    FINITE,
    () => createRetryBudget({ minPerSecond: Number.NaN }),
  ],
  [
    "budget windowMs 10",
    "windowMs",
    "10",
    /from 1000 to 60000/,
    () => createRetryBudget({ windowMs: 10 }),
  ],
  [
    "budget windowMs 1e9",
    "windowMs",
    "1000000000",
    /from 1000 to 60000/,
    () => createRetryBudget({ windowMs: 1e9 }),
  ],
  [
    "budget clock Date",
    "clock",
    "a function",
    /^a clock such as /,
    () => createRetryBudget({ clock: wrong(Date) }),
  ],
  ["backoff options 5", "options", "5", /^an object$/, () => fromExponentialBackoff(wrong(5))],
  [
    "delayFirstAttempt 1",
    "delayFirstAttempt",
    "1",
    /^true or false$/,
    () => fromExponentialBackoff({ delayFirstAttempt: wrong(1) }),
  ],
  [
    "jitter half",
    "jitter",
    '"half"',
    /^"none" or "full"$/,
    () => fromExponentialBackoff({ jitter: wrong("half") }),
  ],
  ["maxDelay -1", "maxDelay", "-1", DURATION, () => fromExponentialBackoff({ maxDelay: -1 })],
  [
    "numOfAttempts NaN",
    "numOfAttempts",
    "NaN",
    /^a number of attempts$/,
    () => fromExponentialBackoff({ numOfAttempts: Number.NaN }),
  ],
  ["retry true", "retry", "true", FUNCTION, () => fromExponentialBackoff({ retry: wrong(true) })],
  [
    "startingDelay NaN",
    "startingDelay",
    "NaN",
    FINITE,
    () => fromExponentialBackoff({ startingDelay: Number.NaN }),
  ],
  [
    "timeMultiple text",
    "timeMultiple",
    '"2"',
    FINITE,
    () => fromExponentialBackoff({ timeMultiple: wrong("2") }),
  ],
];

const policy = never;
const giving = (options: object) => wrong({ policy, ...options }) as RetryOptions;

const CALLS: readonly (readonly [
  call: string,
  path: string,
  shown: string,
  expected: RegExp,
  options: unknown,
])[] = [
  ["no options", "options", "undefined", /^an object$/, undefined],
  ["null", "options", "null", /^an object$/, null],
  ["a number", "options", "3", /^an object$/, 3],
  [
    "a policy in place of the options",
    "nextDelayMs",
    "(unknown key)",
    /^one of attemptTimeoutMs, /,
    attempts(3),
  ],
  ["an array", "policy", "undefined", POLICY, []],
  ["a Map", "policy", "undefined", POLICY, new Map()],
  ["a trapped proxy", "options", "an object", /^an object that can be read$/, trappedProxy()],
  ["no policy", "policy", "undefined", POLICY, {}],
  ["a policy of 3", "policy", "3", POLICY, { policy: 3 }],
  ["a null policy", "policy", "null", POLICY, { policy: null }],
  ["a backoff as policy", "policy", "an object", POLICY, { policy: constant(1) }],
  [
    "a policy whose method is a number",
    "policy",
    "an object",
    POLICY,
    { policy: { nextDelayMs: 5 } },
  ],
  [
    "retries",
    "retries",
    "(unknown key)",
    /^one of attemptTimeoutMs, budget, clock, /,
    giving({ retries: 3 }),
  ],
  ["attemptTimeoutMs -1", "attemptTimeoutMs", "-1", DURATION, giving({ attemptTimeoutMs: -1 })],
  [
    "attemptTimeoutMs NaN",
    "attemptTimeoutMs",
    "NaN",
    DURATION,
    giving({ attemptTimeoutMs: Number.NaN }),
  ],
  [
    "attemptTimeoutMs text",
    "attemptTimeoutMs",
    '"5s"',
    DURATION,
    giving({ attemptTimeoutMs: "5s" }),
  ],
  ["graceMs null", "graceMs", "null", DURATION, giving({ graceMs: null })],
  ["graceMs -1", "graceMs", "-1", DURATION, giving({ graceMs: -1 })],
  ["deadlineMs Date", "deadlineMs", "an object", DURATION, giving({ deadlineMs: new Date(0) })],
  ["deadlineMs 5n", "deadlineMs", "a bigint", DURATION, giving({ deadlineMs: 5n })],
  [
    "a controller as signal",
    "signal",
    "an object",
    /^an AbortSignal$/,
    giving({ signal: new AbortController() }),
  ],
  ["signal null", "signal", "null", /^an AbortSignal$/, giving({ signal: null })],
  ["clock Date", "clock", "a function", /^a clock such as /, giving({ clock: Date })],
  ["half a clock", "clock", "an object", /^a clock such as /, giving({ clock: { now: () => 0 } })],
  ["random 0.5", "random", "0.5", FUNCTION, giving({ random: 0.5 })],
  [
    "onFailedAttempt text",
    "onFailedAttempt",
    '"log"',
    FUNCTION,
    giving({ onFailedAttempt: "log" }),
  ],
  ["budget 0.2", "budget", "0.2", /^a retry budget such as /, giving({ budget: 0.2 })],
  [
    "half a budget",
    "budget",
    "an object",
    /^a retry budget such as /,
    giving({ budget: { deposit: () => {} } }),
  ],
];

function expectInvalid(error: unknown, path: string, shown: string, expected: RegExp): void {
  if (!isWorkerkitError(error, "INVALID_OPTION")) throw error;
  expect(error.details).toMatchObject({ path, value: shown });
  expect(error.details.expected).toMatch(expected);
  expect(error.message).toContain(path);
  expect(error.message).toContain(String(error.details.expected));
}

describe("P1 bad arguments are INVALID_OPTION at once", () => {
  it.each(FACTORIES)("P1 %s", (_, path, shown, expected, run) => {
    let thrown: unknown;
    try {
      run();
    } catch (error) {
      thrown = error;
    }
    expectInvalid(thrown, path, shown, expected);
  });

  it("P1 what is right is read as it is, a literal and an instance too", () => {
    class Policy {
      nextDelayMs(): undefined {}
    }
    const [policy, backoff] = [new Policy(), { delayMs: () => 1 }];
    const [jitter, budget] = [{ spreadMs: () => 1 }, createRetryBudget()];
    expect(readRetryPolicy(policy, "p")).toBe(policy);
    expect(readBackoff(backoff, "b")).toBe(backoff);
    expect(readJitter(jitter, "j")).toBe(jitter);
    expect(readRetryBudget(budget, "b")).toBe(budget);
  });

  it("P1 an unknown option of fromExponentialBackoff and createRetryBudget is named", () => {
    expect(() => fromExponentialBackoff(wrong({ maxDelayMs: 5 }))).toThrow(
      "maxDelayMs is no option",
    );
    expect(() => createRetryBudget(wrong({ percent: 5 }))).toThrow("percent is no option");
  });
});

describe("P2 bad options of retry reject with INVALID_OPTION, and nothing is called", () => {
  it.each(CALLS)("P2 %s", async (_, path, shown, expected, options) => {
    const operation = vi.fn();
    const error = await retry(operation, wrong(options)).catch((thrown: unknown) => thrown);
    expectInvalid(error, path, shown, expected);
    expect(operation).not.toHaveBeenCalled();
  });

  it.each([
    ["undefined", undefined, "undefined"],
    ["a promise", Promise.resolve(1), "a promise"],
    ["a text", "fetch", '"fetch"'],
  ])("P2 an operation that is %s", async (_, operation, shown) => {
    const error = await retry(wrong(operation), { policy }).catch((thrown: unknown) => thrown);
    expectInvalid(error, "operation", shown, FUNCTION);
  });

  it("P2 undefined counts as left out, a class may hold the options, and what they inherit is not theirs", async () => {
    class Options implements RetryOptions {
      readonly policy = never;
      readonly clock = createFakeClock();
    }
    const inherited = Object.assign(Object.create({ region: "eu" }), new Options());
    expect(await retry(() => 1, new Options())).toBe(1);
    expect(await retry(() => 1, inherited)).toBe(1);
    const left = { attemptTimeoutMs: undefined, graceMs: undefined, deadlineMs: undefined };
    const out = { signal: undefined, clock: undefined, random: undefined, budget: undefined };
    expect(await retry(() => 2, { policy, ...left, ...out, onFailedAttempt: undefined })).toBe(2);
  });
});
