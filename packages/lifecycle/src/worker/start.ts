// Starting a worker: clean up what failed before, then attempt after attempt until one holds.

import { WorkerkitError } from "@workerkit/contracts";
import { askPolicy } from "@workerkit/retry";
import { Delay } from "./delay.ts";
import { failureOf, isHopeless } from "./failure.ts";
import { type Fall, failForGood } from "./fell.ts";
import { Generation } from "./generation.ts";
import { checkGraph } from "./graph.ts";
import { type HookOwner, HookRun } from "./hook-run.ts";
import { endTurn, leaveLine, Operation, refusal } from "./operation.ts";
import type { RegisteredWorker } from "./registered-worker.ts";
import { OPERATIONS } from "./states.ts";
import { keepState, ownStopLimits, stopHookRun } from "./stop-hook.ts";
import { endGeneration, recordFailure, transition } from "./transition.ts";

export class StartOperation extends Operation implements HookOwner {
  override readonly kind = "start";
  /** What supervision does when the start that it began fails; nobody's leaving ends such a start. */
  readonly #supervise: ((worker: RegisteredWorker, fall: Fall) => void) | undefined;
  /** Whether it began, and was not refused. */
  accepted = false;
  #attempt = 0;
  #run: HookRun | undefined = undefined;
  #delay: Delay | undefined = undefined;
  #aborted: { readonly reason: unknown } | undefined = undefined;

  constructor(
    worker: RegisteredWorker,
    supervise?: (worker: RegisteredWorker, fall: Fall) => void,
  ) {
    super(worker);
    this.#supervise = supervise;
  }

  override get running(): HookRun | undefined {
    return this.#run;
  }

  override begin(): boolean {
    const { worker } = this;
    const refused = this.#supervise === undefined ? startRefusal(worker) : undefined;
    if (refused !== undefined) {
      this.fail(refused);
      return false;
    }
    this.accepted = true;
    worker.core.tally.closed = false;
    worker.generationNumber += 1;
    const previous = worker.generation;
    if (worker.state === "failed" && previous?.uncleaned === true) this.#cleanUp(previous);
    else this.#next();
    return true;
  }

  override forsaken(reason: unknown): void {
    if (leaveLine(this) || this.#supervise !== undefined) return;
    this.#aborted = { reason };
    if (this.#delay !== undefined) {
      this.#clearDelay();
      this.#giveUp(reason);
    } else {
      this.#run?.abort(() => reason);
    }
  }

  /** Gives way to a stop: whoever waits is told, and the hook that still runs is the stop's. */
  giveWay(): HookRun | undefined {
    this.interrupted();
    this.#clearDelay();
    return this.#run;
  }

  /** The stop hook of a generation that failed and was never cleaned up comes first. */
  #cleanUp(previous: Generation): void {
    const { worker } = this;
    transition(worker, "starting", "start");
    previous.whenQuiet(() => {
      if (worker.current !== this) return;
      if (this.#aborted !== undefined) return this.#giveUp(this.#aborted.reason);
      this.#run = stopHookRun(previous, "stop", ownStopLimits(worker), this);
      this.#run.call(worker.hooks.stop);
    });
  }

  #next(): void {
    const { worker } = this;
    const { startTimeoutMs: limitMs, graceMs } = worker.policy;
    this.#attempt += 1;
    const generation = new Generation(worker, worker.generationNumber);
    worker.generation = generation;
    if (worker.state !== "starting") transition(worker, "starting", "start");
    this.#run = new HookRun(generation, "start", { limitMs, graceMs }, this, keepState);
    this.#run.call(worker.hooks.start);
  }

  hookEnded(run: HookRun): void {
    this.#run = undefined;
    const { generation } = run;
    if (this.#aborted !== undefined) this.#giveUp(this.#aborted.reason);
    else if (run.phase === "stop") this.#cleanedUp(run);
    else if (run.ok && generation.reported === undefined) this.#succeed(generation);
    else this.#failedAttempt(run);
  }

  #cleanedUp(run: HookRun): void {
    if (run.ok) this.#next();
    else this.#fell(run.value, "stop");
  }

  #succeed(generation: Generation): void {
    const { worker } = this;
    const { readyOnStart, acceptingWorkOnStart } = worker.policy;
    // A drain that waits has closed admission already, and begins in this very stretch.
    const open = !worker.drainWaits;
    transition(worker, "running", "started", {
      ready: open && (generation.wantsReady ?? readyOnStart),
      acceptingWork: open && (generation.wantsWork ?? acceptingWorkOnStart),
    });
    this.succeed();
    endTurn(this);
    worker.core.requests.followLeaders(worker);
  }

  #failedAttempt(run: HookRun): void {
    const { worker } = this;
    const { generation } = run;
    const error = run.ok ? generation.reported?.error : run.value;
    const failure = failureOf(worker, error, "start", { attempt: this.#attempt, final: false });
    const { startRetry } = worker.policy;
    // A start that returned its state although a failure was reported is no attempt to repeat.
    const mayRetry = !run.ok && run.stage === "settled" && !isHopeless(failure);
    const delayMs =
      mayRetry && startRetry !== undefined
        ? askPolicy(startRetry, this.#attempt, error, worker.core.random)
        : undefined;
    // What was asked is the user's: it may have stopped the worker.
    if (worker.current !== this) return;
    if (delayMs === undefined) return this.#fell(error, "start");
    recordFailure(worker, failure);
    endGeneration(generation);
    if (worker.current !== this) return;
    this.#delay = new Delay(() => {
      this.#delay = undefined;
      this.#next();
    });
    worker.core.deadlines.set(this.#delay, delayMs);
  }

  #clearDelay(): void {
    if (this.#delay !== undefined) this.worker.core.deadlines.clear(this.#delay);
    this.#delay = undefined;
  }

  /** The caller gave up: he knows why, so the worker says only that. */
  #giveUp(reason: unknown): void {
    const { worker } = this;
    const error = new WorkerkitError(
      "INTERRUPTED",
      `the start of worker ${worker.fullName} was aborted by its caller`,
      { details: { worker: worker.fullName }, cause: reason },
    );
    const failure = failureOf(worker, error, "start", { attempt: this.#attempt || 1 });
    transition(worker, "failed", "start aborted", { failure });
    this.fail(error); // whoever joined after the caller had left
    endTurn(this);
  }

  #fell(error: unknown, phase: "start" | "stop"): void {
    const fall = { error, phase, attempt: this.#attempt || 1 };
    (this.#supervise ?? failForGood)(this.worker, fall);
    this.fail(error);
    endTurn(this);
  }
}

/** Why no worker of its runtime may start now, if none may (B6). */
export function endingRefusal(worker: RegisteredWorker): WorkerkitError | undefined {
  const { closing } = worker.core;
  if (closing === undefined) return undefined;
  const { fullName } = worker;
  return new WorkerkitError(
    "INVALID_RUNTIME_STATE",
    `worker ${fullName} cannot start: its runtime is ending all workers (${closing})`,
    { details: { worker: fullName, closing } },
  );
}

/** Why a worker may not start now, if it may not. */
export function startRefusal(worker: RegisteredWorker): unknown {
  const ending = endingRefusal(worker);
  if (ending !== undefined) return ending;
  if (OPERATIONS.start[worker.state] === "refused") return refusal(worker, "start");
  if (worker.unregistered) {
    return refusal(worker, "start", "it was unregistered meanwhile");
  }
  if (worker.strays !== undefined && worker.strays.size > 0) {
    const running = [...worker.strays].map(({ phase }) => `its abandoned ${phase} hook`);
    return refusal(worker, "start", `${running.join(" and ")} still runs`);
  }
  try {
    checkGraph(worker);
  } catch (error) {
    return error;
  }
  if (worker.dependsOn.length === 0) return undefined;
  const missing = worker.dependencies?.filter(({ state }) => state !== "running") ?? [];
  if (missing.length === 0) return undefined;
  const list = missing.map(({ name, state }) => `${name} is ${state}`).join(", ");
  return refusal(worker, "start", `it depends on workers that do not run: ${list}`);
}
