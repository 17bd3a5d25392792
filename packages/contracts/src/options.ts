// Reading options: each reader returns a checked value, or throws an error that names the path, the value and what was expected.

import { WorkerkitError } from "./errors.ts";

/** The error for a wrong option: names its path, shows the value and says what was expected. */
export function invalidOption(path: string, value: unknown, expected: string): WorkerkitError {
  const shown = showValue(value);
  return new WorkerkitError("INVALID_OPTION", `${path} is ${shown}: expected ${expected}`, {
    details: { path, value: shown, expected },
  });
}

/** Reads a duration in ms: a number of 0 or more; `Infinity` is no limit. */
export function readDurationMs(value: unknown, path: string): number {
  if (typeof value === "number" && value >= 0) return value;
  throw invalidOption(path, value, "a number of ms, 0 or more, or Infinity");
}

/** Reads a limit: a whole number of 1 or more, or `Infinity`. */
export function readLimit(value: unknown, path: string): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && Number(value) >= 1)) {
    return Number(value);
  }
  throw invalidOption(path, value, "a whole number of 1 or more, or Infinity");
}

/** Reads `true` or `false`. */
export function readBoolean(value: unknown, path: string): boolean {
  if (typeof value === "boolean") return value;
  throw invalidOption(path, value, "true or false");
}

/** Reads a text. */
export function readText(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw invalidOption(path, value, "a text");
}

/** Reads a function. */
export function readFunction<F extends (...parameters: never[]) => unknown>(
  value: unknown,
  path: string,
): F {
  if (typeof value === "function") return value as F;
  throw invalidOption(path, value, "a function");
}

/** Reads one of a few words. */
export function readOneOf<const Word extends string>(
  value: unknown,
  path: string,
  words: readonly Word[],
): Word {
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  throw invalidOption(path, value, words.map((candidate) => `"${candidate}"`).join(" or "));
}

/** Reads an abort signal. */
export function readSignal(value: unknown, path: string): AbortSignal {
  if (
    typeof value === "object" &&
    value !== null &&
    "aborted" in value &&
    "addEventListener" in value
  ) {
    return value as AbortSignal;
  }
  throw invalidOption(path, value, "an AbortSignal");
}

/** What reads one option. */
export type OptionReader<T> = (value: unknown, path: string) => T;

/** What reads each key of an options object. */
export type OptionReaders<O extends object> = {
  readonly [Key in keyof O]-?: OptionReader<O[Key]>;
};

/**
 * Reads an options object: every own key must have a reader, `undefined` counts as left out, and a missing object as an empty one.
 * The result holds the given keys only, so that defaults can be spread below it.
 */
export function readOptions<O extends object>(
  value: unknown,
  path: string,
  readers: OptionReaders<O>,
): Partial<O> {
  if (value === undefined) return {};
  const given = readRecord(value, path);
  const read: Partial<O> = {};
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(readers, key)) throw unknownOption(path, key, Object.keys(readers));
    if (given[key] === undefined) continue;
    const name = key as keyof O;
    read[name] = readers[name](given[key], optionPath(path, key));
  }
  return read;
}

/** Reads a plain object of options. */
export function readRecord(
  value: unknown,
  path: string,
  expected = "an object",
): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw invalidOption(path === "" ? "options" : path, value, expected);
}

/** The error for a key that nobody reads. */
export function unknownOption(path: string, key: string, known: readonly string[]): WorkerkitError {
  const full = optionPath(path, showKey(key));
  const expected = `one of ${[...known].sort().join(", ")}`;
  return new WorkerkitError("INVALID_OPTION", `${full} is no option: expected ${expected}`, {
    details: { path: full, value: "(unknown key)", expected },
  });
}

/** The path of `key` below `path`. */
export function optionPath(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** A short, harmless rendering of any value, for error messages. */
export function showValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(showKey(value));
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "bigint":
      return `${String(value).slice(0, 40)}n`;
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    default:
      if (value === null) return "null";
      return isArray(value) ? "an array" : "an object";
  }
}

function showKey(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false; // a revoked proxy
  }
}
