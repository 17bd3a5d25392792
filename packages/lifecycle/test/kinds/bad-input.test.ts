import { isWorkerkitError } from "@workerkit/contracts";
import { check, poll, stream, task, type WorkerContext } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { wrong } from "../hostile.ts";
import { host } from "./host.ts";

const DURATION = "a number of ms, 0 or more, or Infinity";
const FUNCTION = "a function";
const ON_ERROR = '"continue", "fail" or a function that returns one of them';

/** What is given, the path that the error names, the value it shows, and what it says was expected. */
type Case = readonly [given: unknown, path: string, value: string, expected: string];

const anything = () => {};

const POLL: readonly Case[] = [
  [{}, "poll.everyMs", "undefined", DURATION],
  [undefined, "poll.everyMs", "undefined", DURATION],
  [null, "poll", "null", "an object"],
  [100, "poll", "100", "an object"],
  [new Map(), "poll", "an object", "a plain object"],
  [{ everyMs: -1 }, "poll.everyMs", "-1", DURATION],
  [{ everyMs: "1s" }, "poll.everyMs", '"1s"', DURATION],
  [{ everyMs: Number.NaN }, "poll.everyMs", "NaN", DURATION],
  [{ everyMs: 1, next: 5 }, "poll.next", "5", FUNCTION],
  [{ everyMs: 1, jitter: 1.1 }, "poll.jitter", "1.1", "a number from 0 to 1"],
  [{ everyMs: 1, jitter: -0.1 }, "poll.jitter", "-0.1", "a number from 0 to 1"],
  [{ everyMs: 1, jitter: Number.NaN }, "poll.jitter", "NaN", "a number from 0 to 1"],
  [{ everyMs: 1, jitter: "full" }, "poll.jitter", '"full"', "a number from 0 to 1"],
  [{ everyMs: 1, initialDelayMs: -1 }, "poll.initialDelayMs", "-1", DURATION],
  [{ everyMs: 1, timeoutMs: true }, "poll.timeoutMs", "true", DURATION],
  [{ everyMs: 1, onError: "ignore" }, "poll.onError", '"ignore"', ON_ERROR],
  [{ everyMs: 1, onError: null }, "poll.onError", "null", ON_ERROR],
  [
    { everyMs: 1, errorBackoff: 100 },
    "poll.errorBackoff",
    "100",
    "a backoff: constant(100), linear(100), exponential(100, 2), or an object with a delayMs function",
  ],
  [{ everyMs: 1, readyAfter: "now" }, "poll.readyAfter", '"now"', '"start" or "first-success"'],
  [
    { everyMs: 1, every: 1 },
    "poll.every",
    "(unknown key)",
    "one of errorBackoff, everyMs, initialDelayMs, jitter, next, onError, readyAfter, timeoutMs",
  ],
];

const STREAM: readonly Case[] = [
  [undefined, "stream.source", "undefined", FUNCTION],
  [[], "stream", "an array", "an object"],
  [{ handle: anything }, "stream.source", "undefined", FUNCTION],
  [{ source: [], handle: anything }, "stream.source", "an array", FUNCTION],
  [{ source: anything }, "stream.handle", "undefined", FUNCTION],
  [{ source: anything, handle: "log" }, "stream.handle", '"log"', FUNCTION],
  ...(
    [
      [{ concurrency: 0 }, "stream.concurrency", "0", "a whole number of 1 or more, or Infinity"],
      [
        { concurrency: 1.5 },
        "stream.concurrency",
        "1.5",
        "a whole number of 1 or more, or Infinity",
      ],
      [{ itemTimeoutMs: -1 }, "stream.itemTimeoutMs", "-1", DURATION],
      [{ onError: true }, "stream.onError", "true", ON_ERROR],
      [{ onEnd: "stay" }, "stream.onEnd", '"stay"', '"fail" or "complete"'],
      [
        { limit: 1 },
        "stream.limit",
        "(unknown key)",
        "one of concurrency, handle, itemTimeoutMs, onEnd, onError, source",
      ],
    ] as const
  ).map(([given, ...rest]): Case => [{ source: anything, handle: anything, ...given }, ...rest]),
];

const TASK: readonly Case[] = [
  [null, "task", "null", "an object"],
  ["shutdown", "task", '"shutdown"', "an object"],
  [{ onComplete: "exit" }, "task.onComplete", '"exit"', '"stay" or "shutdown"'],
  [{ onEnd: "stay" }, "task.onEnd", "(unknown key)", "one of onComplete"],
];

const CHECK: readonly Case[] = [
  [{}, "check.everyMs", "undefined", DURATION],
  [undefined, "check.everyMs", "undefined", DURATION],
  [{ everyMs: null }, "check.everyMs", "null", DURATION],
  [{ everyMs: 1, timeoutMs: -5 }, "check.timeoutMs", "-5", DURATION],
  [{ everyMs: 1, staleAfterMs: "1m" }, "check.staleAfterMs", '"1m"', DURATION],
  [{ everyMs: 1, initialDelayMs: {} }, "check.initialDelayMs", "an object", DURATION],
  [{ everyMs: 1, failOnNotReady: 1 }, "check.failOnNotReady", "1", "true or false"],
  [
    { everyMs: 1, interval: 1 },
    "check.interval",
    "(unknown key)",
    "one of everyMs, failOnNotReady, initialDelayMs, staleAfterMs, timeoutMs",
  ],
];

/** What a call that must be refused throws. */
function refusal(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return isWorkerkitError(error, "INVALID_OPTION") ? error.details : error;
  }
  return "nothing was thrown";
}

describe("N4 the options of kinds", () => {
  it.each(POLL)("N4 poll refuses %j: %s", (given, path, value, expected) => {
    expect(refusal(() => poll(anything, wrong(given)))).toEqual({ path, value, expected });
  });

  it.each(STREAM)("N4 stream refuses %j: %s", (given, path, value, expected) => {
    expect(refusal(() => stream(wrong(given)))).toEqual({ path, value, expected });
  });

  it.each(TASK)("N4 task refuses %j: %s", (given, path, value, expected) => {
    expect(refusal(() => task(anything, wrong(given)))).toEqual({ path, value, expected });
  });

  it.each(CHECK)("N4 check refuses %j: %s", (given, path, value, expected) => {
    const probe = () => "pass" as const;
    expect(refusal(() => check(probe, wrong(given)))).toEqual({ path, value, expected });
  });

  it.each([
    ["poll.run", (run: unknown) => poll(wrong(run), { everyMs: 1 })],
    ["task.run", (run: unknown) => task(wrong(run))],
    ["check.probe", (run: unknown) => check(wrong(run), { everyMs: 1 })],
  ])("N4 %s must be a function", (path, make) => {
    for (const [given, value] of [
      [undefined, "undefined"],
      ["run", '"run"'],
      [Promise.resolve(), "a promise"],
    ]) {
      expect(refusal(() => make(given))).toEqual({ path, value, expected: FUNCTION });
    }
  });

  it("N4 takes every option left out or undefined", () => {
    const nothing = undefined;
    poll(anything, {
      ...{
        everyMs: 1,
        next: nothing,
        jitter: nothing,
        initialDelayMs: nothing,
        timeoutMs: nothing,
      },
      ...{ onError: nothing, errorBackoff: nothing, readyAfter: nothing },
    });
    stream({
      ...{ source: () => [], handle: anything, concurrency: nothing, itemTimeoutMs: nothing },
      ...{ onError: nothing, onEnd: nothing },
    });
    task(anything, { onComplete: nothing });
    const timeouts = { timeoutMs: nothing, staleAfterMs: nothing, initialDelayMs: nothing };
    check(() => "pass", { everyMs: 1, ...timeouts, failOnNotReady: nothing });
  });
});

describe("N4 the options of a lease", () => {
  const given: readonly Case[] = [
    [{ timeoutMs: -1 }, "timeoutMs", "-1", DURATION],
    [{ timeoutMs: "1s" }, "timeoutMs", '"1s"', DURATION],
    [{ onAbort: "log" }, "onAbort", '"log"', FUNCTION],
    [{ onAbandoned: 5 }, "onAbandoned", "5", FUNCTION],
  ];

  it.each(given)(
    "N4 admit refuses %j and opens nothing",
    async (options, path, value, expected) => {
      let seen: WorkerContext<void> | undefined;
      const hosted = host({
        start: (ctx) => {
          seen = ctx;
        },
        stop: anything,
      });
      await hosted.start();
      const timers = hosted.clock.pending();
      expect(refusal(() => seen?.admit("work", wrong(options)))).toEqual({ path, value, expected });
      expect(hosted.status().inFlight).toBe(0);
      expect(hosted.clock.pending()).toEqual(timers);
      await hosted.end();
    },
  );
});
