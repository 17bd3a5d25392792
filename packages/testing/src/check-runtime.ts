// The simulation of the runtime itself: drawn workers that do everything wrong that code can do, under every operation there is.

import { type OptionReaders, readLimit, readOptions } from "@workerkit/contracts";
import { readSeed } from "./doubles/random.ts";
import { failureOf, failureText, type StormFailure } from "./model/report.ts";
import { type StormFigures, storm } from "./model/storm.ts";

/** How the runtime is checked. */
export interface CheckRuntimeOptions {
  /** Where chance comes from; the same seed gives the same storms. Default 1. */
  readonly seed?: number | undefined;
  /** What is added to the seed from storm to storm, so that several checks can share the work. Default 1. */
  readonly step?: number | undefined;
  /** How many operations at least. Default 50 000. */
  readonly operations?: number | undefined;
}

/** How a check of the runtime went. */
export interface RuntimeCheck {
  readonly figures: StormFigures;
  /** The first invariant that broke, with the shortest way to it. */
  readonly failure: StormFailure | undefined;
  /** The failure as a text. */
  readonly text: string | undefined;
}

/** What is rare, and what a check of more than a few thousand operations must have met at least once. */
export const MUST_REACH: readonly string[] = [
  "abandonment",
  "double shutdown",
  "exhausted restarts",
  "fenced late result",
  "restart cancelled by stop",
  "rollback",
];

/** Puts the runtime through storms until one breaks an invariant or all operations are done. Throws `INVALID_OPTION`. */
export async function checkRuntime(options: CheckRuntimeOptions = {}): Promise<RuntimeCheck> {
  const read = readOptions<Required<CheckRuntimeOptions>>(options, "options", READERS);
  const { seed = 1, step = 1, operations = 50_000 } = read;
  const storms = Number.POSITIVE_INFINITY;
  const { figures, broken } = await storm({
    seed,
    step,
    storms,
    operations,
    operationsPerStorm: 100,
  });
  if (broken === undefined) return { figures, failure: undefined, text: undefined };
  const failure = failureOf(broken);
  return { figures, failure, text: failureText(failure) };
}

const READERS: OptionReaders<{ seed: number; step: number; operations: number }> = {
  seed: readSeed,
  step: readLimit,
  operations: readLimit,
};
