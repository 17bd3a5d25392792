// Draining a worker: no new work from outside, then its drain hook; it waits for no work in flight.

import { WorkerkitError } from "@workerkit/contracts";
import { crashes, failureOf } from "./failure.ts";
import { failForGood } from "./fell.ts";
import type { Generation } from "./generation.ts";
import { type HookOwner, HookRun } from "./hook-run.ts";
import { endTurn, Operation, refusal, takeTurn } from "./operation.ts";
import { OPERATIONS } from "./states.ts";
import { ownStopLimits } from "./stop-hook.ts";
import { recordFailure, setFlags, transition } from "./transition.ts";

export class DrainOperation extends Operation implements HookOwner {
  override readonly kind = "drain";
  #run: HookRun | undefined = undefined;
  #held = false;

  override get running(): HookRun | undefined {
    return this.#run;
  }

  override begin(): boolean {
    const { worker } = this;
    const verdict = OPERATIONS.drain[worker.state];
    if (verdict === "nothing") {
      this.succeed();
      return false;
    }
    if (verdict !== "begins") {
      this.fail(refusal(worker, "drain"));
      return false;
    }
    transition(worker, "draining", "drain");
    if (!this.#held) this.#callHook();
    return true;
  }

  /** Begins without its hook, which waits for `release`: many workers are closed before any hook runs. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.worker.current === this) this.#callHook();
  }

  /** Gives its running hook to a stop, which tells it when that has ended. */
  takeOver(stop: HookOwner): HookRun | undefined {
    const run = this.#run;
    if (run === undefined) this.succeed();
    else run.owner = stop;
    return run;
  }

  override workerFailed(): void {
    const run = this.#run;
    run?.abort(() => run.generation.reason("failure"));
  }

  hookEnded(run: HookRun): void {
    noteDrainFailure(run);
    this.#end();
  }

  #callHook(): void {
    const { worker } = this;
    // An abort listener may have called stop, or reported a failure.
    const goesOn = worker.current === this && worker.state === "draining";
    const { generation } = worker;
    const { drain } = worker.hooks;
    if (!goesOn || drain === undefined || generation === undefined) return this.#end();
    this.#run = drainHookRun(generation, this);
    this.#run.call(drain);
  }

  #end(): void {
    const { worker } = this;
    if (worker.state === "failed") {
      this.fail(
        new WorkerkitError("WORKER_FAILED", `worker ${worker.fullName} failed while draining`, {
          details: { worker: worker.fullName, failure: worker.lastFailure },
        }),
      );
    } else {
      this.succeed();
    }
    endTurn(this);
  }
}

/** Gives a drain its turn; while it waits behind a start, its worker takes no more work already (L2). */
export function beginDrain(operation: DrainOperation): void {
  const { worker } = operation;
  takeTurn(operation);
  if (worker.drainWaits) setFlags(worker, worker.ready, false);
}

/** A run of the drain hook, yet to be called. */
export function drainHookRun(generation: Generation, owner: HookOwner): HookRun {
  return new HookRun(generation, "drain", ownStopLimits(generation.worker), owner);
}

/** A drain hook that failed is told, and the drain goes on (L7). */
export function noteDrainFailure(run: HookRun): void {
  const { generation, value: error } = run;
  const { worker } = generation;
  if (run.ok || generation.ended) return;
  const failure = failureOf(worker, error, "drain", { final: false });
  if (crashes(worker, failure)) failForGood(worker, { error, phase: "drain" });
  else recordFailure(worker, failure);
}
