// Stopping a worker, whatever it is doing: drain, the cut, the stop hook. It does not queue; it takes over.

import { Delay } from "./delay.ts";
import { callDrainHook, DrainOperation, noteDrainFailure } from "./drain.ts";
import { failureOf } from "./failure.ts";
import type { HookOwner, HookRun } from "./hook-run.ts";
import { endTurn, Operation, type Waiter } from "./operation.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import { RestartOperation } from "./restart.ts";
import { StartOperation } from "./start.ts";
import { OPERATIONS } from "./states.ts";
import { callStopHook, type HookLimits } from "./stop-hook.ts";
import {
  hookLimits,
  type LeftBehind,
  type StopLimits,
  type StopReport,
  stricter,
} from "./stop-limits.ts";
import { transition } from "./transition.ts";

/** Workers that stop side by side: none goes on to its stop hook before all are idle or cut, so that they can serve each other. */
export interface Level {
  /** One of them is idle or cut. */
  reached(operation: StopOperation): void;
}

/** Stops a worker, or joins the stop in progress and brings its limits forward; undefined when there is nothing to stop. */
export function stopWorker(
  worker: RegisteredWorker,
  waiter: Waiter,
  limits: StopLimits,
  { reason = "stop", level }: { readonly reason?: string; readonly level?: Level } = {},
): StopOperation | undefined {
  const { current } = worker;
  if (current instanceof StopOperation) {
    current.join(waiter);
    current.bringForward(limits, level);
    return current;
  }
  if (OPERATIONS.stop[worker.state] === "nothing") {
    waiter.done();
    return undefined;
  }
  const operation = new StopOperation(worker, limits, reason, level);
  operation.join(waiter);
  operation.begin();
  return operation;
}

export class StopOperation extends Operation implements HookOwner {
  override readonly kind = "stop";
  readonly #reason: string;
  readonly #beganMs: number;
  #stoppingMs = 0;
  #overMs = 0;
  #aborted = 0;
  #abandoned: LeftBehind[] | undefined = undefined;
  #limits: StopLimits;
  #level: Level | undefined;
  #phase: "cleanup" | "drain" | "cut" | "quiet" | "hook" | "over" = "drain";
  /** Whether its level knows that it is idle or cut. */
  atLevel = false;
  /** The drain whose hook this has taken over. */
  #drain: DrainOperation | undefined = undefined;
  /** Drain or start code that the drain phase and the cut wait for. */
  #code: HookRun | undefined = undefined;
  #stopHook: HookRun | undefined = undefined;
  #restart: RestartOperation | undefined = undefined;
  #deadline: Delay | undefined = undefined;

  constructor(
    worker: RegisteredWorker,
    limits: StopLimits,
    reason: string,
    level: Level | undefined,
  ) {
    super(worker);
    this.#limits = limits;
    this.#reason = reason;
    this.#level = level;
    this.#beganMs = worker.core.clock.monotonicMs();
  }

  /** How it went, once it is over. */
  get report(): StopReport {
    return {
      drainMs: this.#stoppingMs - this.#beganMs,
      stopMs: this.#overMs - this.#stoppingMs,
      aborted: this.#aborted,
      abandoned: this.#abandoned ?? [],
    };
  }

  /** Whether it is idle, or past the point where anybody could still use it. */
  get idleOrCut(): boolean {
    return this.#phase !== "drain" || this.#idle;
  }

  override begin(): boolean {
    const { worker } = this;
    const { current, waiting } = worker;
    worker.current = this;
    worker.waiting = undefined;
    if (waiting !== undefined) for (const operation of waiting) operation.interrupted();
    if (current instanceof RestartOperation) this.#takeOverRestart(current);
    else if (current instanceof StartOperation) this.#takeOverStart(current);
    else if (worker.state === "failed") this.#stopFailed(current);
    else this.#drainFirst(current);
    return true;
  }

  /** Only ever earlier: whoever joins can hurry it, not hold it up. */
  bringForward(limits: StopLimits, level?: Level): void {
    this.#limits = stricter(this.#limits, limits);
    this.#level ??= level;
    const { graceMs } = this.#limits;
    if (this.#phase === "drain") {
      this.#armDrain();
    } else if (this.#phase === "cut") {
      this.#code?.shorten(graceMs, graceMs);
      this.#endWorkWithin(graceMs);
    } else if (this.#phase === "quiet") {
      this.worker.generation?.hurryGrace(graceMs);
    } else if (this.#phase === "hook") {
      this.#stopHook?.shorten(this.#hookLimits.limitMs, graceMs);
    } else if (this.#phase === "cleanup") {
      this.#restart?.shorten(this.#hookLimits);
    }
    if (level !== undefined && this.idleOrCut) level.reached(this);
  }

  override get running(): HookRun | undefined {
    return this.#code ?? this.#stopHook ?? this.#restart?.running;
  }

  override workerIdle(): void {
    this.#check();
  }

  override leftBehind(label: string, ageMs: number): void {
    this.#abandoned ??= [];
    this.#abandoned.push({ label, ageMs });
  }

  /** The worker failed while it drained: what is left is to end its work and run its stop hook. */
  override workerFailed(): void {
    if (this.#phase !== "drain" && this.#phase !== "cut") return;
    this.#disarm();
    const { generation } = this.worker;
    this.#code?.abort(() => generation?.reason("failure"), this.#limits.graceMs);
    this.#phase = "cut";
    this.#level?.reached(this);
    this.#check();
  }

  /** Others of the level are busy although this is not any more: it may get new work, and then drains on. */
  waitOn(): void {
    this.atLevel = false;
    if (this.#phase === "drain") this.#armDrain();
  }

  /** All workers of the level are idle or cut. */
  proceed(): void {
    this.#level = undefined;
    this.#check();
  }

  #takeOverRestart(restart: RestartOperation): void {
    this.#phase = "cleanup";
    this.#restart = restart;
    this.#level?.reached(this);
    restart.giveWay(this.#hookLimits, (gaveUp) => {
      this.#restart = undefined;
      if (gaveUp === undefined) {
        transition(this.worker, "stopping", this.#reason);
        this.#stopped();
      } else {
        this.#over();
        this.fail(gaveUp.error);
        endTurn(this);
      }
    });
  }

  /** A starting worker goes straight to the cut. */
  #takeOverStart(start: StartOperation): void {
    const { worker } = this;
    const run = start.giveWay();
    transition(worker, "stopping", this.#reason);
    if (run?.phase === "stop") {
      // The start was cleaning up after an earlier failure: that is the stop hook.
      this.#adopt(run);
    } else {
      this.#code = run;
      if (run !== undefined) run.owner = this;
      this.#cut();
    }
  }

  #stopFailed(current: Operation | undefined): void {
    const { worker } = this;
    if (current instanceof DrainOperation) {
      this.#drain = current;
      this.#code = current.takeOver(this);
    }
    transition(worker, "stopping", this.#reason);
    this.#cut();
  }

  #drainFirst(current: Operation | undefined): void {
    const { worker } = this;
    if (current instanceof DrainOperation) {
      this.#drain = current;
      // Without a running hook it was overtaken before it called one.
      this.#code = current.takeOver(this) ?? callDrainHook(worker, this);
    } else if (worker.state === "running") {
      if (this.#noDrain && this.#level === undefined && this.#idle) return this.#stopping();
      transition(worker, "draining", this.#reason);
      // An abort listener may have reported a failure, which has moved this on already.
      if (this.#phase !== "drain") return;
      if (!this.#noDrain) this.#code = callDrainHook(worker, this);
    }
    if (this.#noDrain) return this.#cut();
    this.#armDrain();
    this.#check();
  }

  get #noDrain(): boolean {
    return Math.min(this.#limits.drainTimeoutMs, this.#limits.drainByMs) === 0;
  }

  get #idle(): boolean {
    return this.#code === undefined && this.worker.inFlight === 0;
  }

  hookEnded(run: HookRun): void {
    if (run === this.#code) {
      this.#code = undefined;
      if (this.#drain !== undefined) this.#drain.hookEnded(run);
      else if (run.phase === "drain") noteDrainFailure(run);
      this.#check();
    } else if (run.ok) {
      this.#stopped();
    } else {
      this.#failed(run.value);
    }
  }

  /** Goes on as soon as nothing holds it in its phase any more. */
  #check(): void {
    if (this.#phase !== "drain" && this.#phase !== "cut") return;
    if (!this.#idle) return;
    // In a level it says so, and waits to be told to proceed.
    if (this.#level === undefined) this.#stopping();
    else this.#level.reached(this);
  }

  #armDrain(): void {
    const { drainTimeoutMs, drainByMs } = this.#limits;
    const now = this.worker.core.clock.monotonicMs();
    const byMs = Math.min(this.#beganMs + drainTimeoutMs, drainByMs);
    if (byMs <= now) this.#cut();
    else if (!this.#idle) this.#armSooner(byMs - now);
  }

  #armSooner(afterMs: number): void {
    const { core } = this.worker;
    this.#deadline ??= new Delay(() => this.#phaseEnded());
    if (
      this.#deadline.list === undefined ||
      core.clock.monotonicMs() + afterMs < this.#deadline.dueMs
    ) {
      core.deadlines.set(this.#deadline, afterMs);
    }
  }

  #disarm(): void {
    if (this.#deadline !== undefined) this.worker.core.deadlines.clear(this.#deadline);
  }

  #phaseEnded(): void {
    if (this.#phase === "drain") {
      this.#cut();
    } else if (this.#phase === "cut") {
      this.worker.generation?.abandonLeases();
      this.#check();
    }
  }

  /** From here no attempt of any kind begins: what still runs has its grace, and is then left to itself. */
  #cut(): void {
    const { worker } = this;
    const { generation } = worker;
    this.#phase = "cut";
    this.#disarm();
    if (generation !== undefined) {
      const { graceMs } = this.#limits;
      this.#code?.abort(() => generation.reason("stop"), graceMs);
      this.#endWorkWithin(graceMs);
      if (generation.quiet) this.#aborted += generation.abortLeases("stop");
    }
    this.#level?.reached(this);
    this.#check();
  }

  /** The work of a failed generation has a grace already; any other gets one here. */
  #endWorkWithin(graceMs: number): void {
    const { generation } = this.worker;
    if (generation === undefined || !generation.busy) return;
    if (generation.quiet) this.#armSooner(graceMs);
    else generation.hurryGrace(graceMs);
  }

  #stopping(): void {
    const { worker } = this;
    this.#disarm();
    this.#phase = "quiet";
    this.#stoppingMs = worker.core.clock.monotonicMs();
    if (worker.state !== "stopping") transition(worker, "stopping", this.#reason);
    const { generation } = worker;
    if (generation === undefined || generation.quiet) return this.#callHook();
    generation.hurryGrace(this.#limits.graceMs);
    generation.whenQuiet(() => this.#callHook());
  }

  #callHook(): void {
    const { worker } = this;
    const { generation, stopHook } = worker;
    this.#phase = "hook";
    if (stopHook !== undefined) {
      this.#waitForEarlier(stopHook);
    } else if (generation === undefined) {
      this.#stopped();
    } else {
      this.#stopHook = callStopHook(generation, "stop", this.#hookLimits, this);
    }
  }

  /** An abandoned stop hook still runs: this waits for it, and runs the hook again only if that one fails (L9). */
  #waitForEarlier(earlier: HookRun): void {
    const { worker } = this;
    const tooLate = new Delay(() => {
      worker.stopHookWaiter = undefined;
      this.#failed(earlier.value);
    });
    worker.core.deadlines.set(tooLate, this.#hookLimits.limitMs);
    worker.stopHookWaiter = (run) => {
      worker.core.deadlines.clear(tooLate);
      if (run.ok) this.#stopped();
      else this.#callHook();
    };
  }

  #adopt(run: HookRun): void {
    this.#phase = "hook";
    this.#stopHook = run;
    run.owner = this;
    run.shorten(this.#hookLimits.limitMs, this.#limits.graceMs);
  }

  get #hookLimits(): HookLimits {
    return hookLimits(this.#limits, this.worker.core.clock.monotonicMs());
  }

  #stopped(): void {
    this.#over();
    transition(this.worker, "stopped", "stopped");
    this.succeed();
    endTurn(this);
  }

  #failed(error: unknown): void {
    const { worker } = this;
    this.#over();
    transition(worker, "failed", "stop failed", { failure: failureOf(worker, error, "stop") });
    this.fail(error);
    endTurn(this);
  }

  #over(): void {
    this.#phase = "over";
    this.#disarm();
    this.#overMs = this.worker.core.clock.monotonicMs();
    if (this.#stoppingMs === 0) this.#stoppingMs = this.#overMs;
  }
}
