// One caller of an operation: its promise settles with the operation, or at once when its own signal aborts.

import { onAbort } from "@workerkit/contracts";
import type { Operation, Waiter } from "../worker/operation.ts";

/** Joins an operation, then lets it begin; whose signal has aborted already begins nothing. */
export function callOperation(
  operation: Operation,
  signal: AbortSignal | undefined,
  begin: (operation: Operation) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const waiter = waiterOf(resolve, reject, signal, (reason) => operation.leave(waiter, reason));
    operation.join(waiter);
    begin(operation);
  });
}

/** The waiter behind a promise. */
export function waiterOf(
  resolve: () => void,
  reject: (error: unknown) => void,
  signal: AbortSignal | undefined,
  left: (reason: unknown) => void,
): Waiter {
  const ignore =
    signal === undefined
      ? undefined
      : onAbort(signal, () => {
          left(signal.reason);
          reject(signal.reason);
        });
  return {
    done() {
      ignore?.();
      resolve();
    },
    failed(error) {
      ignore?.();
      reject(error);
    },
  };
}

/** Settles like `shared`, or at once with the reason of `signal`; `left` hears of that. */
export function share<T>(
  shared: Promise<T>,
  signal: AbortSignal | undefined,
  left: (reason: unknown) => void,
): Promise<T> {
  if (signal === undefined) return shared;
  return new Promise((resolve, reject) => {
    const ignore = onAbort(signal, () => {
      left(signal.reason);
      reject(signal.reason);
    });
    shared.then(resolve, reject).finally(ignore);
  });
}
