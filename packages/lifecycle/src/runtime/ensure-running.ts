// Bringing a worker to run, whatever it is doing now.

import { takeTurn } from "../worker/operation.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { StartOperation } from "../worker/start.ts";

/** How a start goes that is one of several. */
export interface EnsureOptions {
  /** Once aborted, nothing more begins. */
  readonly signal: AbortSignal;
  /** Hears of a start that this began. */
  readonly began: (worker: RegisteredWorker) => unknown;
}

/** Starts a worker, unless it runs; one in transition is waited for, and then judged. Undefined when there is nothing to do. */
export function ensureRunning(
  worker: RegisteredWorker,
  options: EnsureOptions,
): Promise<void> | undefined {
  const { current } = worker;
  if (current === undefined && worker.state === "running") return undefined;
  return new Promise((resolve, reject) => {
    if (current !== undefined && current.kind !== "restart") {
      const again = () => {
        if (options.signal.aborted) reject(options.signal.reason);
        else resolve(ensureRunning(worker, options));
      };
      current.join({ done: again, failed: again });
      return;
    }
    options.began(worker);
    const start = new StartOperation(worker);
    start.join({ done: resolve, failed: reject });
    takeTurn(start);
  });
}
