// Ending all workers: level by level, dependants first, side by side within a level, under one budget if there is one.

import { activeDependants, levelsOf } from "../worker/graph.ts";
import { refusal, type Waiter } from "../worker/operation.ts";
import type { Place } from "../worker/place.ts";
import type { ResolvedPolicy } from "../worker/policy.ts";
import type { RegisteredWorker } from "../worker/registered-worker.ts";
import { OPERATIONS } from "../worker/states.ts";
import { type StopOperation, stopWorker } from "../worker/stop.ts";
import { ownLimits, type StopLimits, type StopReport } from "../worker/stop-limits.ts";
import type { RuntimeCore } from "./core.ts";

/** What became of one worker. */
export interface WorkerEnd extends StopReport {
  /** The local name of the worker. */
  readonly worker: string;
  readonly outcome: "stopped" | "failed";
}

/** How all workers ended. */
export interface AllEnded {
  /** Made when asked for: only a shutdown reports. */
  readonly workers: () => WorkerEnd[];
  readonly errors: readonly unknown[];
}

export class Ending {
  readonly #core: RuntimeCore;
  readonly #reason: string;
  readonly #ended: Member[] = [];
  readonly #errors: unknown[] = [];
  #levels: RegisteredWorker[][];
  #level: StopLevel | undefined = undefined;
  #endByMs = Number.POSITIVE_INFINITY;
  #hurried = false;

  constructor(core: RuntimeCore, workers: Iterable<RegisteredWorker>, reason: string) {
    this.#core = core;
    this.#reason = reason;
    this.#levels = levelsOf(workers).reverse();
  }

  /** The moment at which it ends at the latest. */
  get endByMs(): number {
    return this.#endByMs;
  }

  /** Ends by this moment of the monotonic clock, if that is sooner than so far. */
  endBy(endByMs: number): void {
    if (endByMs >= this.#endByMs) return;
    this.#endByMs = endByMs;
    this.#level?.hurry(this.#limits());
  }

  /** From now on nothing drains and nothing waits for idle workers. */
  hurry(): void {
    this.#hurried = true;
    this.#level?.hurry(this.#limits());
  }

  /** Stops all of them; it goes on after failures and never rejects. */
  async run(): Promise<AllEnded> {
    for (;;) {
      const workers = this.#next();
      if (workers === undefined) break;
      this.#level = new StopLevel(workers, this.#reason);
      for (const member of await this.#level.stop(this.#limits())) {
        this.#ended.push(member);
        if (member.failure !== undefined) this.#errors.push(member.failure.error);
      }
      this.#level = undefined;
    }
    return { workers: () => this.#ended.flatMap(endOf), errors: this.#errors };
  }

  #next(): RegisteredWorker[] | undefined {
    for (let level = this.#levels.shift(); level !== undefined; level = this.#levels.shift()) {
      const workers = level.filter((worker) => needsStop(worker) && !this.#stays(worker));
      if (workers.length > 0) return workers;
    }
    return undefined;
  }

  /** Where workers may start beside it, one may have come to rely on this one meanwhile (D2). */
  #stays(worker: RegisteredWorker): boolean {
    if (this.#core.closing !== undefined || !RELIED_ON.has(worker.state)) return false;
    const list = activeDependants(worker).map(({ name, state }) => `${name} is ${state}`);
    if (list.length === 0) return false;
    if (this.#reason !== "rollback") {
      this.#errors.push(refusal(worker, "stop", `workers depend on it: ${list.join(", ")}`));
    }
    return true;
  }

  /** A level's share is what is left, divided by the levels that still hold a worker to stop (B3). */
  #limits(): LimitsOf {
    const now = this.#core.clock.monotonicMs();
    const drainByMs = this.#hurried ? now : Number.POSITIVE_INFINITY;
    if (this.#endByMs === Number.POSITIVE_INFINITY) {
      return byPolicy((own) => ({ ...own, drainByMs }));
    }
    const levels = 1 + this.#levels.filter((level) => level.some(needsStop)).length;
    const shareMs = Math.max(0, this.#endByMs - now) / levels;
    return byPolicy((own) => ({
      ...own,
      graceMs: Math.min(own.graceMs, shareMs / 16),
      drainByMs: Math.min(drainByMs, now + (shareMs * 3) / 4),
      endByMs: now + shareMs,
    }));
  }
}

const RELIED_ON: ReadonlySet<string> = new Set(["running", "draining"]);

type LimitsOf = (worker: RegisteredWorker) => StopLimits;

/** Workers that share a policy share the limits that follow from it. */
function byPolicy(limitsFor: (own: StopLimits) => StopLimits): LimitsOf {
  const known = new Map<ResolvedPolicy, StopLimits>();
  return (worker) => {
    let limits = known.get(worker.policy);
    if (limits === undefined) {
      limits = limitsFor(ownLimits(worker));
      known.set(worker.policy, limits);
    }
    return limits;
  };
}

function endOf({ worker, operation, failure }: Member): WorkerEnd[] {
  if (operation === undefined) return [];
  const outcome = failure === undefined ? "stopped" : "failed";
  return [{ worker: worker.name, outcome, ...operation.report }];
}

function needsStop({ state, unregistered }: RegisteredWorker): boolean {
  return !unregistered && OPERATIONS.stop[state] !== "nothing";
}

/** Workers of one level; none goes on to its stop hook before all are idle or cut. */
class StopLevel {
  readonly #members: readonly Member[];
  readonly #reason: string;
  /** How many are neither idle nor cut. */
  #busy: number;
  #running: number;
  #launched = false;
  #resolve: ((members: readonly Member[]) => void) | undefined = undefined;

  constructor(workers: readonly RegisteredWorker[], reason: string) {
    this.#members = workers.map((worker) => new Member(worker, this));
    this.#reason = reason;
    this.#busy = workers.length;
    this.#running = workers.length;
  }

  stop(limitsOf: LimitsOf): Promise<readonly Member[]> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      for (const member of this.#members) {
        const { worker } = member;
        const how = { reason: this.#reason, place: member };
        member.operation = stopWorker(worker, member, limitsOf(worker), how);
      }
      this.#launched = true;
      this.#proceedTogether();
    });
  }

  hurry(limitsOf: LimitsOf): void {
    for (const { worker, operation } of this.#members) {
      operation?.bringForward(limitsOf(worker));
    }
  }

  memberReached(): void {
    this.#busy -= 1;
    if (this.#launched) this.#proceedTogether();
  }

  memberEnded(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#resolve?.(this.#members);
  }

  #proceedTogether(): void {
    if (this.#busy > 0) return;
    // While they waited for each other, one may have been given new work by another.
    for (const member of this.#members) {
      const { operation } = member;
      if (operation === undefined || operation.idleOrCut) continue;
      this.#busy += 1;
      member.waitOn(operation);
    }
    if (this.#busy > 0) return;
    for (const member of this.#members) member.operation?.proceed(member);
  }
}

/** One worker of a level, and what came of it. */
class Member implements Waiter, Place {
  readonly worker: RegisteredWorker;
  readonly #level: StopLevel;
  #reached = false;
  next: Place | undefined = undefined;
  operation: StopOperation | undefined = undefined;
  failure: { readonly error: unknown } | undefined = undefined;

  constructor(worker: RegisteredWorker, level: StopLevel) {
    this.worker = worker;
    this.#level = level;
  }

  reached(): void {
    if (this.#reached) return;
    this.#reached = true;
    this.#level.memberReached();
  }

  waitOn(operation: StopOperation): void {
    this.#reached = false;
    operation.waitOn();
  }

  done(): void {
    this.reached();
    this.#level.memberEnded();
  }

  failed(error: unknown): void {
    this.failure = { error };
    this.done();
  }
}
