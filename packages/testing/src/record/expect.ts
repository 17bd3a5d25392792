// Expectations that any test runner understands: they throw Node's AssertionError, with a message that needs no runner to be read.

import { AssertionError } from "node:assert";
import type { EventName, WorkerkitEvents } from "@workerkit/contracts";
import type { FakeClock, PendingTimer } from "@workerkit/contracts/fake-clock";
import type { Lifecycle, WorkerReference, WorkerStatus } from "@workerkit/lifecycle";
import { difference } from "./difference.ts";
import type { RecordedEvent } from "./event-line.ts";
import type { EventRecorder } from "./record-events.ts";

/** An event that is expected: its name, and any of its fields. */
export type ExpectedEvent = {
  [Name in EventName]: { readonly name: Name } & Partial<WorkerkitEvents[Name]>;
}[EventName];

/** What is expected of the status of a worker: any of its fields; `undefined` expects one to be absent. */
export type ExpectedStatus = {
  readonly [Key in keyof WorkerStatus]?: WorkerStatus[Key] | undefined;
};

/** Expects the text of a record to be exactly this; spaces at the begin and end of lines do not matter. */
export function expectLog(record: Pick<EventRecorder, "lines">, expected: string): void {
  const wanted = linesOf(expected);
  const actual = record.lines.map((line) => line.trim());
  if (wanted.length === actual.length && wanted.every((line, index) => line === actual[index])) {
    return;
  }
  fail("the events differ (- expected, + actual)", {
    shown: difference(wanted, actual),
    actual: actual.join("\n"),
    expected: wanted.join("\n"),
    caller: expectLog,
  });
}

/** Expects these events to have happened in this order, whatever happened before, between and after them. */
export function expectEvents(
  record: Pick<EventRecorder, "events" | "lines">,
  expected: readonly ExpectedEvent[],
): void {
  let place = 0;
  for (const [index, wanted] of expected.entries()) {
    const found = record.events.findIndex((event, at) => at >= place && fits(event, wanted));
    if (found < 0) {
      const after = index === 0 ? "" : ` after ${JSON.stringify(expected[index - 1])}`;
      fail(`no event ${JSON.stringify(wanted)}${after}; what happened:`, {
        shown: record.lines.map((line, at) => (at < place ? `  ${line}` : `? ${line}`)),
        actual: record.lines,
        expected,
        caller: expectEvents,
      });
    }
    place = found + 1;
  }
}

/** Expects the status of a worker to hold these fields. */
export function expectWorker(
  runtime: Pick<Lifecycle, "worker">,
  worker: WorkerReference,
  expected: ExpectedStatus,
): void {
  const status = runtime.worker(worker);
  const name = typeof worker === "string" ? worker : worker.name;
  if (status === undefined) {
    return fail(`there is no worker ${name}`, {
      shown: [],
      actual: undefined,
      expected,
      caller: expectWorker,
    });
  }
  const wrong = Object.entries(expected).filter(([key, value]) => !same(status[key], value));
  if (wrong.length === 0) return;
  const actual = Object.fromEntries(wrong.map(([key]) => [key, status[key]]));
  fail(`worker ${name} is not as expected (- expected, + actual)`, {
    shown: difference(fieldLines(Object.fromEntries(wrong)), fieldLines(actual)),
    actual,
    expected: Object.fromEntries(wrong),
    caller: expectWorker,
  });
}

/** Expects that no timer is set that would keep a process alive; with `{ unrefed: true }` none at all. */
export function expectNoTimers(
  clock: Pick<FakeClock, "pending">,
  { unrefed = false }: { readonly unrefed?: boolean | undefined } = {},
): void {
  const left = clock.pending().filter(({ refed }) => refed || unrefed);
  if (left.length === 0) return;
  fail(`${left.length} ${left.length === 1 ? "timer is" : "timers are"} left:`, {
    shown: left.map(timerLine),
    actual: left,
    expected: [],
    caller: expectNoTimers,
  });
}

function timerLine({ label, inMs }: PendingTimer): string {
  return inMs < 0 ? `  ${label}, ${-inMs} ms late` : `  ${label}, in ${inMs} ms`;
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function fits({ name, event }: RecordedEvent, expected: ExpectedEvent): boolean {
  const fields: Readonly<Record<string, unknown>> = { ...event, name };
  return Object.entries(expected).every(([key, value]) => same(fields[key], value));
}

/** Equal as JSON, for events and status are plain values; what JSON cannot hold is compared by identity. */
function same(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true;
  if (typeof actual !== "object" || typeof expected !== "object") return false;
  try {
    return JSON.stringify(actual) === JSON.stringify(expected);
  } catch {
    return false;
  }
}

function fieldLines(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
}

function fail(
  what: string,
  how: {
    readonly shown: readonly string[];
    readonly actual: unknown;
    readonly expected: unknown;
    readonly caller: (...parameters: never[]) => unknown;
  },
): void {
  throw new AssertionError({
    message: [what, ...how.shown].join("\n"),
    actual: how.actual,
    expected: how.expected,
    stackStartFn: how.caller,
  });
}
