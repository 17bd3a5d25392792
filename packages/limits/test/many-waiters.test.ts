// A crowd at one gate: what would take a step for each other waiter takes minutes here.

import { getEventListeners } from "node:events";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createGate, type Release } from "@workerkit/limits";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const CROWD = 100_000;
/** Small enough for ten times as many to fail in a minute, where each takes a step for each other. */
const SMALL = 5_000;
/** A machine with much else to do needs longer than the usual 5 s. */
const LIMIT = { timeout: 60_000 };

const warnings: unknown[] = [];
const collect = (warning: unknown) => warnings.push(warning);
beforeEach(() => {
  warnings.length = 0;
  process.on("warning", collect);
});
afterEach(() => {
  process.off("warning", collect);
});

/** A gate whose one slot is taken, and a crowd that waits at it, every caller with the signal `signalOf` its place. */
function crowd(
  size: number,
  signalOf: (place: number) => AbortSignal,
  onServed: (served: number) => void = () => {},
) {
  const clock = createFakeClock();
  const gate = createGate({ limit: 1, queue: { timeoutMs: 60_000 }, clock });
  const release = gate.tryAcquire() as Release;
  const outcome = { served: [] as number[], reasons: new Map<unknown, number>() };
  const waits = Array.from({ length: size }, (_, place) =>
    gate.acquire({ signal: signalOf(place) }).then(
      (next) => {
        onServed(outcome.served.push(place));
        next();
      },
      (reason: unknown) => {
        outcome.reasons.set(reason, (outcome.reasons.get(reason) ?? 0) + 1);
      },
    ),
  );
  return { clock, gate, release, outcome, all: Promise.all(waits) };
}

describe("100 000 waiters", LIMIT, () => {
  it("P3 on one signal put one listener on it; half are served, half aborted, and nothing stays behind", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const half = CROWD / 2;
    const { clock, gate, release, outcome, all } = crowd(
      CROWD,
      () => signal,
      (served) => {
        if (served === half) controller.abort("closing time");
      },
    );
    expect(gate.waiting).toBe(CROWD);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    expect(clock.pending()).toHaveLength(1);

    release();
    await all;

    expect(outcome.served).toEqual(Array.from({ length: half }, (_, place) => place));
    expect([...outcome.reasons]).toEqual([["closing time", half]]);
    expect({ active: gate.active, waiting: gate.waiting }).toEqual({ active: 0, waiting: 0 });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(clock.pending()).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it("P3 on two signals in turn: aborting one harms nobody who waits on the other", async () => {
    const controllers = [new AbortController(), new AbortController()] as const;
    const { clock, gate, release, outcome, all } = crowd(
      CROWD,
      (place) => controllers[place % 2 === 0 ? 0 : 1].signal,
    );
    controllers[0].abort("even");
    expect(gate.waiting).toBe(CROWD / 2);
    release();
    await all;
    expect(outcome.served).toEqual(Array.from({ length: CROWD / 2 }, (_, pair) => 2 * pair + 1));
    expect([...outcome.reasons]).toEqual([["even", CROWD / 2]]);
    expect(getEventListeners(controllers[1].signal, "abort")).toHaveLength(0);
    expect(clock.pending()).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it("P3 that nobody serves time out together, on one timer", async () => {
    const { signal } = new AbortController();
    const { clock, gate, outcome, all } = crowd(CROWD, () => signal);
    expect(clock.pending()).toHaveLength(1);
    await clock.advance(60_000);
    await all;
    expect(outcome.served).toEqual([]);
    expect(outcome.reasons.size).toBe(CROWD);
    expect(gate.waiting).toBe(0);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(clock.pending()).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

// Real time, since the cost of the machine is what it is about. A step for each other waiter would make it a hundredfold and
// more; garbage collection, caches and neighbours have been seen to make it 37 times as much.
it(
  "P3 a crowd ten times as large takes about ten times as long to come and to leave",
  LIMIT,
  async () => {
    const costMs = async (size: number) => {
      const begunAt = performance.now();
      const controller = new AbortController();
      const { release, all } = crowd(size, () => controller.signal);
      controller.abort("all at once");
      release();
      await all;
      return performance.now() - begunAt;
    };
    const small: number[] = [];
    const large: number[] = [];
    for (let round = 1; round <= 4; round++) {
      small.push(await costMs(SMALL));
      large.push(await costMs(10 * SMALL));
    }
    expect(Math.min(...large)).toBeLessThan(70 * Math.min(...small));
  },
);
