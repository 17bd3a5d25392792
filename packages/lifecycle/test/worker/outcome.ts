// How a promise ended, without waiting for it: what callers were told by now.

import { isWorkerkitError } from "@workerkit/contracts";

export interface Watched<T = unknown> {
  /** `pending`, `done`, or why it rejected: the code, or the error itself if it has none. */
  readonly now: () => unknown;
  readonly value: () => T | undefined;
  readonly error: () => unknown;
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  let outcome: unknown = "pending";
  let value: T | undefined;
  let thrown: unknown;
  promise.then(
    (result) => {
      outcome = "done";
      value = result;
    },
    (error: unknown) => {
      outcome = isWorkerkitError(error) ? error.code : error;
      thrown = error;
    },
  );
  return { now: () => outcome, value: () => value, error: () => thrown };
}
