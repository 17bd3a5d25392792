// A failed attempt on its way through p-retry, which knows neither TypeErrors nor non-Errors as failures to retry.

import { readProperty } from "@workerkit/contracts";
import { mayRetry } from "./ask.ts";

/** What carries any thrown value as an Error; only `error` ever leaves this package. */
export class AttemptFailure extends Error {
  /** What the caller gets if this was the last attempt. */
  readonly error: unknown;
  /** Whether the error itself rules out another attempt. */
  readonly final: boolean;

  constructor(error: unknown, final: boolean) {
    super("an attempt failed");
    this.error = error;
    this.final = final;
  }
}

/** The failure of an attempt that threw `thrown`; `asTimeout` makes it the cause of the timeout that came first. */
export function failureOf(
  thrown: unknown,
  asTimeout?: (cause: unknown) => unknown,
): AttemptFailure {
  const stopped = isAbortError(thrown);
  const error = stopped ? readProperty(thrown, "originalError") : thrown;
  return new AttemptFailure(
    asTimeout === undefined ? error : asTimeout(error),
    stopped || !mayRetry(error),
  );
}

/** Whether this is p-retry's `AbortError`, of whatever copy: a DOMException of that name has no original error. */
function isAbortError(thrown: unknown): boolean {
  return (
    readProperty(thrown, "name") === "AbortError" &&
    readProperty(thrown, "originalError") !== undefined
  );
}
