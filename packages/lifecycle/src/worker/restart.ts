// Supervision: a worker that failed while running is cleaned up, waits for its backoff, and starts again.

import { toError } from "@workerkit/contracts";
import { Delay } from "./delay.ts";
import { cleanupFailureOf, crashes, failureOf, type WorkerFailure } from "./failure.ts";
import { type Fall, failForGood } from "./fell.ts";
import type { Generation } from "./generation.ts";
import type { HookOwner, HookRun } from "./hook-run.ts";
import { endTurn, Operation, refusal, takeTurn } from "./operation.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import { StartOperation, startRefusal } from "./start.ts";
import { type HookLimits, ownStopLimits, stopHookRun } from "./stop-hook.ts";
import { exhausted, judge } from "./supervision.ts";
import { recordFailure, transition } from "./transition.ts";

/** Takes a failure that a worker reported of itself; says whether it counted (L10). */
export function reportFailure(generation: Generation, reported: unknown): boolean {
  if (generation.ended) return false;
  const { worker } = generation;
  const error = toError(reported);
  switch (worker.state) {
    case "starting":
      generation.reported ??= { error };
      return true;
    case "running":
      supervise(worker, { error, phase: "run" });
      return true;
    case "draining":
      failForGood(worker, { error, phase: "run" });
      return true;
    case "stopping":
      recordFailure(worker, failureOf(worker, error, "run", { final: false }));
      return true;
    default:
      return false;
  }
}

/** Restarts a worker that fell, or lets it fail for good; workers that restart with it do the same. */
function supervise(worker: RegisteredWorker, fall: Fall): void {
  const { error, phase, attempt = 1 } = fall;
  const { state } = worker;
  const failure = failureOf(worker, error, phase, { attempt, final: false });
  const verdict = judge(worker, failure);
  // What it asked is the user's: it may have stopped the worker.
  if (worker.state !== state) return;
  if ("delayMs" in verdict) {
    beginRestart(worker, { failure, delayMs: verdict.delayMs });
  } else {
    failForGood(worker, { ...fall, error: verdict.error });
    pullFollowers(worker);
  }
}

/** Restarts a worker with those it depends on, where it asked for that and one of them is down (D3). */
export function followLeaders(worker: RegisteredWorker): void {
  if (!worker.follows || worker.state !== "running" || worker.current !== undefined) return;
  const { closing } = worker.core;
  if (closing !== undefined) return;
  if (leadersOf(worker).some(({ state }) => state !== "running" && state !== "draining")) {
    beginRestart(worker, undefined);
  }
}

/** Why a worker restarts: its own failure, or, left out, one that it depends on. */
interface OwnFailure {
  readonly failure: WorkerFailure;
  readonly delayMs: number;
}

function beginRestart(worker: RegisteredWorker, own: OwnFailure | undefined): void {
  const operation = new RestartOperation(worker, own);
  const line = worker.waiting;
  worker.current = operation;
  worker.waiting = undefined;
  operation.begin();
  if (line !== undefined) for (const waiting of line) takeTurn(waiting);
}

/** Those that restart with a worker enter their restart as it does. */
function pullFollowers(worker: RegisteredWorker): RestartOperation[] {
  const followers: RestartOperation[] = [];
  for (const dependant of worker.core.dependants.get(worker.name) ?? []) {
    if (!leadersOf(dependant).includes(worker)) continue;
    followLeaders(dependant);
    if (dependant.current instanceof RestartOperation) followers.push(dependant.current);
  }
  return followers;
}

function leadersOf({ dependencies = [], dependsOn }: RegisteredWorker): RegisteredWorker[] {
  return dependencies.filter((_, index) => dependsOn[index]?.onRestart === "restart");
}

/** One restart, from the failure to the start that follows it: cleanup, backoff, and waiting for what it depends on. */
export class RestartOperation extends Operation implements HookOwner {
  override readonly kind = "restart";
  #own: OwnFailure | undefined;
  #stage: "cleanup" | "backoff" | "over" = "cleanup";
  #run: HookRun | undefined = undefined;
  #delay: Delay | undefined = undefined;
  #hurried = false;
  #stop: ((gaveUp?: { readonly error: unknown }) => void) | undefined = undefined;
  #stopLimits: (() => HookLimits) | undefined = undefined;
  #dirtyFollowers = 0;
  readonly #whenClean: (() => void)[] = [];

  constructor(worker: RegisteredWorker, own: OwnFailure | undefined) {
    super(worker);
    this.#own = own;
  }

  override get running(): HookRun | undefined {
    return this.#run;
  }

  override begin(): boolean {
    const { worker } = this;
    const own = this.#own;
    if (own === undefined) {
      transition(worker, "restarting", "a dependency is down");
    } else {
      transition(worker, "restarting", `${own.failure.phase} failed`, { failure: own.failure });
      this.#tell(own);
    }
    const followers = pullFollowers(worker);
    this.#dirtyFollowers = followers.length;
    for (const follower of followers) {
      follower.whenClean(() => {
        this.#dirtyFollowers -= 1;
        this.#cleanUp();
      });
    }
    if (worker.generation?.quiet === false) worker.generation.whenQuiet(() => this.#cleanUp());
    else this.#cleanUp();
    return true;
  }

  /** A start that an operator asks for joins it and hurries it; a drain stops it instead (S3). */
  override receive(operation: Operation): boolean {
    if (operation.kind === "start") {
      const refused = startRefusal(this.worker);
      if (refused !== undefined) {
        operation.fail(refused);
        return true;
      }
      operation.handOver(this);
      this.#hurried = true;
      if (this.#stage === "backoff") this.#go();
    } else {
      this.worker.core.requests.stopInstead(operation);
    }
    return true;
  }

  override dependencyMoved(): void {
    if (this.#stage === "backoff" && this.#delay === undefined) this.#go();
  }

  /** Gives way to a stop, which is called back when no cleanup runs any more, or was given up. */
  giveWay(
    stopLimits: () => HookLimits,
    stop: (gaveUp?: { readonly error: unknown }) => void,
  ): void {
    this.interrupted();
    this.#stop = stop;
    this.#stopLimits = stopLimits;
    this.hurry();
    if (this.#stage === "backoff") this.#go();
  }

  /** The stop that waits for the cleanup has brought its limits forward. */
  hurry(): void {
    if (this.#stopLimits === undefined) return;
    const { limitMs, graceMs } = this.#stopLimits();
    this.worker.generation?.hurryGrace(graceMs);
    this.#run?.shorten(limitMs, graceMs);
  }

  whenClean(listener: () => void): void {
    if (this.#stage === "cleanup") this.#whenClean.push(listener);
    else listener();
  }

  #tell({ failure: { code, message, error }, delayMs }: OwnFailure): void {
    const { worker } = this;
    const { hub } = worker.core;
    if (!hub.wants("worker:restart")) return;
    const attempt = (worker.restartedAtMs?.length ?? 0) + 1;
    hub.emit("worker:restart", {
      ...worker.core.eventOf(worker),
      ...{ attempt, delayMs, code, message, error },
    });
  }

  /** Runs the stop hook of the generation that fell, when its work and its followers have ended. */
  #cleanUp(): void {
    const { worker } = this;
    const { generation } = worker;
    if (this.#stage !== "cleanup" || this.#run !== undefined) return;
    if (generation?.quiet === false || this.#dirtyFollowers > 0) return;
    if (generation?.uncleaned !== true) return this.#cleaned();
    const limits = this.#stopLimits?.() ?? ownStopLimits(worker);
    this.#run = stopHookRun(generation, "cleanup", limits, this);
    this.#run.call(worker.hooks.stop);
  }

  hookEnded(run: HookRun): void {
    const { worker } = this;
    this.#run = undefined;
    if (run.stage === "abandoned") {
      return this.#giveUp(exhausted(worker, run.value, "its cleanup was abandoned"));
    }
    // A cleanup that failed is told, and counts as done.
    if (!run.ok) {
      const failure = cleanupFailureOf(worker, run.value);
      if (crashes(worker, failure)) return this.#giveUp(run.value);
      recordFailure(worker, failure);
    }
    run.generation.uncleaned = false;
    this.#cleaned();
  }

  #cleaned(): void {
    this.#stage = "backoff";
    for (const listener of this.#whenClean) listener();
    this.#wait(this.#own?.delayMs ?? 0);
  }

  #wait(delayMs: number): void {
    if (delayMs === 0 || this.#hurried || this.#stop !== undefined) return this.#go();
    this.#delay = new Delay(() => this.#go());
    this.worker.core.deadlines.set(this.#delay, delayMs);
  }

  /** Cleaned up, and waited long enough: stop, start, or wait for what it depends on. */
  #go(): void {
    const { worker } = this;
    const { core } = worker;
    if (this.#delay !== undefined) core.deadlines.clear(this.#delay);
    this.#delay = undefined;
    if (this.#stop !== undefined) {
      this.#stage = "over";
      return this.#stop();
    }
    // Nothing restarts while all workers end: this one is stopped at its level's turn (B6).
    if (core.closing !== undefined) return;
    const down = worker.dependencies?.filter(({ state }) => state !== "running") ?? [];
    if (down.length === 0) return this.#start();
    if (down.some(({ state }) => state === "starting" || state === "restarting")) return;
    const list = down.map(({ name, state }) => `${name} is ${state}`).join(", ");
    const error = refusal(worker, "start", `it depends on workers that do not run: ${list}`);
    if (leadersOf(worker).some((leader) => down.includes(leader))) this.#endStopped(error);
    else this.#failAgain(error);
  }

  #start(): void {
    const { worker } = this;
    this.#stage = "over";
    if (this.#own !== undefined) {
      worker.restarts += 1;
      worker.restartedAtMs?.push(worker.core.clock.monotonicMs());
    }
    const start = new StartOperation(worker, supervise);
    this.handOver(start);
    worker.current = start;
    start.begin();
  }

  /** What it restarts with will not run again, so neither will it (D3). */
  #endStopped(error: unknown): void {
    const { worker } = this;
    this.#stage = "over";
    transition(worker, "stopping", "a dependency is down");
    transition(worker, "stopped", "a dependency is down");
    this.fail(error);
    endTurn(this);
  }

  /** What it depends on does not run: one more failure in the window. */
  #failAgain(error: unknown): void {
    const { worker } = this;
    this.#hurried = false;
    worker.restartedAtMs?.push(worker.core.clock.monotonicMs());
    const failure = failureOf(worker, error, "start", { final: false });
    const verdict = judge(worker, failure);
    if (!("delayMs" in verdict)) return this.#giveUp(verdict.error);
    recordFailure(worker, failure);
    this.#own = { failure, delayMs: verdict.delayMs };
    this.#tell(this.#own);
    this.#wait(Math.max(1, verdict.delayMs));
  }

  #giveUp(error: unknown): void {
    const { worker } = this;
    this.#stage = "over";
    for (const listener of this.#whenClean) listener();
    failForGood(worker, { error, phase: "cleanup" });
    this.fail(error);
    this.#stop?.({ error });
    endTurn(this);
  }
}
