// The stop hook of a worker, whoever calls it: never two at once, and once more for a state that a start returned too late.

import { type LifecyclePhase, WorkerkitError } from "@workerkit/contracts";
import { cleanupFailureOf } from "./failure.ts";
import type { Generation } from "./generation.ts";
import { type HookOwner, HookRun } from "./hook-run.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import { recordFailure } from "./transition.ts";

/** How long a hook may take, and how long it may go on after that. */
export interface HookLimits {
  readonly limitMs: number;
  readonly graceMs: number;
}

/** The limits that a worker's own policy sets for its stop hook. */
export function ownStopLimits({ policy }: RegisteredWorker): HookLimits {
  return { limitMs: policy.stopTimeoutMs, graceMs: policy.graceMs };
}

/** A run of the stop hook, yet to be called; the caller has made sure that none is running. */
export function stopHookRun(
  generation: Generation,
  phase: LifecyclePhase,
  limits: HookLimits,
  owner: HookOwner,
): HookRun {
  const { worker } = generation;
  generation.stopHookCalled = true;
  // A state that came in time for this run needs no other.
  if (worker.lateGeneration === generation) worker.lateGeneration = undefined;
  const run = new HookRun(generation, phase, limits, owner, stopHookReturned);
  worker.stopHook = run;
  return run;
}

/** What a start hook returned is the state of its generation, even when it returns late (L6). */
export function keepState(run: HookRun): void {
  const { generation } = run;
  if (!run.ok) return;
  generation.value = run.value;
  generation.uncleaned = true;
  if (!generation.stopHookCalled) return;
  if (generation.worker.stopHook === undefined) cleanUpLate(generation);
  else generation.worker.lateGeneration = generation;
}

/** The error of a stop that waited for an earlier run of the stop hook in vain. */
export function earlierGoesOn(worker: RegisteredWorker, limitMs: number): WorkerkitError {
  const waitedFor = "an earlier run of its stop hook";
  return new WorkerkitError(
    "TIMEOUT",
    `worker ${worker.fullName} did not stop: ${waitedFor} goes on`,
    {
      details: { worker: worker.fullName, phase: "stop", limitMs, waitedFor },
      cause: worker.stopHook?.value,
    },
  );
}

function stopHookReturned(run: HookRun): void {
  const { worker } = run.generation;
  if (run.ok) run.generation.uncleaned = false;
  worker.stopHook = undefined;
  const { stopHookWaiter, lateGeneration: late } = worker;
  worker.stopHookWaiter = undefined;
  // Who waits runs the hook again where there is more to clean up.
  if (stopHookWaiter !== undefined) return stopHookWaiter(run.ok && late === undefined);
  if (late === undefined) return;
  worker.lateGeneration = undefined;
  cleanUpLate(late);
}

/** Nobody waits for this, but no start is allowed before it has ended. */
function cleanUpLate(generation: Generation): void {
  const { worker } = generation;
  const run = stopHookRun(generation, "cleanup", ownStopLimits(worker), lateCleanup);
  worker.strays ??= new Set();
  worker.strays.add(run);
  run.call(worker.hooks.stop);
}

const lateCleanup: HookOwner = {
  hookEnded(run) {
    const { worker } = run.generation;
    if (run.stage !== "abandoned") worker.strays?.delete(run);
    if (!run.ok) recordFailure(worker, cleanupFailureOf(worker, run.value));
  },
};
