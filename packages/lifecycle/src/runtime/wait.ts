// Waiting for a worker or a runtime to be idle, or for a runtime to be ready, without asking again and again.

import { onAbort, WorkerkitError } from "@workerkit/contracts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import type { RuntimeCore } from "./core.ts";
import { tellWhatHolds } from "./waiting.ts";

/** Resolves when no work of the worker is in flight; in the very microtask in which the last one ends (B4). */
export function waitIdle(worker: RegisteredWorker, signal: AbortSignal | undefined): Promise<void> {
  worker.idleWaiters ??= new Set();
  return untilIdle(
    worker.core,
    () => worker.inFlight,
    worker.idleWaiters,
    () => [worker],
    signal,
  );
}

/** Resolves when no work of any worker is in flight. */
export function waitAllIdle(core: RuntimeCore, signal: AbortSignal | undefined): Promise<void> {
  return untilIdle(
    core,
    () => core.inFlight,
    core.idleWaiters,
    () => core.workers.values(),
    signal,
  );
}

/** Resolves when the runtime is ready; rejects with `INVALID_RUNTIME_STATE` when it is shut down first (R5). */
export function whenReady(core: RuntimeCore, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (core.ready) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const ended = () => {
      core.readyWaiters.delete(judge);
      ignore?.();
    };
    const judge = () => {
      ended();
      if (core.ready) return resolve();
      reject(
        new WorkerkitError(
          "INVALID_RUNTIME_STATE",
          `runtime ${core.name} was shut down before it was ready`,
        ),
      );
    };
    const ignore =
      signal &&
      onAbort(signal, () => {
        ended();
        reject(signal.reason);
      });
    core.readyWaiters.add(judge);
  });
}

function untilIdle(
  core: RuntimeCore,
  inFlight: () => number,
  waiters: Set<() => void>,
  workers: () => Iterable<RegisteredWorker>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (inFlight() === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const ended = () => {
      waiters.delete(idle);
      ignore?.();
      stopTelling();
    };
    const idle = () => {
      ended();
      resolve();
    };
    const ignore =
      signal &&
      onAbort(signal, () => {
        ended();
        reject(signal.reason);
      });
    const stopTelling = tellWhatHolds(core, { phase: () => "idle", workers });
    waiters.add(idle);
  });
}
