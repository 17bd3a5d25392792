// What an operation must come to when nothing else is going on: refused, without effect, or begun.

import type { WorkerState } from "@workerkit/contracts";
import type { WorkerStatus } from "@workerkit/lifecycle";
import { RELIES } from "./naive.ts";

/** What is known of a worker before the operation. */
export interface Before {
  readonly name: string;
  readonly status: WorkerStatus | undefined;
  readonly dependsOn: readonly string[];
  /** Whether abandoned lifecycle code of it still runs. */
  readonly strays: boolean;
  /** Whether any other does: an operation that nobody waits for any more, or a late cleanup. */
  readonly working: boolean;
}

/** The whole before the operation, quiet: no operation is under way. */
export interface Scenery {
  readonly closing: "stop all" | "shutdown" | undefined;
  readonly worker: (name: string) => Before;
  /** Those that are registered and name this worker in `dependsOn`, however far above. */
  readonly dependants: (name: string) => readonly Before[];
}

/** Refused with this code, resolved without effect, or begun: the worker is in one of these states in the same tick. */
export type Prediction =
  | { readonly refused: string }
  | { readonly nothing: true }
  | { readonly becomes: readonly WorkerState[] };

/** Predicts; undefined where it cannot be told from outside. */
export function predict(
  operation: "start" | "drain" | "stop" | "register" | "unregister",
  name: string,
  scenery: Scenery,
): Prediction | undefined {
  const before = scenery.worker(name);
  const state = before.status?.state;
  if (operation === "register") return predictRegister(state, scenery);
  if (state === undefined) return { refused: "WORKER_NOT_FOUND" };
  switch (operation) {
    case "start":
      return predictStart(before, state, scenery);
    case "drain":
      return predictDrain(name, state, scenery);
    case "stop":
      return predictStop(before, state, scenery);
    case "unregister":
      return predictUnregister(before, state, scenery);
  }
}

function predictRegister(state: WorkerState | undefined, { closing }: Scenery): Prediction {
  if (closing === "shutdown") return { refused: "INVALID_RUNTIME_STATE" };
  return state === undefined
    ? { becomes: ["registered"] }
    : { refused: "WORKER_ALREADY_REGISTERED" };
}

function predictStart(
  { dependsOn, strays, working }: Before,
  state: WorkerState,
  { closing, worker }: Scenery,
): Prediction | undefined {
  if (closing !== undefined) return { refused: "INVALID_RUNTIME_STATE" };
  if (state === "running") return { refused: "INVALID_WORKER_STATE" };
  if (state !== "registered" && state !== "stopped" && state !== "failed") return undefined;
  if (working) return undefined;
  if (strays) return { refused: "INVALID_WORKER_STATE" };
  const missing = reach(dependsOn, worker).filter(({ status }) => status === undefined);
  if (missing.length > 0) return { refused: "INVALID_OPTION" };
  if (dependsOn.some((dependency) => worker(dependency).status?.state !== "running")) {
    return { refused: "INVALID_WORKER_STATE" };
  }
  return { becomes: ["starting"] };
}

function predictDrain(
  name: string,
  state: WorkerState,
  { dependants }: Scenery,
): Prediction | undefined {
  switch (state) {
    case "registered":
    case "stopped":
    case "failed":
      return { refused: "INVALID_WORKER_STATE" };
    case "running":
      return reliedOn(dependants(name))
        ? { refused: "INVALID_WORKER_STATE" }
        : { becomes: ["draining"] };
    default:
      return undefined;
  }
}

function predictStop(
  { name, status, working }: Before,
  state: WorkerState,
  { dependants }: Scenery,
): Prediction {
  switch (state) {
    case "registered":
    case "stopped":
      return { nothing: true };
    case "running":
    case "draining":
      return reliedOn(dependants(name))
        ? { refused: "INVALID_WORKER_STATE" }
        : { becomes: ["draining", "stopping"] };
    case "restarting": {
      // A cleanup, its own or that of those who restart with it, ends first; in backoff it is over in the same tick.
      const others = dependants(name).some((other) => other.status?.state === "restarting");
      const cleaning = working || others || (status?.inFlight ?? 0) > 0;
      return { becomes: cleaning ? ["restarting", "stopped"] : ["stopped"] };
    }
    default:
      // With nothing to clean up it is over in the same tick.
      return { becomes: ["stopping", "stopped"] };
  }
}

function predictUnregister(
  { name, status, strays, working }: Before,
  state: WorkerState,
  { dependants, worker }: Scenery,
): Prediction {
  const resting = state === "registered" || state === "stopped" || state === "failed";
  const busy =
    status === undefined || status.inFlight > 0 || status.abandoned > 0 || strays || working;
  const needed = dependants(name).some((other) => worker(other.name).dependsOn.includes(name));
  return resting && !busy && !needed ? { becomes: [] } : { refused: "INVALID_WORKER_STATE" };
}

function reliedOn(dependants: readonly Before[]): boolean {
  return dependants.some(({ status }) => status !== undefined && RELIES.has(status.state));
}

/** All that these names lead to. */
function reach(names: readonly string[], worker: Scenery["worker"]): Before[] {
  const reached = new Map<string, Before>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    const found = worker(name);
    reached.set(name, found);
    if (found.status !== undefined) open.push(...found.dependsOn);
  }
  return [...reached.values()];
}
