// What an error says of itself: is it a panic, is it fatal, and which of its words may be shown to strangers.

import { isWorkerkitError, readProperty, toError, WorkerkitError } from "./errors.ts";
import { readRecord, readText } from "./options.ts";

/** A code and a message that hold no secret. */
export interface SafeMessage {
  readonly code: string;
  readonly message: string;
}

/** An error that says "this must never happen": it is never retried. */
export class Panic extends Error {
  declare readonly name: "Panic";
  /** The brand by which every copy of this package knows the class. */
  declare readonly "~panic": true;
}

// Outside of the class, as for WorkerkitError.
Object.defineProperties(Panic.prototype, {
  name: { value: "Panic", writable: true },
  "~panic": { value: true },
});

/** Whether `error` tells of a bug rather than of the world: a `Panic`, an AssertionError or a ReferenceError. */
export function isPanic(error: unknown): boolean {
  if (readProperty(error, "~panic") === true) return true;
  const name = readProperty(error, "name");
  // By name, since assertion libraries bring their own AssertionError, and each realm its ReferenceError.
  return name === "AssertionError" || name === "ReferenceError";
}

/**
 * Gives `error` a code and a message that status, HTTP replies, spans and metrics may show in place of the fixed text.
 * Returns the error itself, or an Error with it as cause where it cannot carry a mark. Throws `INVALID_OPTION` where `safe`
 * lacks a text.
 */
export function withSafeMessage(error: unknown, safe: SafeMessage): Error {
  const { code, message } = readRecord(safe, "safe");
  return mark(error, "~safe", {
    code: readText(code, "safe.code"),
    message: readText(message, "safe.message"),
  });
}

/**
 * Marks `error` as one that no retry and no restart can mend.
 * Returns the error itself, or an Error with it as cause where it cannot carry a mark.
 */
export function withFatal(error: unknown): Error {
  return mark(error, "~fatal", true);
}

/** Whether `withFatal` marked this error. */
export function isFatal(error: unknown): boolean {
  return readProperty(error, "~fatal") === true;
}

/** What may be shown of `error`: its safe message, its own words if it is a `WorkerkitError`, else `fallback` or `PANIC` with a fixed text. */
export function safeMessageOf(
  error: unknown,
  fallback: "WORKER_FAILED" | "COMMAND_FAILED",
  panic: boolean = isPanic(error),
): SafeMessage {
  const safe = textsOf(readProperty(error, "~safe"));
  if (safe !== undefined) return safe;
  if (panic) return PANICKED;
  const own = isWorkerkitError(error) ? textsOf(error) : undefined;
  return own ?? (fallback === "WORKER_FAILED" ? WORKER_FAILED : COMMAND_FAILED);
}

const PANICKED: SafeMessage = { code: "PANIC", message: "the code panicked" };
const WORKER_FAILED: SafeMessage = { code: "WORKER_FAILED", message: "the worker failed" };
const COMMAND_FAILED: SafeMessage = { code: "COMMAND_FAILED", message: "the command failed" };

/** A mark may be forged, and its parts may be anything. */
function textsOf(value: unknown): SafeMessage | undefined {
  const code = readProperty(value, "code");
  const message = readProperty(value, "message");
  return typeof code === "string" && typeof message === "string" ? { code, message } : undefined;
}

function mark(thrown: unknown, key: Mark, value: unknown): Error {
  const error = toError(thrown);
  if (carry(error, key, value)) return error;
  // Frozen, or a proxy that refuses: the marks go on a wrapper, those that it has with them.
  const wrapper = new Error(error.message, { cause: thrown });
  if (isPanic(thrown)) carry(wrapper, "~panic", true);
  for (const earlier of ["~safe", "~fatal"] as const) {
    const carried = readProperty(thrown, earlier);
    if (carried !== undefined) carry(wrapper, earlier, carried);
  }
  carry(wrapper, key, value);
  return wrapper;
}

type Mark = "~safe" | "~fatal" | "~panic";

function carry(error: Error, key: Mark, value: unknown): boolean {
  try {
    Object.defineProperty(error, key, { value, configurable: true });
  } catch {
    return false;
  }
  return readProperty(error, key) === value; // a proxy may nod and do nothing
}

/** The error for code that ran into a limit or an abort and never came back. */
export function abandonedError(what: string, limitMs: number, cause: unknown): WorkerkitError {
  return new WorkerkitError(
    "ABANDONED",
    `${what} did not end within its grace of ${limitMs} ms; it is left to itself`,
    {
      cause,
      details: { what, graceMs: limitMs },
    },
  );
}
