// Chance that can be repeated: the same seed gives the same numbers, on every machine.

import { invalidOption } from "@workerkit/contracts";

/** A source of numbers from 0 to below 1, for `createLifecycle({ random })` and tests of one's own. */
export type SeededRandom = () => number;

/** Creates a source of chance (mulberry32); `seed` is a whole number. Throws `INVALID_OPTION`. */
export function createRandom(seed: number): SeededRandom {
  let state = readSeed(seed, "seed") | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Reads a seed: a whole number that 32 bits hold. */
export function readSeed(value: unknown, path: string): number {
  if (Number.isInteger(value) && Math.abs(Number(value)) <= 2 ** 32) return Number(value);
  throw invalidOption(path, value, "a whole number between -4294967296 and 4294967296");
}
