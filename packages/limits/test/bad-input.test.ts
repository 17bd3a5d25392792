import { systemClock } from "@workerkit/contracts";
import { createGate, type Gate, isWorkerkitError, mapConcurrent } from "@workerkit/limits";
import { describe, expect, it, vi } from "vitest";
import { revokedProxy, trappedProxy } from "./hostile.ts";

/** Nonsense in the place of anything. */
// biome-ignore lint/suspicious/noExplicitAny: what is given here is wrong on purpose
const wrong = (value: unknown): any => value;

const LIMIT = "a whole number of 1 or more, or Infinity";
const SIZE = "a whole number of 0 or more, or Infinity";
const DURATION = "a number of ms, 0 or more, or Infinity";
const CLOCK = "a clock such as systemClock or createFakeClock()";
const SIGNAL = "an AbortSignal";
const ITERABLE = "an iterable, such as an array, a set or a generator";

/** What is given, the path that the error names, the value it shows, and what it says was expected. */
type Case = readonly [given: unknown, path: string, value: string, expected: string];

const GATE_OPTIONS: readonly Case[] = [
  [undefined, "limit", "undefined", LIMIT],
  [null, "options", "null", "an object"],
  [4, "options", "4", "an object"],
  [[4], "options", "an array", "an object"],
  [Promise.resolve({ limit: 1 }), "options", "a promise", "a plain object"],
  [{}, "limit", "undefined", LIMIT],
  [{ limit: undefined }, "limit", "undefined", LIMIT],
  [{ limit: null }, "limit", "null", LIMIT],
  [{ limit: 0 }, "limit", "0", LIMIT],
  [{ limit: -1 }, "limit", "-1", LIMIT],
  [{ limit: 1.5 }, "limit", "1.5", LIMIT],
  [{ limit: Number.NaN }, "limit", "NaN", LIMIT],
  [{ limit: Number.NEGATIVE_INFINITY }, "limit", "-Infinity", LIMIT],
  [{ limit: 2 ** 53 }, "limit", "9007199254740992", LIMIT],
  [{ limit: "4" }, "limit", '"4"', LIMIT],
  [{ limit: 4n }, "limit", "a bigint", LIMIT],
  [{ limit: trappedProxy() }, "limit", "an object", LIMIT],
  [{ concurrency: 4 }, "concurrency", "(unknown key)", "one of clock, limit, queue"],
  [{ limit: 4, queue: null }, "queue", "null", "an object"],
  [{ limit: 4, queue: 10 }, "queue", "10", "an object"],
  [{ limit: 4, queue: { length: 10 } }, "queue.length", "(unknown key)", "one of size, timeoutMs"],
  [{ limit: 4, queue: { size: -1 } }, "queue.size", "-1", SIZE],
  [{ limit: 4, queue: { size: 0.5 } }, "queue.size", "0.5", SIZE],
  [{ limit: 4, queue: { size: Number.NaN } }, "queue.size", "NaN", SIZE],
  [{ limit: 4, queue: { size: true } }, "queue.size", "true", SIZE],
  [{ limit: 4, queue: { timeoutMs: -1 } }, "queue.timeoutMs", "-1", DURATION],
  [{ limit: 4, queue: { timeoutMs: Number.NaN } }, "queue.timeoutMs", "NaN", DURATION],
  [{ limit: 4, queue: { timeoutMs: "1s" } }, "queue.timeoutMs", '"1s"', DURATION],
  [{ limit: 4, clock: null }, "clock", "null", CLOCK],
  [{ limit: 4, clock: Date }, "clock", "a function", CLOCK],
  [{ limit: 4, clock: { ...systemClock, monotonicMs: 0 } }, "clock", "an object", CLOCK],
  [{ limit: 4, clock: revokedProxy() }, "clock", "an object", CLOCK],
];

const WAIT_OPTIONS: readonly Case[] = [
  [null, "options", "null", "an object"],
  [500, "options", "500", "an object"],
  [AbortSignal.abort(), "options", "an object", "a plain object"],
  [{ timeout: 500 }, "timeout", "(unknown key)", "one of signal, timeoutMs"],
  [{ timeoutMs: -1 }, "timeoutMs", "-1", DURATION],
  [{ timeoutMs: Number.NaN }, "timeoutMs", "NaN", DURATION],
  [{ timeoutMs: null }, "timeoutMs", "null", DURATION],
  [{ signal: null }, "signal", "null", SIGNAL],
  [{ signal: {} }, "signal", "an object", SIGNAL],
  [{ signal: new AbortController() }, "signal", "an object", SIGNAL],
  [{ signal: revokedProxy() }, "signal", "an object", SIGNAL],
];

const DRAINED_OPTIONS: readonly Case[] = [
  [7, "options", "7", "an object"],
  [{ timeoutMs: 7 }, "timeoutMs", "(unknown key)", "one of signal"],
  [{ signal: "abort" }, "signal", '"abort"', SIGNAL],
];

const MAP_OPTIONS: readonly Case[] = [
  [undefined, "options", "undefined", "an object"],
  [null, "options", "null", "an object"],
  [4, "options", "4", "an object"],
  [{}, "concurrency", "undefined", LIMIT],
  [{ concurrency: 0 }, "concurrency", "0", LIMIT],
  [{ concurrency: 2.5 }, "concurrency", "2.5", LIMIT],
  [{ concurrency: "2" }, "concurrency", '"2"', LIMIT],
  [{ limit: 2 }, "limit", "(unknown key)", "one of concurrency, signal"],
  [{ concurrency: 2, signal: true }, "signal", "true", SIGNAL],
];

const ITEMS: readonly Case[] = [
  [undefined, "items", "undefined", ITERABLE],
  [null, "items", "null", ITERABLE],
  [3, "items", "3", ITERABLE],
  [{ length: 3 }, "items", "an object", ITERABLE],
  [Promise.resolve([]), "items", "a promise", ITERABLE],
  [(async function* () {})(), "items", "an object", ITERABLE],
  [{ [Symbol.iterator]: true }, "items", "an object", ITERABLE],
  [revokedProxy(), "items", "an object", ITERABLE],
];

const FUNCTIONS: readonly Case[] = [
  [undefined, "fn", "undefined", "a function"],
  [Promise.resolve(), "fn", "a promise", "a function"],
  ["fn", "fn", '"fn"', "a function"],
];

/** Expects an INVALID_OPTION that names the path, the value and what was expected, in its message too. */
function expectInvalid(error: unknown, [, path, value, expected]: Case): void {
  if (!isWorkerkitError(error, "INVALID_OPTION")) throw error;
  expect(error.details).toEqual({ path, value, expected });
  const shown = value === "(unknown key)" ? "no option" : value;
  expect(error.message).toBe(`${path} is ${shown}: expected ${expected}`);
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** A rejection, and nothing thrown. */
const rejectionOf = (work: () => Promise<unknown>): Promise<unknown> => {
  const promise = work();
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
};

const show = ([, path, value]: Case) => `${path} is ${value}`;
const titled = (cases: readonly Case[]) => cases.map((row) => [show(row), row] as const);

const counts = ({ limit, active, waiting }: Gate) => ({ limit, active, waiting });

describe("INVALID_OPTION", () => {
  it.each(titled(GATE_OPTIONS))("createGate: %s", (_, row) => {
    expectInvalid(
      thrownBy(() => createGate(wrong(row[0]))),
      row,
    );
  });

  const limits = GATE_OPTIONS.flatMap((row) => {
    const [options, path, value, expected] = row;
    const given = wrong(options);
    return path === "limit" && given !== undefined
      ? [[`limit = ${value}`, [given.limit, path, value, expected]] as [string, Case]]
      : [];
  });
  it.each(limits)("%s throws and changes nothing", (_, row) => {
    const gate = createGate({ limit: 1 });
    gate.tryAcquire();
    void gate.acquire();
    const error = thrownBy(() => {
      gate.limit = wrong(row[0]);
    });
    expectInvalid(error, row);
    expect(counts(gate)).toEqual({ limit: 1, active: 1, waiting: 1 });
  });

  it.each(titled(WAIT_OPTIONS))("acquire rejects and takes no slot: %s", async (_, row) => {
    const gate = createGate({ limit: 1 });
    expectInvalid(await rejectionOf(() => gate.acquire(wrong(row[0]))), row);
    expect(counts(gate)).toEqual({ limit: 1, active: 0, waiting: 0 });
  });

  it.each(titled(WAIT_OPTIONS))("run rejects and calls nothing: %s", async (_, row) => {
    const gate = createGate({ limit: 1 });
    const fn = vi.fn();
    expectInvalid(await rejectionOf(() => gate.run(fn, wrong(row[0]))), row);
    expect(fn).not.toHaveBeenCalled();
    expect(counts(gate)).toEqual({ limit: 1, active: 0, waiting: 0 });
  });

  it.each(titled(FUNCTIONS))("run rejects and takes no slot: %s", async (_, row) => {
    const gate = createGate({ limit: 1 });
    expectInvalid(await rejectionOf(() => gate.run(wrong(row[0]))), row);
    expect(counts(gate)).toEqual({ limit: 1, active: 0, waiting: 0 });
  });

  it.each(titled(DRAINED_OPTIONS))("drained rejects: %s", async (_, row) => {
    expectInvalid(await rejectionOf(() => createGate({ limit: 1 }).drained(wrong(row[0]))), row);
  });

  it.each(titled(MAP_OPTIONS))("mapConcurrent rejects and calls nothing: %s", async (_, row) => {
    const fn = vi.fn();
    expectInvalid(await rejectionOf(() => mapConcurrent([1, 2, 3], fn, wrong(row[0]))), row);
    expect(fn).not.toHaveBeenCalled();
  });

  it.each(titled(ITEMS))("mapConcurrent rejects: %s", async (_, row) => {
    const mapped = rejectionOf(() => mapConcurrent(wrong(row[0]), () => 0, { concurrency: 2 }));
    expectInvalid(await mapped, row);
  });

  it.each(titled(FUNCTIONS))("mapConcurrent rejects: %s", async (_, row) => {
    const mapped = rejectionOf(() => mapConcurrent([1], wrong(row[0]), { concurrency: 2 }));
    expectInvalid(await mapped, row);
  });
});
