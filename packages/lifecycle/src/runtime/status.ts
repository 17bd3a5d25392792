// What operators see of a runtime: plain JSON values, the same keys in the same order every time, at the same cost for any number of workers.

import type { RuntimeState, WorkerState } from "@workerkit/contracts";
import type { RuntimeCore } from "./core.ts";

/** A worker that keeps its runtime from being ready. */
export interface Blocker {
  readonly worker: string;
  readonly state: WorkerState;
  readonly ready: boolean;
}

/** A runtime as operators see it; what is absent has not happened. */
export interface RuntimeStatus {
  readonly name: string;
  readonly version?: string;
  readonly instanceId: string;
  readonly state: RuntimeState;
  readonly ready: boolean;
  /** At most ten of the workers that keep it from being ready, those that have done so longest. */
  readonly notReadyBecause: readonly Blocker[];
  /** The worker with `failurePolicy: "fail-runtime"` whose failure has failed the runtime. */
  readonly failedBecause?: string;
  /** Units of work that drain would wait for. */
  readonly inFlight: number;
  /** Code that outlived its grace and still runs. */
  readonly abandoned: number;
  /** How many workers are registered. */
  readonly workers: number;
  /** When the first worker ran, in ms since 1970. */
  readonly startedAt?: number;
  readonly lastTransition?: {
    readonly from: RuntimeState;
    readonly to: RuntimeState;
    readonly at: number;
    readonly reason: string;
  };
}

/** Takes a snapshot. */
export function runtimeStatusOf(core: RuntimeCore): RuntimeStatus {
  const failing = core.tally.firstRuntimeFailing;
  return {
    name: core.name,
    ...(core.version !== undefined && { version: core.version }),
    instanceId: core.instanceId,
    state: core.state,
    ready: core.ready,
    notReadyBecause: core.tally
      .firstBlocking()
      .map(({ name, state, ready }) => ({ worker: name, state, ready })),
    ...(failing !== undefined && { failedBecause: failing.name }),
    inFlight: core.inFlight,
    abandoned: core.abandonedCode,
    workers: core.workers.size,
    ...(core.startedAt !== undefined && { startedAt: core.startedAt }),
    ...(core.cameFrom !== undefined && { lastTransition: lastTransitionOf(core, core.cameFrom) }),
  };
}

function lastTransitionOf(
  { state, changedAt, changedBy, reason }: RuntimeCore,
  from: RuntimeState,
): NonNullable<RuntimeStatus["lastTransition"]> {
  return { from, to: state, at: changedAt, reason: `${changedBy}: ${reason}` };
}
