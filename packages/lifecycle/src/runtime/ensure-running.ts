// Bringing a worker to run, whatever it is doing now.

import { takeTurn, type Waiter } from "../worker/operation.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { StartOperation } from "../worker/start.ts";

/** How a start goes that is one of several. */
export interface EnsureOptions {
  /** Once aborted, nothing more begins. */
  readonly signal: AbortSignal;
  /** Hears of a start that this began, and who waits for it. */
  readonly began: (start: StartOperation, waiter: Waiter) => unknown;
}

/** Starts a worker, unless it runs; one in transition is waited for, and then judged. Undefined when there is nothing to do. */
export function ensureRunning(
  worker: RegisteredWorker,
  options: EnsureOptions,
): Promise<void> | undefined {
  const { current } = worker;
  if (current === undefined && worker.state === "running") return undefined;
  // One that was unregistered before its turn came is none of those to start.
  if (worker.core.workers.get(worker.name) !== worker) return undefined;
  return new Promise((resolve, reject) => {
    if (current !== undefined && current.kind !== "restart") {
      // In a stretch of its own: what has just settled gives its turn back only after that.
      const again = () =>
        queueMicrotask(() => {
          if (options.signal.aborted) reject(options.signal.reason);
          else resolve(ensureRunning(worker, options));
        });
      current.join({ done: again, failed: again });
      return;
    }
    const start = new StartOperation(worker);
    const waiter = { done: resolve, failed: reject };
    options.began(start, waiter);
    start.join(waiter);
    takeTurn(start);
  });
}
