// Reading options: each reader returns a checked value, or throws an error that names the path, the value and what was expected.

import { types } from "node:util";
import { readProperty, WorkerkitError } from "./errors.ts";
import { quote } from "./quote.ts";

/** The error for a wrong option: names its path (`options` for the whole), shows the value and says what was expected. */
export function invalidOption(path: string, value: unknown, expected: string): WorkerkitError {
  return wrongOption(path, showValue(value), expected);
}

function wrongOption(
  path: string,
  shown: string,
  expected: string,
  cause?: unknown,
): WorkerkitError {
  const full = path === "" ? "options" : path;
  return new WorkerkitError("INVALID_OPTION", `${full} is ${shown}: expected ${expected}`, {
    details: { path: full, value: shown, expected },
    ...(cause === undefined ? undefined : { cause }),
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
  // By its shape: signals of another realm and of polyfills are no instances.
  if (
    typeof readProperty(value, "aborted") === "boolean" &&
    typeof readProperty(value, "addEventListener") === "function"
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
 * What has no keys and is no plain object, such as a promise or a Map, is a mistake rather than no options.
 * The result holds the given keys only, so that defaults can be spread below it.
 */
export function readOptions<O extends object>(
  value: unknown,
  path: string,
  readers: OptionReaders<O>,
): Partial<O> {
  if (value === undefined) return {};
  const given = readRecord(value, path);
  const result: Partial<O> = {};
  for (const key of keysOf(given, path)) {
    if (!Object.hasOwn(readers, key)) throw unknownOption(path, key, Object.keys(readers));
    const keyPath = optionPath(path, key);
    const item = itemOf(given, key, keyPath);
    if (item === undefined) continue;
    const name = key as keyof O;
    result[name] = readers[name](item, keyPath);
  }
  return result;
}

/** Reads any object but an array; its properties remain to be read. */
export function readRecord(
  value: unknown,
  path: string,
  expected = "an object",
): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw invalidOption(path, value, expected);
}

function keysOf(given: object, path: string): string[] {
  try {
    const keys = Object.keys(given);
    if (keys.length > 0 || isPlain(given)) return keys;
  } catch (cause) {
    throw wrongOption(path, "unreadable", "an object", cause);
  }
  throw invalidOption(path, given, "a plain object");
}

/** By the shape of its prototype, since each realm has an `Object` of its own. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function itemOf(given: Readonly<Record<string, unknown>>, key: string, path: string): unknown {
  try {
    return given[key];
  } catch (cause) {
    throw wrongOption(path, "unreadable", "a value", cause);
  }
}

/** The error for a key that nobody reads. */
export function unknownOption(path: string, key: string, known: readonly string[]): WorkerkitError {
  const full = optionPath(path, key);
  const expected = known.length === 0 ? "no options" : `one of ${[...known].sort().join(", ")}`;
  return new WorkerkitError("INVALID_OPTION", `${full} is no option: expected ${expected}`, {
    details: { path: full, value: "(unknown key)", expected },
  });
}

/** The path of `key` below `path`; a key that could spoil a message is quoted. */
export function optionPath(path: string, key: string): string {
  const shown = HARMLESS_KEY.test(key) ? key : quote(key, 64);
  return path === "" ? shown : `${path}.${shown}`;
}

const HARMLESS_KEY = /^[\w$/:~-]{1,64}$/;

/** A short, harmless rendering of any value, for error messages. */
export function showValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value, 40);
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "object":
      if (value === null) return "null";
      if (types.isPromise(value)) return "a promise";
      return isArray(value) ? "an array" : "an object";
    default:
      return `a ${typeof value}`;
  }
}

function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false; // a revoked proxy
  }
}
