// The state and readiness of a runtime by their definition (R1, R2), walked over all workers each time.

import type { RuntimeState, WorkerState } from "@workerkit/contracts";
import type { FailurePolicy, ReadinessPolicy } from "@workerkit/lifecycle";

export interface NaiveWorker {
  readonly state: WorkerState;
  readonly ready: boolean;
  readonly failurePolicy: FailurePolicy;
  readonly contributes: boolean;
  /** Whether it was started, or a startAll was called after its registration. */
  readonly counts: boolean;
}

export function naiveState(workers: readonly NaiveWorker[]): RuntimeState {
  const any = (...states: WorkerState[]) => workers.some(({ state }) => states.includes(state));
  if (workers.some((w) => w.state === "failed" && w.failurePolicy === "fail-runtime")) {
    return "failed";
  }
  if (any("starting", "restarting")) return "starting";
  if (any("draining")) return "draining";
  if (any("stopping")) return "stopping";
  if (any("running")) return "running";
  if (any("failed")) return "failed";
  return any("stopped") ? "stopped" : "registered";
}

export function naiveReady(
  workers: readonly NaiveWorker[],
  policy: ReadinessPolicy,
  closed: boolean,
): boolean {
  const waitedFor = workers.filter(
    ({ counts, contributes }) => counts && (contributes || policy === "all-workers"),
  );
  return (
    workers.some(({ state }) => state === "running") &&
    waitedFor.every(({ state, ready }) => state === "running" && ready) &&
    !workers.some((w) => w.state === "failed" && w.failurePolicy !== "isolate") &&
    !closed
  );
}
