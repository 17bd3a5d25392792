// What an error says of itself: is it a panic, is it fatal, and which of its words may be shown to strangers.

import { isWorkerkitError, read, toError, WorkerkitError } from "./errors.ts";

/** A code and a message that hold no secret. */
export interface SafeMessage {
  readonly code: string;
  readonly message: string;
}

/** An error that says "this must never happen": it is never retried. */
export class Panic extends Error {
  override readonly name = "Panic";
  /** The brand by which every copy of this package knows the class. */
  readonly "~panic" = true;
}

/** Whether `error` tells of a bug rather than of the world: a `Panic`, an AssertionError or a ReferenceError. */
export function isPanic(error: unknown): boolean {
  return (
    read(error, "~panic") === true ||
    read(error, "code") === "ERR_ASSERTION" ||
    read(error, "name") === "ReferenceError"
  );
}

/**
 * Gives `error` a code and a message that status, HTTP replies, spans and metrics may show in place of the fixed text.
 * Returns the error itself, or an Error with it as cause where it cannot carry a mark.
 */
export function withSafeMessage(error: unknown, safe: SafeMessage): Error {
  return mark(error, "~safe", {
    code: String(safe.code),
    message: String(safe.message),
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
  return read(error, "~fatal") === true;
}

/** What may be shown of `error`: its safe message, its own words if it is a `WorkerkitError`, else `fallback` or `PANIC` with a fixed text. */
export function safeMessageOf(
  error: unknown,
  fallback: "WORKER_FAILED" | "COMMAND_FAILED",
  panic: boolean = isPanic(error),
): SafeMessage {
  const safe = read(error, "~safe");
  if (safe !== undefined) {
    return {
      code: String(read(safe, "code")),
      message: String(read(safe, "message")),
    };
  }
  if (panic) return PANICKED;
  if (isWorkerkitError(error)) return { code: error.code, message: error.message };
  return fallback === "WORKER_FAILED" ? WORKER_FAILED : COMMAND_FAILED;
}

const PANICKED: SafeMessage = { code: "PANIC", message: "the code panicked" };
const WORKER_FAILED: SafeMessage = {
  code: "WORKER_FAILED",
  message: "the worker failed",
};
const COMMAND_FAILED: SafeMessage = {
  code: "COMMAND_FAILED",
  message: "the command failed",
};

function mark(thrown: unknown, key: "~safe" | "~fatal", value: unknown): Error {
  const error = toError(thrown);
  try {
    Object.defineProperty(error, key, { value, configurable: true });
    return error;
  } catch {
    // Frozen, or a proxy that refuses: carry the mark, and any earlier one, on a wrapper.
    const wrapper = new Error("an error that cannot be marked", {
      cause: thrown,
    });
    for (const earlier of ["~safe", "~fatal"]) {
      const carried = read(thrown, earlier);
      if (carried !== undefined) {
        Object.defineProperty(wrapper, earlier, {
          value: carried,
          configurable: true,
        });
      }
    }
    Object.defineProperty(wrapper, key, { value, configurable: true });
    return wrapper;
  }
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
