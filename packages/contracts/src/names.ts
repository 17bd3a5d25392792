// Names of runtimes, workers and commands.

import { WorkerkitError } from "./errors.ts";
import { quote } from "./quote.ts";

const NAME = /^[a-z0-9_-]{1,63}$/;
const COMMAND_NAME = /^[a-z0-9_-]{1,63}(?:\/[a-z0-9_-]{1,63})*$/;
const LONGEST_COMMAND_NAME = 255;

/** Whether `name` may name a worker or a runtime: 1 to 63 of `a-z 0-9 _ -`. */
export function isWorkerName(name: unknown): name is string {
  return typeof name === "string" && NAME.test(name);
}

/** Whether `name` may name a command: segments like worker names joined by `/`, 255 characters in all. */
export function isCommandName(name: unknown): name is string {
  return typeof name === "string" && name.length <= LONGEST_COMMAND_NAME && COMMAND_NAME.test(name);
}

/** Throws `INVALID_NAME` unless `name` may name a worker or a runtime; `what` says which of them. */
export function assertWorkerName(
  name: unknown,
  what: "worker" | "runtime" = "worker",
): asserts name is string {
  if (!isWorkerName(name)) {
    throw invalidName(name, what, "1 to 63 characters of a-z, 0-9, _ and -");
  }
}

/** Throws `INVALID_NAME` unless `name` may name a command. */
export function assertCommandName(name: unknown): asserts name is string {
  if (!isCommandName(name)) {
    throw invalidName(
      name,
      "command",
      "segments of 1 to 63 characters of a-z, 0-9, _ and -, joined by /, 255 characters in all",
    );
  }
}

/** Quotes a name that may come from anywhere: cut at 64 characters, control and look-alike characters escaped. */
export function quoteName(name: unknown): string {
  if (typeof name === "string") return quote(name, 64);
  return name === null ? "(null)" : `(${typeof name})`;
}

function invalidName(name: unknown, what: string, rule: string): WorkerkitError {
  return new WorkerkitError(
    "INVALID_NAME",
    `${quoteName(name)} is no ${what} name: expected ${rule}`,
    {
      details: { what, name: quoteName(name), expected: rule },
    },
  );
}
