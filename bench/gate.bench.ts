// What a concurrency limit costs while there is room, which is the way every piece of work goes.
import { createGate } from "@workerkit/limits";
import { bulkhead } from "cockatiel";
import pLimit from "p-limit";
import PQueue from "p-queue";
import { type Contender, measure } from "./harness/measure.ts";
import { heading, mustBeAtLeast, printMeasurement } from "./harness/print.ts";

const OPERATIONS = 2_000;
const work = async () => 1;

const gate = createGate({ limit: 8 });
const limit = pLimit(8);
const queue = new PQueue({ concurrency: 8 });
const hold = bulkhead(8, Number.POSITIVE_INFINITY);

const measurement = await measure([
  contender("bare await", async () => {
    for (let call = 0; call < OPERATIONS; call++) await work();
  }),
  contender("gate: tryAcquire, release", () => {
    for (let call = 0; call < OPERATIONS; call++) gate.tryAcquire()?.();
  }),
  contender("gate: tryAcquire, await, release", async () => {
    for (let call = 0; call < OPERATIONS; call++) {
      const release = gate.tryAcquire();
      await work();
      release?.();
    }
  }),
  contender("gate: run", async () => {
    for (let call = 0; call < OPERATIONS; call++) await gate.run(work);
  }),
  contender("cockatiel bulkhead", async () => {
    for (let call = 0; call < OPERATIONS; call++) await hold.execute(work);
  }),
  contender("p-limit", async () => {
    for (let call = 0; call < OPERATIONS; call++) await limit(work);
  }),
  contender("p-queue", async () => {
    for (let call = 0; call < OPERATIONS; call++) await queue.add(work);
  }),
]);
heading("One piece of work under a limit with room");
printMeasurement(measurement, "call");
const taken = measurement.ratio("p-limit", "gate: tryAcquire, release", "call");
mustBeAtLeast("p-limit's call, times a slot taken and given back", taken, 5);
const ran = measurement.ratio("p-limit", "gate: run", "call");
mustBeAtLeast("p-limit's call, times gate.run", ran, 5);

/** Each with a loop of its own, so that none inherits what was learnt of another's types. */
function contender(name: string, call: () => unknown): Contender {
  return { name, operations: OPERATIONS, steps: { call } };
}
