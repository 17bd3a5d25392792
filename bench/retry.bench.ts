// What retry costs when nothing fails, which is nearly always.
import { attempts, exponential, retry } from "@workerkit/retry";
import {
  ExponentialBackoff as CockatielBackoff,
  retry as cockatielRetry,
  handleAll,
} from "cockatiel";
import { backOff } from "exponential-backoff";
import pRetry from "p-retry";
import { type Contender, measure } from "./harness/measure.ts";
import { heading, mustBeAtMost, printMeasurement } from "./harness/print.ts";

const OPERATIONS = 2_000;
const operation = async () => 1;

const options = { policy: attempts(3, exponential(200, 2)) };
const { signal } = new AbortController();
const limited = { ...options, signal };
const cockatiel = cockatielRetry(handleAll, { maxAttempts: 2, backoff: new CockatielBackoff() });

const measurement = await measure([
  contender("bare await", async () => {
    for (let call = 0; call < OPERATIONS; call++) await operation();
  }),
  contender("retry", async () => {
    for (let call = 0; call < OPERATIONS; call++) await retry(operation, options);
  }),
  contender("retry, with a signal", async () => {
    for (let call = 0; call < OPERATIONS; call++) await retry(operation, limited);
  }),
  contender("cockatiel", async () => {
    for (let call = 0; call < OPERATIONS; call++) await cockatiel.execute(operation);
  }),
  contender("exponential-backoff", async () => {
    for (let call = 0; call < OPERATIONS; call++) await backOff(operation, { numOfAttempts: 3 });
  }),
  contender("p-retry", async () => {
    for (let call = 0; call < OPERATIONS; call++) await pRetry(operation, { retries: 2 });
  }),
]);
heading("An operation that succeeds at once");
printMeasurement(measurement, "call");
const ratio = measurement.ratio("retry", "bare await", "call");
mustBeAtMost("retry of what succeeds, times the bare await", ratio, 2.5);

/** Each with a loop of its own, so that none inherits what was learnt of another's types. */
function contender(name: string, call: () => Promise<void>): Contender {
  return { name, operations: OPERATIONS, steps: { call } };
}
