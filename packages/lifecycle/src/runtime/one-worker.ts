// Operations that one caller asks of one worker, with what it depends on or what depends on it.

import { beginDrain, DrainOperation } from "../worker/drain.ts";
import {
  activeDependants,
  checkGraph,
  dependenciesOf,
  levelsOf,
  startOrder,
} from "../worker/graph.ts";
import { refusal, takeTurn } from "../worker/operation.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { endingRefusal, StartOperation } from "../worker/start.ts";
import { stopWorker } from "../worker/stop.ts";
import { ownLimits } from "../worker/stop-limits.ts";
import { callOperation, share, waiterOf } from "./caller.ts";
import { Ending } from "./end-all.ts";
import { type EnsureOptions, ensureRunning } from "./ensure-running.ts";
import { tellWhatHolds } from "./waiting.ts";

type Signal = AbortSignal | undefined;

export function startOne(worker: RegisteredWorker, signal: Signal): Promise<void> {
  refuseWhileEnding(worker);
  return callOperation(new StartOperation(worker), signal, takeTurn);
}

/** Starts what the worker depends on, and then the worker (D1). */
export async function startWithDependencies(
  worker: RegisteredWorker,
  signal: Signal,
): Promise<void> {
  refuseWhileEnding(worker);
  checkGraph(worker);
  const dependencies = [...dependenciesOf(worker)].sort((a, b) => a.index - b.index);
  let giveUp: (reason: unknown) => void = () => {};
  const options: EnsureOptions = {
    signal: signal ?? new AbortController().signal,
    began(start, waiter) {
      giveUp = (reason) => start.leave(waiter, reason);
    },
  };
  for (const dependency of startOrder(dependencies)) {
    options.signal.throwIfAborted();
    const started = ensureRunning(dependency, options);
    if (started !== undefined) await share(started, signal, (reason) => giveUp(reason));
  }
  await startOne(worker, signal);
}

/** It would be refused when its turn comes, so it does not wait for that. */
function refuseWhileEnding(worker: RegisteredWorker): void {
  const refused = endingRefusal(worker);
  if (refused !== undefined) throw refused;
}

export function drainOne(worker: RegisteredWorker, signal: Signal): Promise<void> {
  refuseWithDependants(worker, "drain");
  return callOperation(new DrainOperation(worker), signal, (drain) =>
    beginDrain(drain as DrainOperation),
  );
}

/** Drains what depends on the worker, and then the worker; goes on after failures (D2). */
export async function drainWithDependants(worker: RegisteredWorker, signal: Signal): Promise<void> {
  const errors: unknown[] = [];
  const levels = levelsOf(activeDependants(worker)).reverse();
  for (const level of [...levels, [worker]]) {
    const drains = level.map((member) =>
      callOperation(new DrainOperation(member), signal, (drain) =>
        beginDrain(drain as DrainOperation),
      ),
    );
    for (const drain of await Promise.allSettled(drains)) {
      if (drain.status === "rejected") errors.push(drain.reason);
    }
    signal?.throwIfAborted();
  }
  throwTogether(errors, `draining ${worker.fullName} and what depends on it`);
}

export function stopOne(worker: RegisteredWorker, signal: Signal): Promise<void> {
  refuseWithDependants(worker, "stop");
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const waiter = waiterOf(resolve, reject, signal, () => {});
    let over = false;
    let stopTelling: (() => void) | undefined;
    const ended = () => {
      over = true;
      stopTelling?.();
    };
    const watched = {
      done: () => {
        ended();
        waiter.done();
      },
      failed: (error: unknown) => {
        ended();
        waiter.failed(error);
      },
    };
    const stop = stopWorker(worker, watched, ownLimits(worker));
    if (stop === undefined || over) return;
    stopTelling = tellWhatHolds(worker.core, { phase: () => "stop", workers: () => [worker] });
  });
}

/** Stops what depends on the worker, and then the worker; goes on after failures (D2). */
export async function stopWithDependants(worker: RegisteredWorker, signal: Signal): Promise<void> {
  signal?.throwIfAborted();
  const workers = [...activeDependants(worker), worker];
  const ending = new Ending(worker.core, workers, "stop");
  const stopTelling = tellWhatHolds(worker.core, { phase: () => "stop", workers: () => workers });
  const { errors } = await share(ending.run().finally(stopTelling), signal, () => {});
  throwTogether(errors, `stopping ${worker.fullName} and what depends on it`);
}

/** A worker that others rely on right now is neither drained nor stopped under them (D2). */
export function refuseWithDependants(worker: RegisteredWorker, operation: "drain" | "stop"): void {
  if (worker.state !== "running" && worker.state !== "draining") return;
  const list = activeDependants(worker).map(({ name, state }) => `${name} is ${state}`);
  if (list.length === 0) return;
  throw refusal(worker, operation, `workers depend on it: ${list.join(", ")}`);
}

function throwTogether(errors: readonly unknown[], what: string): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${what}: ${errors.length} failed`);
}
