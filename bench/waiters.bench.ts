// Many who wait at one gate on one signal: each costs the same however long the line is, whether served or aborted.
import { createGate, type Release } from "@workerkit/limits";
import { type Contender, measure } from "./harness/measure.ts";
import { heading, mustBeAtMost, printMeasurement } from "./harness/print.ts";

interface Line {
  readonly wait: () => void;
  readonly serveHalf: () => Promise<void>;
  readonly abortHalf: () => Promise<void>;
  readonly check: () => void;
}

// Ten thousand and their signal fit into the caches of the processor and into the youngest heap, a hundred thousand do not:
// so what is no longer linear is told by the step after that.
const [few, many, more] = [10_000, 100_000, 300_000];
const measurement = await measure([gate(few), gate(many), gate(more), bare(few), bare(many)], {
  rounds: 12,
  sampleMs: 20,
});
heading("Waiters on one signal: half are served, the other half aborted");
printMeasurement(measurement, "waiter");
for (const step of measurement.steps) {
  const ratio = measurement.ratio(nameOf(more), nameOf(many), step);
  mustBeAtMost(`${step}: one of ${nameOf(more)}, times one of ${nameOf(many)}`, ratio, 1.5);
}

function gate(count: number): Contender {
  let line = createLine(count);
  return {
    name: nameOf(count),
    operations: count,
    prepare: () => {
      line = createLine(count);
    },
    steps: {
      wait: () => line.wait(),
      "serve half": () => line.serveHalf(),
      "abort half": () => line.abortHalf(),
    },
    tidy: () => line.check(),
  };
}

/** What as many promises cost that wait for nothing in particular. */
function bare(count: number): Contender {
  let settle: ((value: number) => void)[] = [];
  let left: Promise<unknown>[] = [];
  const settled = () => {};
  const half = async (from: number) => {
    for (let waiter = from; waiter < from + count / 2; waiter++) settle[waiter]?.(1);
    await left[from + count / 2 - 1];
  };
  return {
    name: `${count.toLocaleString("en")} bare promises`,
    operations: count,
    prepare: () => {
      settle = [];
      left = [];
    },
    steps: {
      wait: () => {
        for (let waiter = 0; waiter < count; waiter++) {
          const promise = new Promise<number>((resolve) => settle.push(resolve));
          left.push(promise.then(settled, settled));
        }
      },
      "serve half": () => half(0),
      "abort half": () => half(count / 2),
    },
  };
}

/** A gate, and all who wait there. */
function createLine(size: number): Line {
  const gate = createGate({ limit: 1 });
  const first = gate.tryAcquire();
  const controller = new AbortController();
  const left: Promise<unknown>[] = [];
  let served = 0;
  let aborted = 0;
  const serve = (release: Release) => {
    served += 1;
    if (served < size / 2) release();
  };
  const giveUp = () => {
    aborted += 1;
  };
  return {
    wait: () => {
      const { signal } = controller;
      for (let waiter = 0; waiter < size; waiter++) {
        left.push(gate.acquire({ signal }).then(serve, giveUp));
      }
    },
    serveHalf: async () => {
      first?.();
      await left[size / 2 - 1];
    },
    abortHalf: async () => {
      controller.abort();
      await left.at(-1);
    },
    check: () => {
      if (served === size / 2 && aborted === size / 2) return;
      throw new Error(`${served} served and ${aborted} aborted of ${size}`);
    },
  };
}

function nameOf(count: number): string {
  return `${count.toLocaleString("en")} waiters`;
}
