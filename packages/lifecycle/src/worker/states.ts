// The state machine of a worker, as data: which transitions are legal, and what each operation does in each state.

import type { WorkerState } from "@workerkit/contracts";

/** The states that may follow each state; nothing else ever does. */
export const TRANSITIONS: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  registered: ["starting"],
  starting: ["running", "failed", "stopping", "restarting"],
  running: ["draining", "stopping", "failed", "restarting"],
  restarting: ["starting", "failed", "stopping"],
  draining: ["stopping", "failed"],
  stopping: ["stopped", "failed"],
  stopped: ["starting"],
  failed: ["starting", "stopping"],
};

/** What an operator can ask of a worker. */
export type WorkerOperation = "start" | "drain" | "stop";

/**
 * What an operation does when its turn comes: it `begins`, `joins` what is going on, has `nothing` to do and resolves,
 * ends the worker instead (`stops`), or is `refused`.
 */
export type Verdict = "begins" | "joins" | "nothing" | "stops" | "refused";

/** What each operation does in each state. */
export const OPERATIONS: Readonly<Record<WorkerOperation, Readonly<Record<WorkerState, Verdict>>>> =
  {
    start: {
      registered: "begins",
      starting: "refused",
      running: "refused",
      restarting: "joins",
      draining: "refused",
      stopping: "refused",
      stopped: "begins",
      failed: "begins",
    },
    drain: {
      registered: "refused",
      starting: "refused",
      running: "begins",
      restarting: "stops",
      draining: "nothing",
      stopping: "refused",
      stopped: "refused",
      failed: "refused",
    },
    stop: {
      registered: "nothing",
      starting: "begins",
      running: "begins",
      restarting: "begins",
      draining: "begins",
      stopping: "joins",
      stopped: "nothing",
      failed: "begins",
    },
  };

/** Whether a worker in `from` may go to `to`. */
export function isLegal(from: WorkerState, to: WorkerState): boolean {
  return TRANSITIONS[from].includes(to);
}
