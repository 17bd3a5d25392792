// The rules once more, written down as plainly as can be and on purpose not taken from the runtime.

import type { RuntimeState, WorkerState } from "@workerkit/contracts";

/** Which states may follow which (L1). */
export const LEGAL: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  registered: ["starting"],
  starting: ["running", "failed", "stopping", "restarting"],
  running: ["draining", "stopping", "failed", "restarting"],
  restarting: ["starting", "failed", "stopping"],
  draining: ["stopping", "failed"],
  stopping: ["stopped", "failed"],
  stopped: ["starting"],
  failed: ["starting", "stopping"],
};

/** States in which a worker relies on what it depends on (D2). */
export const RELIES: ReadonlySet<WorkerState> = new Set([
  "starting",
  "running",
  "restarting",
  "draining",
]);

/** A worker as the rules of state and readiness see it. */
export interface NaiveWorker {
  readonly state: WorkerState;
  readonly ready: boolean;
  readonly contributes: boolean;
  readonly failurePolicy: "isolate" | "mark-runtime-unready" | "fail-runtime";
  /** Whether it counts for readiness; undefined when it cannot be told from outside. */
  readonly counts: boolean | undefined;
}

/** R1: the first that applies. */
export function naiveState(workers: readonly NaiveWorker[]): RuntimeState {
  const any = (...states: readonly WorkerState[]) =>
    workers.some(({ state }) => states.includes(state));
  if (
    workers.some(
      ({ state, failurePolicy }) => state === "failed" && failurePolicy === "fail-runtime",
    )
  ) {
    return "failed";
  }
  if (any("starting", "restarting")) return "starting";
  if (any("draining")) return "draining";
  if (any("stopping")) return "stopping";
  if (any("running")) return "running";
  if (any("failed")) return "failed";
  if (any("stopped")) return "stopped";
  return "registered";
}

/** R2; undefined when it cannot be told from outside. */
export function naiveReady(
  workers: readonly NaiveWorker[],
  { closing, allWorkers }: { readonly closing: boolean; readonly allWorkers: boolean },
): boolean | undefined {
  if (closing || !workers.some(({ state }) => state === "running")) return false;
  if (workers.some((worker) => worker.state === "failed" && worker.failurePolicy !== "isolate")) {
    return false;
  }
  const holding = workers.filter(
    ({ contributes, state, ready }) =>
      (contributes || allWorkers) && !(state === "running" && ready),
  );
  if (holding.some(({ counts }) => counts === true)) return false;
  return holding.some(({ counts }) => counts === undefined) ? undefined : true;
}
