// The one error class of all packages. Errors are told apart by brand and code, so that two copies of this package agree.

import { types } from "node:util";

/** Every code that a `WorkerkitError` can carry. */
export type ErrorCode =
  // what was given is wrong
  | "INVALID_NAME"
  | "INVALID_OPTION"
  | "PAYLOAD_INVALID"
  // what was named is not there, or is there already
  | "WORKER_NOT_FOUND"
  | "COMMAND_NOT_FOUND"
  | "WORKER_ALREADY_REGISTERED"
  | "COMMAND_ALREADY_REGISTERED"
  // not in this state
  | "INVALID_WORKER_STATE"
  | "INVALID_RUNTIME_STATE"
  | "RUNTIME_NOT_ACCEPTING_WORK"
  | "WORKER_NOT_ACCEPTING_WORK"
  | "PARENT_ENDED"
  // no room
  | "SATURATED"
  | "RUNTIME_SATURATED"
  | "WORKER_SATURATED"
  | "COMMAND_SATURATED"
  // ended from outside
  | "INTERRUPTED"
  | "TIMEOUT"
  | "ABANDONED"
  | "WORKER_STOPPING"
  // went wrong inside
  | "WORKER_FAILED"
  | "COMMAND_FAILED"
  | "PANIC"
  | "LOOP_EXITED"
  | "CLEANUP_FAILED"
  | "RESTARTS_EXHAUSTED"
  | "STALLED"
  | "RESULT_NOT_SERIALISABLE";

/** What else an error knows, as plain JSON values. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An error of Workerkit: `code` is stable, the message is for people, `cause` is what lies beneath. */
export class WorkerkitError extends Error {
  declare readonly name: "WorkerkitError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  /** The brand by which every copy of this package knows the class. */
  declare readonly "~workerkit": 1;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly details?: ErrorDetails | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? {};
  }
}

// On the prototype, so that the stack begins with the name, and no log shows the brand. Outside of the class, for one that
// names itself is renamed by the build, and logs would say _WorkerkitError.
Object.defineProperties(WorkerkitError.prototype, {
  name: { value: "WorkerkitError", writable: true },
  "~workerkit": { value: 1 },
});

/** Whether `error` is a `WorkerkitError` of any copy of this package, and carries `code` when one is given. */
export function isWorkerkitError<Code extends ErrorCode>(
  error: unknown,
  code?: Code,
): error is WorkerkitError & { readonly code: Code } {
  if (readProperty(error, "~workerkit") !== 1) return false;
  return code === undefined || readProperty(error, "code") === code;
}

/** Anything thrown, as an Error: an Error that can be read is kept as it is, everything else becomes the cause of one. */
export function toError(thrown: unknown): Error {
  if (isError(thrown)) return thrown;
  return new Error(`Thrown: ${describeThrown(thrown)}, which is no Error`, { cause: thrown });
}

/** Reads a property of anything; a missing one and a throwing getter read as undefined. */
export function readProperty(value: unknown, key: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    return undefined;
  }
  try {
    return (value as Readonly<Record<string, unknown>>)[key];
  } catch {
    return undefined;
  }
}

function isError(value: unknown): value is Error {
  try {
    // Errors of another realm, such as a vm context, are native errors but no instances.
    if (!(value instanceof Error || types.isNativeError(value))) return false;
    return typeof value.name === "string" && typeof value.message === "string";
  } catch {
    return false; // a proxy, or a getter, that throws
  }
}

function describeThrown(value: unknown): string {
  switch (typeof value) {
    case "object":
      return value === null ? "null" : "an object";
    case "undefined":
    case "number":
    case "boolean":
      return String(value);
    default:
      return `a ${typeof value}`;
  }
}
