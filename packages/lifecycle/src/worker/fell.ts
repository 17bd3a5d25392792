// A worker that failed for good.

import { failureOf, type WorkerFailure } from "./failure.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import { transition } from "./transition.ts";

/** What felled a worker, where, and at which attempt to start it. */
export interface Fall {
  readonly error: unknown;
  readonly phase: WorkerFailure["phase"];
  readonly attempt?: number;
}

/** Fails a worker; the operation whose turn it is hears of that. */
export function failForGood(worker: RegisteredWorker, { error, phase, attempt = 1 }: Fall): void {
  const failure = failureOf(worker, error, phase, { attempt });
  transition(worker, "failed", `${phase} failed`, { failure });
  worker.current?.workerFailed();
}
