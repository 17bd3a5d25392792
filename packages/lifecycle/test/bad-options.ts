// Wrong options of definitions and runtimes, and what is said of each.

import { systemClock } from "@workerkit/contracts";
import { defineWorker } from "@workerkit/lifecycle";
import { revokedProxy, trappedProxy, wrong } from "./hostile.ts";

/** What is given, the path that the error names, the value it shows, and what it says was expected. */
export type Case = readonly [given: unknown, path: string, value: string, expected: string];

export const UNKNOWN = "(unknown key)";
export const DURATION = "a number of ms, 0 or more, or Infinity";
export const LIMIT = "a whole number of 1 or more, or Infinity";
export const FLAG = "true or false";
export const SIGNAL = "an AbortSignal";
export const FUNCTION = "a function";
export const RECORD = "an object";
export const PLAIN = "a plain object";
export const NAME = "1 to 63 characters of a-z, 0-9, _ and -";
const DEFINITION = "a worker made by defineWorker";
export const REFERENCE = "a worker name or a worker made by defineWorker";
const HOOKS = "an object with the hooks start and stop, such as loop(run)";
const DEPENDENCIES = "a list of workers or worker names";
const BACKOFF =
  "a backoff: constant(100), linear(100), exponential(100, 2), or an object with a delayMs function";
const RETRY =
  "a retry policy: never, attempts(3, exponential(100, 2)), or an object with a nextDelayMs function";
const RESTART_KEYS = "one of backoff, maxRestarts, when, withinMs";
export const A_RUNTIME = "a runtime made by createLifecycle";

const backoff = { delayMs: () => 0 };

/** Policy options: the same on a worker and as the runtime's default, below different paths. */
export const POLICY: readonly Case[] = [
  [{ startTimeoutMs: -1 }, "startTimeoutMs", "-1", DURATION],
  [{ startTimeoutMs: Number.NaN }, "startTimeoutMs", "NaN", DURATION],
  [{ startTimeoutMs: "30s" }, "startTimeoutMs", '"30s"', DURATION],
  [{ startTimeoutMs: null }, "startTimeoutMs", "null", DURATION],
  [{ stopTimeoutMs: Number.NEGATIVE_INFINITY }, "stopTimeoutMs", "-Infinity", DURATION],
  [{ stopTimeoutMs: 10n }, "stopTimeoutMs", "a bigint", DURATION],
  [{ drainTimeoutMs: false }, "drainTimeoutMs", "false", DURATION],
  [{ drainTimeoutMs: [10] }, "drainTimeoutMs", "an array", DURATION],
  [{ graceMs: -0.5 }, "graceMs", "-0.5", DURATION],
  [{ graceMs: Promise.resolve(5) }, "graceMs", "a promise", DURATION],
  [{ stallTimeoutMs: "never" }, "stallTimeoutMs", '"never"', DURATION],
  [{ readyOnStart: "yes" }, "readyOnStart", '"yes"', FLAG],
  [{ acceptingWorkOnStart: 1 }, "acceptingWorkOnStart", "1", FLAG],
  [{ contributesToReadiness: null }, "contributesToReadiness", "null", FLAG],
  [
    { failurePolicy: "isolated" },
    "failurePolicy",
    '"isolated"',
    '"isolate" or "mark-runtime-unready" or "fail-runtime"',
  ],
  [
    { failurePolicy: new String("isolate") },
    "failurePolicy",
    "an object",
    '"isolate" or "mark-runtime-unready" or "fail-runtime"',
  ],
  [{ panicPolicy: "exit" }, "panicPolicy", '"exit"', '"recover" or "crash"'],
  [{ panicPolicy: true }, "panicPolicy", "true", '"recover" or "crash"'],
  [{ isPanic: "TypeError" }, "isPanic", '"TypeError"', FUNCTION],
  [{ isPanic: [TypeError] }, "isPanic", "an array", FUNCTION],
  [{ startRetry: 3 }, "startRetry", "3", RETRY],
  [{ startRetry: { nextDelayMs: 100 } }, "startRetry", "an object", RETRY],
  [{ startRetry: backoff }, "startRetry", "an object", RETRY],
  [{ startRetry: revokedProxy() }, "startRetry", "an object", RETRY],
  [{ restart: true }, "restart", "true", RECORD],
  [{ restart: null }, "restart", "null", RECORD],
  [{ restart: [] }, "restart", "an array", RECORD],
  [{ restart: new Map() }, "restart", "an object", PLAIN],
  [{ restart: {} }, "restart.backoff", "undefined", "a backoff such as exponential(200, 2)"],
  [{ restart: { backoff: 200 } }, "restart.backoff", "200", BACKOFF],
  [{ restart: { backoff: { delayMs: 200 } } }, "restart.backoff", "an object", BACKOFF],
  [{ restart: { backoff: trappedProxy() } }, "restart.backoff", "an object", BACKOFF],
  [{ restart: { backoff, maxRestarts: 0 } }, "restart.maxRestarts", "0", LIMIT],
  [{ restart: { backoff, maxRestarts: 2.5 } }, "restart.maxRestarts", "2.5", LIMIT],
  [{ restart: { backoff, maxRestarts: "10" } }, "restart.maxRestarts", '"10"', LIMIT],
  [{ restart: { backoff, withinMs: -1 } }, "restart.withinMs", "-1", DURATION],
  [{ restart: { backoff, withinMs: Number.NaN } }, "restart.withinMs", "NaN", DURATION],
  [{ restart: { backoff, when: "always" } }, "restart.when", '"always"', FUNCTION],
  [{ restart: { backoff, max: 3 } }, "restart.max", UNKNOWN, RESTART_KEYS],
  [{ restart: trappedProxy() }, "restart", "unreadable", RECORD],
];

const worker = { start: () => {}, stop: () => {} };

export const DEFINITIONS: readonly Case[] = [
  [undefined, "options", "undefined", RECORD],
  [null, "options", "null", RECORD],
  ["index", "options", '"index"', RECORD],
  [[], "options", "an array", RECORD],
  [{ name: "bad", worker: undefined }, "workers.bad.worker", "undefined", HOOKS],
  [{ name: "bad" }, "workers.bad.worker", "undefined", HOOKS],
  [{ name: "bad", worker: () => {} }, "workers.bad.worker", "a function", HOOKS],
  [{ name: "bad", worker: {} }, "workers.bad.worker.start", "undefined", FUNCTION],
  [{ name: "bad", worker: { start: () => {} } }, "workers.bad.worker.stop", "undefined", FUNCTION],
  [{ name: "bad", worker: { ...worker, start: 1 } }, "workers.bad.worker.start", "1", FUNCTION],
  [
    { name: "bad", worker: { ...worker, stop: Promise.resolve() } },
    "workers.bad.worker.stop",
    "a promise",
    FUNCTION,
  ],
  [
    { name: "bad", worker: { ...worker, drain: true } },
    "workers.bad.worker.drain",
    "true",
    "a function, or nothing",
  ],
  [
    { name: "bad", worker: { ...worker, drain: null } },
    "workers.bad.worker.drain",
    "null",
    "a function, or nothing",
  ],
  [{ name: "bad", worker: { ...worker, kind: 5 } }, "workers.bad.worker.kind", "5", "a text"],
  [{ name: "bad", description: 5, worker }, "workers.bad.description", "5", "a text"],
  [{ name: "bad", dependsOn: "db", worker }, "workers.bad.dependsOn", '"db"', DEPENDENCIES],
  [
    { name: "bad", dependsOn: { db: true }, worker },
    "workers.bad.dependsOn",
    "an object",
    DEPENDENCIES,
  ],
  [{ name: "bad", dependsOn: ["DB"], worker }, "workers.bad.dependsOn[0]", '"DB"', NAME],
  [{ name: "bad", dependsOn: ["db", ""], worker }, "workers.bad.dependsOn[1]", '""', NAME],
  [
    { name: "bad", dependsOn: [undefined], worker },
    "workers.bad.dependsOn[0]",
    "undefined",
    "a worker, its name, or { worker, onRestart }",
  ],
  [
    { name: "bad", dependsOn: new Array(1), worker },
    "workers.bad.dependsOn[0]",
    "undefined",
    "a worker, its name, or { worker, onRestart }",
  ],
  [
    { name: "bad", dependsOn: ["db", "db"], worker },
    "workers.bad.dependsOn[1]",
    '"db"',
    "a worker that is not listed already",
  ],
  [
    { name: "bad", dependsOn: [{ onRestart: "keep" }], worker },
    "workers.bad.dependsOn[0].worker",
    "undefined",
    "a worker or a worker name",
  ],
  [
    { name: "bad", dependsOn: [{ worker: "db", onRestart: "follow" }], worker },
    "workers.bad.dependsOn[0].onRestart",
    '"follow"',
    '"keep" or "restart"',
  ],
  [
    { name: "bad", dependsOn: [{ worker: "db", restart: true }], worker },
    "workers.bad.dependsOn[0].restart",
    UNKNOWN,
    "one of onRestart, worker",
  ],
];

const WORKER_KEYS =
  "one of acceptingWorkOnStart, contributesToReadiness, dependsOn, description, drainTimeoutMs, " +
  "failurePolicy, graceMs, isPanic, name, panicPolicy, readyOnStart, restart, stallTimeoutMs, " +
  "startRetry, startTimeoutMs, stopTimeoutMs, units, worker";

export const REGISTRATIONS: readonly Case[] = [
  [undefined, "definition", "undefined", DEFINITION],
  ["index", "definition", '"index"', DEFINITION],
  [{ name: "bad", worker }, "definition", "an object", DEFINITION],
  [{ name: "bad", "~worker": { version: 2 } }, "definition", "an object", DEFINITION],
  [{ name: "bad", "~worker": { version: 1 } }, "definition", "an object", DEFINITION],
  [
    defineWorker(wrong({ name: "bad", retries: 3, worker })),
    "workers.bad.retries",
    UNKNOWN,
    WORKER_KEYS,
  ],
  [defineWorker(wrong({ name: "bad", units: 0, worker })), "workers.bad.units", "0", LIMIT],
];

export const RUNTIMES: readonly Case[] = [
  [null, "options", "null", RECORD],
  ["shop", "options", '"shop"', RECORD],
  [[], "options", "an array", RECORD],
  [new Map([["name", "shop"]]), "options", "an object", PLAIN],
  [
    { name: "bad", worker: [] },
    "worker",
    UNKNOWN,
    "one of clock, defaults, instanceId, name, onListenerError, random, readinessPolicy, version, workers",
  ],
  [{ name: "bad", version: 1 }, "version", "1", "a text"],
  [{ name: "bad", instanceId: {} }, "instanceId", "an object", "a text"],
  [{ name: "bad", workers: {} }, "workers", "an object", "a list of workers made by defineWorker"],
  [{ name: "bad", workers: ["db"] }, "workers[0]", '"db"', DEFINITION],
  [{ name: "bad", workers: new Array(2) }, "workers[0]", "undefined", DEFINITION],
  [{ name: "bad", workers: [{ name: "x" }] }, "workers[0]", "an object", DEFINITION],
  [{ name: "bad", defaults: null }, "defaults", "null", RECORD],
  [{ name: "bad", defaults: 30 }, "defaults", "30", RECORD],
  [
    { name: "bad", readinessPolicy: "all" },
    "readinessPolicy",
    '"all"',
    '"contributing-workers" or "all-workers"',
  ],
  [
    { name: "bad", clock: Date },
    "clock",
    "a function",
    "a clock such as systemClock or createFakeClock()",
  ],
  [
    { name: "bad", clock: null },
    "clock",
    "null",
    "a clock such as systemClock or createFakeClock()",
  ],
  [
    { name: "bad", clock: { ...systemClock, clearTimeout: undefined } },
    "clock",
    "an object",
    "a clock such as systemClock or createFakeClock()",
  ],
  [{ name: "bad", random: 0.5 }, "random", "0.5", FUNCTION],
  [{ name: "bad", onListenerError: "warn" }, "onListenerError", '"warn"', FUNCTION],
];
