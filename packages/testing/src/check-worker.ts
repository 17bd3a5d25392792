// Putting workers through storms: random operations and faults on the fake clock, held against the invariants of the runtime.

import { AssertionError } from "node:assert";
import {
  invalidOption,
  type OptionReaders,
  readBoolean,
  readLimit,
  readOptions,
} from "@workerkit/contracts";
import type { WorkerDefinition } from "@workerkit/lifecycle";
import { readSeed } from "./doubles/random.ts";
import { failureOf, failureText } from "./model/report.ts";
import { type StormFigures, storm } from "./model/storm.ts";

/** One worker, or several with what they depend on; a function makes fresh ones for each storm. */
export type WorkersToCheck =
  | WorkerDefinition
  | readonly WorkerDefinition[]
  | (() => WorkerDefinition | readonly WorkerDefinition[]);

/** How workers are checked. */
export interface CheckWorkerOptions {
  /** Where chance comes from; the same seed gives the same storms. Default 1. */
  readonly seed?: number | undefined;
  /** How many storms. Default 100. */
  readonly runs?: number | undefined;
  /** How many operations a storm has on average. Default 30. */
  readonly operations?: number | undefined;
  /** Whether code that is abandoned, since it goes on past its time limit and its grace, is a failure. Default true. */
  readonly endsInTime?: boolean | undefined;
  /** Whether a stop hook that fails is a failure. Default true. */
  readonly stopsCleanly?: boolean | undefined;
}

/**
 * Puts workers through storms of starts, stops, drains, failures, aborts and jumping clocks, and resolves with the figures.
 * Rejects with an AssertionError that a person can read when an invariant breaks: the invariant in words, the shortest list of
 * operations, and the events. Everything that the workers wait on must be the injected clock. Throws `INVALID_OPTION`.
 */
export async function checkWorker(
  workers: WorkersToCheck,
  options: CheckWorkerOptions = {},
): Promise<StormFigures> {
  const read = readOptions<Required<CheckWorkerOptions>>(options, "options", READERS);
  const { seed = 1, runs = 100, operations = 30, endsInTime = true, stopsCleanly = true } = read;
  const { figures, broken } = await storm({
    ...{ seed, step: 1, storms: runs, operations: Number.POSITIVE_INFINITY },
    operationsPerStorm: operations,
    given: { workers: readWorkers(workers), demands: { endsInTime, stopsCleanly } },
  });
  if (broken === undefined) return figures;
  const failure = failureOf(broken);
  throw new AssertionError({
    message: failureText(failure),
    actual: failure.what,
    expected: failure.rule,
    operator: "checkWorker",
    stackStartFn: checkWorker,
  });
}

const READERS: OptionReaders<{
  seed: number;
  runs: number;
  operations: number;
  endsInTime: boolean;
  stopsCleanly: boolean;
}> = {
  seed: readSeed,
  runs: readLimit,
  operations: readLimit,
  endsInTime: readBoolean,
  stopsCleanly: readBoolean,
};

function readWorkers(workers: WorkersToCheck): () => readonly WorkerDefinition[] {
  const list = (given: WorkerDefinition | readonly WorkerDefinition[]) => {
    const all = Array.isArray(given) ? given : [given];
    if (all.length > 0) return all as readonly WorkerDefinition[];
    throw invalidOption("workers", given, "at least one worker made by defineWorker");
  };
  if (typeof workers !== "function") {
    const given = list(workers);
    return () => given;
  }
  return () => list(workers());
}
