// Reading a clock.

import { type Clock, invalidOption } from "@workerkit/contracts";
import { hasFunctions } from "./shape.ts";

const METHODS = ["now", "monotonicMs", "setTimeout", "clearTimeout"];

/** Reads a clock, of whatever make. Throws `INVALID_OPTION`. */
export function readClock(value: unknown, path: string): Clock {
  if (hasFunctions(value, METHODS)) return value as Clock;
  throw invalidOption(path, value, "a clock such as systemClock or createFakeClock()");
}
