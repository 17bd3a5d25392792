// Supervision decides: is a failed worker restarted, after what delay, or is it failed for good?

import { isFatal, WorkerkitError } from "@workerkit/contracts";
import { askBackoff } from "@workerkit/retry";
import { answers } from "./answers.ts";
import { crashes, type WorkerFailure } from "./failure.ts";
import type { Failure } from "./policy.ts";
import type { RegisteredWorker } from "./registered-worker.ts";

/** Restart after a delay, or fail with this error. */
export type Verdict = { readonly delayMs: number } | { readonly error: unknown };

/** Decides on a restart (S1, S2). */
export function judge(worker: RegisteredWorker, failure: WorkerFailure): Verdict {
  const { core, policy } = worker;
  const { restart } = policy;
  if (restart === undefined || core.closing !== undefined || crashes(worker, failure)) {
    return { error: failure.error };
  }
  const now = core.clock.monotonicMs();
  const inWindow = worker.restartedAtMs?.filter((at) => now - at < restart.withinMs) ?? [];
  worker.restartedAtMs = inWindow;
  if (inWindow.length >= restart.maxRestarts) {
    const times = `${inWindow.length} times within ${restart.withinMs} ms`;
    return { error: exhausted(worker, failure.error, `it was restarted ${times}`) };
  }
  if (worker.strays !== undefined && worker.strays.size > 0) {
    return { error: exhausted(worker, failure.error, "its abandoned code still runs") };
  }
  if (isFatal(failure.error)) {
    return { error: exhausted(worker, failure.error, "its failure is marked as fatal") };
  }
  if (!isWorthIt(restart.when, failure)) {
    return { error: exhausted(worker, failure.error, "restart.when did not agree") };
  }
  const delayMs = askBackoff(restart.backoff, inWindow.length + 1, core.random);
  return delayMs === undefined
    ? { error: exhausted(worker, failure.error, "restart.backoff threw") }
    : { delayMs };
}

function isWorthIt(when: ((failure: Failure) => boolean) | undefined, failure: Failure): boolean {
  if (when === undefined) return true;
  const { error, panic, phase } = failure;
  return answers(() => when({ error, panic, phase }), true);
}

/** The error of a worker that supervision has given up. */
export function exhausted(worker: RegisteredWorker, cause: unknown, why: string): WorkerkitError {
  return new WorkerkitError(
    "RESTARTS_EXHAUSTED",
    `worker ${worker.fullName} is not restarted: ${why}`,
    { details: { worker: worker.fullName, why }, cause },
  );
}
