// Stopping a worker, whatever it is doing: drain, the cut, the stop hook. It does not queue; it takes over.

import { Delay } from "./delay.ts";
import { DrainOperation, drainHookRun, noteDrainFailure } from "./drain.ts";
import { failureOf } from "./failure.ts";
import type { HookOwner, HookRun } from "./hook-run.ts";
import { endTurn, interruptWaiting, Operation, type Waiter } from "./operation.ts";
import { type Place, reachedIn, without } from "./place.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import { RestartOperation } from "./restart.ts";
import { StartOperation } from "./start.ts";
import { OPERATIONS } from "./states.ts";
import { earlierGoesOn, type HookLimits, stopHookRun } from "./stop-hook.ts";
import {
  hookLimits,
  type LeftBehind,
  type StopLimits,
  type StopReport,
  stricter,
} from "./stop-limits.ts";
import { transition } from "./transition.ts";

/** Stops a worker, or joins the stop in progress and brings its limits forward; undefined when there is nothing to stop. */
export function stopWorker(
  worker: RegisteredWorker,
  waiter: Waiter,
  limits: StopLimits,
  { reason = "stop", place }: { readonly reason?: string; readonly place?: Place } = {},
): StopOperation | undefined {
  const { current } = worker;
  if (current instanceof StopOperation) {
    interruptWaiting(worker);
    current.join(waiter);
    current.bringForward(limits, place);
    return current;
  }
  if (OPERATIONS.stop[worker.state] === "nothing") {
    waiter.done();
    return undefined;
  }
  const operation = new StopOperation(worker, limits, reason, place);
  operation.join(waiter);
  operation.begin();
  return operation;
}

export class StopOperation extends Operation implements HookOwner {
  override readonly kind = "stop";
  readonly #reason: string;
  readonly #beganMs: number;
  #stoppingMs: number | undefined = undefined;
  #overMs = 0;
  #aborted = 0;
  #abandoned: LeftBehind[] | undefined = undefined;
  #limits: StopLimits;
  #place: Place | undefined;
  #phase: "cleanup" | "drain" | "cut" | "quiet" | "hook" | "over" = "drain";
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
    place: Place | undefined,
  ) {
    super(worker);
    this.#limits = limits;
    this.#reason = reason;
    this.#place = place;
    this.#beganMs = worker.core.clock.monotonicMs();
  }

  /** How it went, once it is over. */
  get report(): StopReport {
    const stoppingMs = this.#stoppingMs ?? this.#overMs;
    return {
      drainMs: stoppingMs - this.#beganMs,
      stopMs: this.#overMs - stoppingMs,
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
    const { current } = worker;
    worker.current = this;
    interruptWaiting(worker);
    if (current instanceof RestartOperation) this.#takeOverRestart(current);
    else if (current instanceof StartOperation) this.#takeOverStart(current);
    else if (worker.state === "failed") this.#stopFailed(current);
    else this.#drainFirst(current);
    return true;
  }

  /** Only ever earlier: whoever joins can hurry it, not hold it up. */
  bringForward(limits: StopLimits, place?: Place): void {
    this.#limits = stricter(this.#limits, limits);
    if (place !== undefined) {
      place.next = this.#place;
      this.#place = place;
    }
    const { graceMs } = this.#limits;
    if (this.#phase === "drain") {
      this.#armDrain();
    } else if (this.#phase === "cut") {
      this.#code?.shorten(graceMs, graceMs);
      this.#endWorkWithin(graceMs);
    } else if (this.#phase === "quiet") {
      this.worker.generation?.hurryGrace(graceMs);
    } else if (this.#phase === "hook") {
      if (this.#stopHook === undefined) this.#armSooner(this.#hookLimits.limitMs);
      else this.#stopHook.shorten(this.#hookLimits.limitMs, graceMs);
    } else if (this.#phase === "cleanup") {
      this.#restart?.hurry();
    }
    if (this.idleOrCut) reachedIn(this.#place);
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
    this.#endWorkWithin(this.#limits.graceMs);
    reachedIn(this.#place);
    this.#check();
  }

  /** It got new work while it waited for others: it drains on. */
  waitOn(): void {
    if (this.#phase === "drain") this.#armDrain();
  }

  /** All workers beside it in this place are idle or cut. */
  proceed(place: Place): void {
    this.#place = without(this.#place, place);
    this.#check();
  }

  #takeOverRestart(restart: RestartOperation): void {
    this.#phase = "cleanup";
    this.#restart = restart;
    reachedIn(this.#place);
    const limits = () => this.#hookLimits;
    restart.giveWay(limits, (gaveUp) => {
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
    if (run !== undefined) run.owner = this;
    if (run?.phase === "stop") {
      // The start was cleaning up after an earlier failure: that is the stop hook.
      this.#phase = "hook";
      this.#stopHook = run;
      transition(worker, "stopping", this.#reason);
      run.shorten(this.#hookLimits.limitMs, this.#limits.graceMs);
      reachedIn(this.#place);
    } else {
      this.#phase = "cut";
      this.#code = run;
      transition(worker, "stopping", this.#reason);
      this.#cut();
    }
  }

  #stopFailed(current: Operation | undefined): void {
    const { worker } = this;
    if (current instanceof DrainOperation) {
      this.#drain = current;
      this.#code = current.takeOver(this);
    }
    this.#phase = "cut";
    transition(worker, "stopping", this.#reason);
    this.#cut();
  }

  #drainFirst(current: Operation | undefined): void {
    const { worker } = this;
    if (current instanceof DrainOperation) {
      this.#drain = current;
      this.#code = current.takeOver(this);
      // Without a running hook it was overtaken before it called one.
      if (this.#code === undefined) this.#callDrainHook();
    } else if (worker.state === "running") {
      if (this.#noDrain && this.#place === undefined && this.#idle) return this.#stopping();
      transition(worker, "draining", this.#reason);
      this.#callDrainHook();
    }
    // An abort listener or the hook may have reported a failure, or hurried it, which has moved it on already.
    if (this.#phase !== "drain") return;
    if (!this.#idle || this.#noDrain) this.#armDrain();
    this.#check();
  }

  #callDrainHook(): void {
    const { generation, hooks } = this.worker;
    const { drain } = hooks;
    if (drain === undefined || generation === undefined) return;
    if (this.#phase !== "drain" || this.#noDrain) return;
    this.#code = drainHookRun(generation, this);
    this.#code.call(drain);
  }

  get #noDrain(): boolean {
    return Math.min(this.#limits.drainTimeoutMs, this.#limits.drainByMs - this.#beganMs) <= 0;
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
    // Side by side with others it says so, and waits to be told to proceed.
    if (this.#place === undefined) this.#stopping();
    else reachedIn(this.#place);
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
    } else if (this.#phase === "hook") {
      this.worker.stopHookWaiter = undefined;
      this.#failed(earlierGoesOn(this.worker, this.#limits.limitMs));
    }
  }

  /** From here no attempt of any kind begins: what still runs has its grace, and is then left to itself. */
  #cut(): void {
    const { worker } = this;
    const { generation } = worker;
    // An abort listener may have hurried it, which has moved it on already.
    if (this.#phase !== "drain" && this.#phase !== "cut") return;
    this.#phase = "cut";
    this.#disarm();
    if (worker.state === "draining") worker.core.close(worker, "cut");
    if (generation !== undefined) {
      generation.cut = true;
      const { graceMs } = this.#limits;
      this.#code?.abort(() => generation.reason("stop"), graceMs);
      this.#endWorkWithin(graceMs);
      if (generation.quiet) this.#aborted += generation.abortLeases("stop");
    }
    reachedIn(this.#place);
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
    if (worker.state !== "stopping") transition(worker, "stopping", this.#reason);
    const { generation } = worker;
    if (generation === undefined || generation.quiet) return this.#callHook();
    this.#stoppingMs = worker.core.clock.monotonicMs();
    generation.hurryGrace(this.#limits.graceMs);
    generation.whenQuiet(() => this.#callHook());
  }

  #callHook(): void {
    const { worker } = this;
    const { generation, stopHook } = worker;
    this.#phase = "hook";
    if (stopHook !== undefined) {
      this.#waitForEarlier();
    } else if (generation === undefined) {
      this.#stopped();
    } else {
      this.#stopHook = stopHookRun(generation, "stop", this.#hookLimits, this);
      this.#stoppingMs ??= this.#stopHook.sinceMs;
      this.#stopHook.call(worker.hooks.stop);
    }
  }

  /** An earlier stop hook still runs: this waits for it, and runs the hook again only if that one fails (L9). */
  #waitForEarlier(): void {
    this.#stoppingMs ??= this.worker.core.clock.monotonicMs();
    this.#armSooner(this.#hookLimits.limitMs);
    this.worker.stopHookWaiter = (clean) => {
      this.#disarm();
      if (clean) this.#stopped();
      else this.#callHook();
    };
  }

  get #hookLimits(): HookLimits {
    return hookLimits(this.#limits, this.worker.core.clock);
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
  }
}
